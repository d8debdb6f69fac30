"""SqueezeNet 1.0: what it recognises on real images, and its form."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from real_samples import SAMPLES, why_skipped
from real_samples import SQUEEZENET as WEIGHTS

from sweettok.errors import InputError
from sweettok.metrics.extractors import open_extractor
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.metrics.squeezenet import MEAN_BGR, SqueezeNet
from sweettok.params import WeightsSource
from sweettok.torchvision_operators import define_missing_operators
from sweettok.video.store import to_float
from sweettok.weights import load_state

IMAGES = SAMPLES / "imagenet-sample"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=why_skipped(WEIGHTS))

# fire module -> squeeze and expand channels (each of two), Iandola et al. 2016, table 1
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}


def random_state():
    generator = torch.Generator().manual_seed(0)
    shapes = {"conv1": (96, 3, 7, 7), "conv_final": (1000, 512, 1, 1)}
    channels = 96
    for number, (squeeze, expand) in FIRES.items():
        shapes[f"fire{number}.conv1x1_1"] = (squeeze, channels, 1, 1)
        shapes[f"fire{number}.conv1x1_2"] = (expand, squeeze, 1, 1)
        shapes[f"fire{number}.conv3x3_2"] = (expand, squeeze, 3, 3)
        channels = 2 * expand
    state = {}
    for name, shape in shapes.items():
        bound = (6 / np.prod(shape[1:])) ** 0.5
        state[f"{name}.weight"] = (torch.rand(shape, generator=generator) * 2 - 1) * bound
        state[f"{name}.bias"] = torch.rand(shape[0], generator=generator) * 0.1
    return state


@pytest.fixture(scope="module")
def network():
    return SqueezeNet(random_state())


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 3, 1, 50, 70, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_against_the_papers_table(network, images):
    """Layer by layer: conv1, pool, fire 2-4, pool, fire 5-8, pool, fire 9, on BGR bytes less their mean."""
    state = random_state()

    def convolve(x, name, **options):
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options).relu()

    x = F.interpolate(images[:, :, 0], (227, 227), mode="bilinear", antialias=True)
    bgr = [(x[:, channel] + 1) * 127.5 - mean for channel, mean in zip((2, 1, 0), MEAN_BGR, strict=True)]
    x = convolve(torch.stack(bgr, dim=1), "conv1", stride=2)
    for number in FIRES:
        if number in (2, 5, 9):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        squeezed = convolve(x, f"fire{number}.conv1x1_1")
        wide = convolve(squeezed, f"fire{number}.conv3x3_2", padding=1)
        x = torch.cat([convolve(squeezed, f"fire{number}.conv1x1_2"), wide], dim=1)
    torch.testing.assert_close(network(images), x.mean(dim=(2, 3)), rtol=1e-4, atol=1e-4)


def test_serves_as_perceptual_distance(network):
    clip = torch.rand(2, 3, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    maps = network.maps(clip)
    assert [m.shape[1] for m in maps] == [96, 256, 512, 512] and all(m.shape[:3:2] == (2, 3) for m in maps)
    near, far = (perceptual_distance(network, clip, clip + share * (clip.flip(0) - clip)) for share in (0.1, 0.8))
    assert (near > 0).all() and (near < far).all()


def test_takes_single_images(network):
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        network(torch.full((1, 3, 1, 50, 50), 128.0))
    assert not network.train().training


def test_other_weights_are_refused():
    state = random_state()
    del state["fire7.conv1x1_2.bias"]
    with pytest.raises(InputError, match=r"SqueezeNet 1\.0: .*features\.9\.expand1x1\.bias"):
        SqueezeNet(state)


@needs_weights
def test_top_1_accuracy_on_real_images():
    """The published 57.5 % within sampling error, for which channel order, mean and layer order must all be right."""
    if not IMAGES.is_dir():
        pytest.skip(f"{IMAGES} is not here")
    define_missing_operators()
    from torchvision.models._meta import _IMAGENET_CATEGORIES as categories  # in wnid order; file names are these

    def plain(name):
        return "".join(character for character in name.lower() if character.isalnum())

    files = sorted(IMAGES.glob("*/*.JPEG"))[:200]
    assert len(files) == 200
    network = SqueezeNet(load_state(WEIGHTS))
    hits = []
    for batch in np.array_split(files, 10):
        frames = np.stack([np.asarray(Image.open(file).convert("RGB").resize((227, 227))) for file in batch])
        last = network.maps(to_float(frames[:, None]))[-1][:, :, 0]
        guesses = network.network.classifier(last).mean(dim=(2, 3)).argmax(dim=1).tolist()
        hits += [plain(categories[guess]) == plain(file.stem) for guess, file in zip(guesses, batch, strict=True)]
    assert np.mean(hits) > 0.5


@needs_weights
def test_as_extractor_it_keeps_its_own_name():
    extractor = open_extractor("squeezenet1_0", WeightsSource(path=str(WEIGHTS), sha256=None, download=False))
    assert extractor.metric == "frechet_image/squeezenet1_0" and extractor.kind == "image"
    assert extractor.features(torch.zeros(2, 3, 1, 64, 64)).shape == (2, extractor.dims)
