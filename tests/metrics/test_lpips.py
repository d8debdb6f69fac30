"""LPIPS: its formula re-derived on random backbones, and no network without its weights."""

import importlib.util
from pathlib import Path

import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics.lpips import Lpips, lpips_network, open_lpips
from sweettok.metrics.networks import BACKBONES
from sweettok.params import WeightsSource
from sweettok.torchvision_operators import define_missing_operators
from sweettok.weights import WeightsFile

# torchvision layer after which each published map is taken
MAPS = {
    "alex": (1, 4, 7, 9, 11),
    "vgg": (3, 8, 15, 22, 29),
    "squeeze": (1, 4, 7, 9, 10, 11, 12),
}


def classifier(net):
    """torchvision's network with random weights; only its features matter here."""
    define_missing_operators()
    from torchvision import models

    torch.manual_seed(0)
    build = {"alex": models.alexnet, "vgg": models.vgg16, "squeeze": models.squeezenet1_1}[net]
    if net == "squeeze":
        return build(weights=None).eval()
    with torch.device("meta"):
        network = build(weights=None)
    network.features.to_empty(device="cpu")  # without the classifiers' 500 MB
    for weight in network.features.parameters():
        torch.nn.init.kaiming_uniform_(weight) if weight.ndim > 1 else torch.nn.init.zeros_(weight)
    return network.eval()


def features_only(network):
    return {f"features.{name}": tensor for name, tensor in network.features.state_dict().items()}


@pytest.fixture(scope="module", params=BACKBONES)
def pair(request):
    """(net, torchvision classifier, LPIPS on its features)."""
    network = classifier(request.param)
    weights = WeightsFile(Path("x"), "ab" * 32, "published")
    return request.param, network, Lpips(request.param, weights, lpips_network(request.param, features_only(network)))


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(2, 3, 2, 64, 64, generator=generator) * 2 - 1
    return a, (a + 0.3 * torch.randn(a.shape, generator=generator)).clamp(-1, 1)


def rederived(net, network, a, b):
    """Equation 1 of the paper on frames (B, 3, H, W), with the channel weights that the package ships."""
    folder = Path(importlib.util.find_spec("lpips").submodule_search_locations[0])
    learned = torch.load(folder / "weights" / "v0.1" / f"{net}.pth", map_location="cpu", weights_only=True)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)  # ImageNet's, for pixels in [0, 1]
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x, y = (((frames + 1) / 2 - mean) / deviation for frames in (a, b))
    total = torch.zeros(len(a))
    for number, layer in enumerate(network.features):
        # out of place: torchvision's ReLUs overwrite what goes in
        x, y = layer(x.clone()), layer(y.clone())
        if number in MAPS[net]:
            ux, uy = (m / m.square().sum(1, keepdim=True).sqrt().clamp(min=1e-10) for m in (x, y))
            weights = learned[f"lin{MAPS[net].index(number)}.model.1.weight"].view(1, -1, 1, 1)
            total += ((ux - uy).square() * weights).sum(1).mean(dim=(1, 2))
    return total


@torch.no_grad()
def test_agrees_with_the_formula(pair, clips):
    net, network, lpips = pair
    a, b = clips
    frames = [rederived(net, network, a[:, :, t], b[:, :, t]) for t in range(2)]
    expected = torch.stack(frames).mean(dim=0)
    torch.testing.assert_close(lpips.distance(a, b), expected, rtol=2e-3, atol=1e-6)  # its input scaling is rounded


def test_properties(pair, clips):
    net, _, lpips = pair
    a, b = clips
    distance = lpips.distance(a, b)
    assert distance.shape == (2,) and (distance > 0).all()
    assert torch.equal(lpips.distance(a, a), torch.zeros(2))
    torch.testing.assert_close(lpips.distance(a[1:], b[1:]), distance[1:], rtol=1e-4, atol=1e-6)
    assert lpips.metric == f"lpips/{net}" and lpips.facts["weights_sha256"] == "ab" * 32
    with pytest.raises(ValueError, match="32 x 32"):
        lpips.distance(a[..., :16, :16], b[..., :16, :16])
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        lpips.distance(a * 255, b)


def test_backbone_by_path(tmp_path):
    network = classifier("squeeze")
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    found = open_lpips("squeeze", WeightsSource(path=str(tmp_path / "mine.pth"), sha256=None, download=False))
    assert found.metric == "perceptual/lpips_squeeze_unverified", "another file's values are not LPIPS"
    stated = WeightsSource(path=str(tmp_path / "mine.pth"), sha256=found.weights.sha256, download=False)
    assert open_lpips("squeeze", stated).metric == f"lpips/squeeze/unlisted-{found.weights.sha256[:8]}"


def test_no_weights_no_lpips(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path))
    nothing = WeightsSource(path=None, sha256=None, download=False)
    with pytest.raises(InputError, match=r"alex: .* alexnet-owt-7be5be79\.pth"):
        open_lpips("alex", nothing)
    with pytest.raises(InputError, match="'resnet'; .*alex, vgg, squeeze"):
        open_lpips("resnet", nothing)


def test_weights_of_another_network_are_refused():
    with pytest.raises(InputError, match=r"backbone squeeze: .*features\.3\.squeeze"):
        lpips_network("squeeze", features_only(classifier("alex")))


def test_squeezenet_1_0_is_not_lpips_squeeze():
    define_missing_operators()
    from torchvision.models import squeezenet1_0

    with pytest.raises(InputError, match="backbone squeeze"):
        lpips_network("squeeze", squeezenet1_0(weights=None).state_dict())
