"""I3D against a plain re-derivation in float64 numpy, and both published files' names and shapes."""

import json
import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from sweettok.errors import InputError
from sweettok.metrics.i3d import EPS, I3D, VIDEOGPT_EPS, MaxPool3D, Unit3D, i3d_state, load_i3d, same_padding
from sweettok.weights import load_state

FILES = json.loads((Path(__file__).parent / "published_files" / "i3d_shapes.json").read_text())["files"]


def random_state(shapes, seed=0):
    """Weights of the given shapes that keep activations of order 1."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        values = torch.rand(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
        elif name.endswith("conv3d.weight"):
            state[name] = (values * 2 - 1) * (6 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(("running_var", "bn.weight", "batch3d.weight")):
            state[name] = values * 0.5 + 0.02  # small variances, so that eps counts
        else:
            state[name] = (values - 0.5) * 0.2
    return state


@pytest.fixture(scope="module")
def state():
    return random_state(FILES["i3d_pretrained_400.pt"])


# the re-derivation: (C, T, H, W) arrays, windows cut out one output position at a time


def windows(x, kernel, stride):
    """SAME windows (C, T', H', W', kT, kH, kW): output i covers inputs i * stride - before ... by TensorFlow's rule."""
    pads = [(0, 0)]
    for size, k, s in zip(x.shape[1:], kernel, stride, strict=True):
        outputs = int(np.ceil(size / s))
        total = max((outputs - 1) * s + k - size, 0)
        pads.append((total // 2, total - total // 2))
    views = sliding_window_view(np.pad(x, pads), kernel, axis=(1, 2, 3))
    return views[:, :: stride[0], :: stride[1], :: stride[2]]


def unit(x, state, name, stride=1, eps=EPS):
    weight = state[f"{name}.conv3d.weight"].double().numpy()  # (O, C, kT, kH, kW)
    y = np.einsum("cthwxyz,ocxyz->othw", windows(x, weight.shape[2:], (stride,) * 3), weight, optimize=True)
    gamma, beta, mean, var = (
        state[f"{name}.bn.{part}"].double().numpy()[:, None, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return np.maximum(gamma * (y - mean) / np.sqrt(var + eps) + beta, 0)


def pool(x, kernel, stride):
    return windows(x, kernel, stride).max(axis=(4, 5, 6))


def mixed(x, state, name, eps):
    branches = [
        unit(x, state, f"{name}.b0", eps=eps),
        unit(unit(x, state, f"{name}.b1a", eps=eps), state, f"{name}.b1b", eps=eps),
        unit(unit(x, state, f"{name}.b2a", eps=eps), state, f"{name}.b2b", eps=eps),
        unit(pool(x, (3, 3, 3), (1, 1, 1)), state, f"{name}.b3b", eps=eps),
    ]
    return np.concatenate(branches)


def blocks(state, eps):
    """Name -> function of every layer before the classifier, in the order of the paper's figure 3."""
    frame_pool = lambda x: pool(x, (1, 3, 3), (1, 2, 2))  # noqa: E731
    inception = {
        name: (lambda x, name=name: mixed(x, state, name, eps))
        for name in [
            "Mixed_3b",
            "Mixed_3c",
            "Mixed_4b",
            "Mixed_4c",
            "Mixed_4d",
            "Mixed_4e",
            "Mixed_4f",
            "Mixed_5b",
            "Mixed_5c",
        ]
    }
    return {
        "Conv3d_1a_7x7": lambda x: unit(x, state, "Conv3d_1a_7x7", stride=2, eps=eps),
        "MaxPool3d_2a_3x3": frame_pool,
        "Conv3d_2b_1x1": lambda x: unit(x, state, "Conv3d_2b_1x1", eps=eps),
        "Conv3d_2c_3x3": lambda x: unit(x, state, "Conv3d_2c_3x3", eps=eps),
        "MaxPool3d_3a_3x3": frame_pool,
        "Mixed_3b": inception["Mixed_3b"],
        "Mixed_3c": inception["Mixed_3c"],
        "MaxPool3d_4a_3x3": lambda x: pool(x, (3, 3, 3), (2, 2, 2)),
        **{name: inception[name] for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f")},
        "MaxPool3d_5a_2x2": lambda x: pool(x, (2, 2, 2), (2, 2, 2)),
        "Mixed_5b": inception["Mixed_5b"],
        "Mixed_5c": inception["Mixed_5c"],
    }


@pytest.mark.parametrize("eps", [EPS, VIDEOGPT_EPS])
def test_block_by_block_against_numpy(state, eps):
    """Odd sizes on purpose: they are where SAME padding can go wrong."""
    network = load_i3d(state, eps).double()
    derived = blocks(state, eps)
    assert [name for name, _ in network.named_children()] == [*derived, "logits"]
    clip = np.random.default_rng(0).uniform(-1, 1, (3, 11, 45, 38))
    x = clip
    for name, block in derived.items():
        expected = block(x)
        found = getattr(network, name)(torch.from_numpy(x)[None])[0].numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=name)
        x = expected
    np.testing.assert_allclose(network.maps(torch.from_numpy(clip)[None])[0], x, rtol=1e-8, atol=1e-9)
    assert x.shape == (1024, 2, 2, 2) and x.std() > 0.01


def test_classifier_against_numpy(state, monkeypatch):
    network = load_i3d(state).double()
    maps = np.random.default_rng(1).uniform(0, 1, (2, 1024, 3, 7, 7))
    monkeypatch.setattr(network, "maps", lambda clip: torch.from_numpy(maps))
    weight, bias = (state[f"logits.conv3d.{part}"].double().numpy() for part in ("weight", "bias"))
    pairs = np.stack([maps[:, :, i : i + 2].mean(axis=(2, 3, 4)) for i in range(2)])  # two windows of two time steps
    expected = (pairs @ weight[:, :, 0, 0, 0].T + bias).mean(axis=0)
    np.testing.assert_allclose(network(torch.zeros(2, 3, 17, 224, 224)), expected, rtol=1e-9)


def test_whole_network_on_a_published_size(state):
    clip = torch.rand(1, 3, 9, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    logits = load_i3d(state)(clip)
    assert logits.shape == (1, 400) and logits.isfinite().all() and logits.std() > 0


@pytest.mark.parametrize("size, kernel, stride", list(product(range(1, 12), (1, 2, 3, 7), (1, 2, 3))))
def test_same_padding_by_hand(size, kernel, stride):
    """ceil(size / stride) outputs with the fewest zeros possible, at the end one more than at the beginning at most."""
    x = torch.ones(1, 1, size, 1, 1)
    padded = same_padding(x, (kernel, 1, 1), (stride, 1, 1)).flatten().tolist()
    before, after = padded.index(1), padded[::-1].index(1)
    assert sum(padded) == size and 0 <= after - before <= 1
    outputs = -(-size // stride)
    assert (len(padded) - kernel) // stride + 1 >= outputs
    if before + after:
        assert (outputs - 1) * stride + kernel == len(padded)


def test_same_padding_of_the_published_case():
    """17 frames under 7 taps at stride 2 (the first layer): 9 outputs, 3 zeros on either side; 16 frames: 2 and 3."""
    for frames, zeros in ((17, (3, 3)), (16, (2, 3))):
        padded = same_padding(torch.ones(1, 1, frames, 4, 4), (7, 1, 1), (2, 1, 1))[0, 0, :, 0, 0]
        assert padded.tolist() == [0] * zeros[0] + [1] * frames + [0] * zeros[1]
    assert Unit3D(1, 1, kernel=7, stride=2)(torch.ones(1, 1, 17, 4, 4)).shape[2] == 9
    assert MaxPool3D((3, 3, 3), (2, 2, 2))(torch.ones(1, 1, 9, 4, 4)).shape[2] == 5


def torchscript_file(shapes, path):
    """A TorchScript archive whose state dict has these names."""
    root = torch.nn.Module()
    for name, tensor in random_state(shapes).items():
        *modules, last = name.split(".")
        place = root
        for part in modules:
            if not hasattr(place, part):
                place.add_module(part, torch.nn.Module())
            place = getattr(place, part)
        place.register_buffer(last, tensor)
    torch.jit.script(root).save(str(path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_published_files_load_and_mean_the_same(tmp_path, state):
    torch.save(state, tmp_path / "i3d_pretrained_400.pt")
    torchscript_file(FILES["i3d_torchscript.pt"], tmp_path / "i3d_torchscript.pt")
    clip = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    maps = [load_i3d(load_state(tmp_path / name)).maps(clip) for name in FILES]
    # both dictionaries are in the order of the layers, so the same seed gives both the same weights
    assert torch.equal(*maps) and maps[0].std() > 0


def test_each_published_shape_is_used_once():
    for name, shapes in FILES.items():
        tensors = {key: torch.zeros(shape) for key, shape in shapes.items()}
        renamed = i3d_state(tensors)
        assert len(renamed) == sum(not key.endswith("num_batches_tracked") for key in shapes), name
        assert sum(tensor.numel() for tensor in renamed.values()) == 12_711_881 - 57


def test_files_without_batch_counts_load(state):
    """TensorFlow has no such count, so a converted file may lack it."""
    load_i3d({name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")})


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda s: s.pop("Mixed_4d.b1a.bn.running_mean"), r"Mixed_4d\.b1a\.bn\.running_mean"),
        (lambda s: s.update(head=torch.zeros(1)), "unknown head"),
        (
            lambda s: s.update({"logits.conv3d.bias": torch.zeros(600)}),
            r"logits\.conv3d\.bias .*600.*400",
        ),
        (lambda s: [s.pop(name) for name in list(s)[:100]], r"Conv3d_1a_7x7\.conv3d\.weight, .* 8\d more"),
        (lambda s: s["Mixed_3b.b0.bn.bias"].fill_(float("nan")), r"NaN .*Mixed_3b\.b0\.bn\.bias"),
    ],
)
def test_other_weights_are_refused(state, change, named):
    state = {name: tensor.clone() for name, tensor in state.items()}
    change(state)
    with pytest.raises(InputError, match=named):
        load_i3d(state)


def test_clips_of_another_size_are_refused_and_it_never_trains(state):
    network = load_i3d(state)
    for shape in ((1, 3, 8, 224, 224), (1, 3, 16, 128, 128)):
        with pytest.raises(ValueError, match="9, 224, 224"):
            network(torch.zeros(shape))
    assert not torch.nn.Sequential(network).train()[0].training
    assert not any(parameter.requires_grad for parameter in I3D().parameters())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_against_the_published_archive():
    """Needs the real file: our network with its weights gives what the archive's own code gives, at 16 frames."""
    path = os.environ.get("SWEETTOK_I3D_TORCHSCRIPT")
    if not path:
        pytest.skip("set SWEETTOK_I3D_TORCHSCRIPT to StyleGAN-V's i3d_torchscript.pt to compare with it")
    clip = torch.rand(2, 3, 16, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    expected = torch.jit.load(path)(clip, rescale=False, resize=False, return_features=True)
    torch.testing.assert_close(load_i3d(load_state(path))(clip), expected, rtol=1e-3, atol=1e-3)
