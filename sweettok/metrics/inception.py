"""Inception-v3 as FID uses it: torch-fidelity's port of the TensorFlow graph of 2015-12-05 (Heusel et al. 2017)."""

import io

import torch
from torch import Tensor, nn

from sweettok.metrics.fidelity import check_clip
from sweettok.weights import fit_state

DIMS = 2048


class Inception(nn.Module):
    """Images (B, 3, 1, H, W) in [-1, 1] -> features of the last average pool (B, 2048).

    Pixels become bytes and are resized to 299 x 299 as TensorFlow 1 does it, without antialiasing (torchmetrics
    antialiases, which gives another FID).
    """

    def __init__(self, state: dict[str, Tensor]):
        """Raises InputError where `state` is not of this network."""
        super().__init__()
        # torch-fidelity unpickles what it is given, so it is given a copy that we made, in memory
        checked = io.BytesIO()
        torch.save(fit_state("Inception-v3 for FID", state, inception_shapes()), checked)
        checked.seek(0)
        self.network = _network_class()("inception-v3-compat", ["2048"], checked)

    def forward(self, images: Tensor) -> Tensor:
        check_clip("images", images)
        pixels = images[:, :, 0].add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)  # (B, 3, H, W)
        return self.network(pixels)[0]


def inception_shapes() -> dict[str, tuple[int, ...]]:
    """Name -> shape of the network's parameters and buffers."""

    class Shapes(_network_class()):  # type: ignore[misc]  # torch-fidelity is imported only where it is used
        """The network without weights."""

        def load_state_dict(self, *_: object, **__: object) -> None: ...

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with torch.device("meta"):
        network = Shapes("inception-v3-compat", ["2048"], nothing)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _network_class() -> type[nn.Module]:
    """torch-fidelity's class; imported where it is used, for it brings torchvision along."""
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return FeatureExtractorInceptionV3
