"""The published networks by name: which metric each is for, which are not at hand, and how to get them."""

from dataclasses import asdict, dataclass
from typing import Literal

from sweettok.metrics.extractors import I3D_FILES
from sweettok.metrics.inception import INCEPTION
from sweettok.metrics.lpips import BACKBONES
from sweettok.metrics.squeezenet import SQUEEZENET
from sweettok.params import Metrics
from sweettok.weights import NOT_HERE, MissingWeights, PublishedFile, locate

# Extractor -> the Frechet distance on its published weights, and what it sees
DISTANCES: dict[str, tuple[str, Literal["video", "image"]]] = {
    "i3d": ("fvd", "video"),
    "i3d-videogpt": ("fvd", "video"),
    "inception": ("fid", "image"),
    "squeezenet1_0": ("frechet_image/squeezenet1_0", "image"),
}
FILES: dict[str, tuple[str, tuple[PublishedFile, ...]]] = {
    "i3d": ("I3D", I3D_FILES),
    "i3d-videogpt": ("I3D", I3D_FILES),
    "inception": ("Inception-v3 for FID", INCEPTION),
    "squeezenet1_0": ("SqueezeNet 1.0", SQUEEZENET),
    **{net: (f"the LPIPS backbone {net}", (file,)) for net, file in BACKBONES.items()},
}


@dataclass(frozen=True)
class LeftOut:
    """A metric that params ask for and that a run goes on without. kind: what it compares, for the report's tables."""

    metric: str
    kind: Literal["video", "image"]
    why: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def missing_weights(settings: Metrics) -> list[tuple[str, str, str]]:
    """(what, why, how to get it) of each network that params name and whose weights are not on this machine.

    Nothing is downloaded; that the next run may download a file is said under `how`.
    """
    missing = []
    for name in settings.networks:
        what, published = FILES[name]
        source = settings.weights[name]
        try:
            locate(what, published, source.model_copy(update={"download": False}))
        except MissingWeights as absent:
            if source.download and absent.why == NOT_HERE:
                missing.append((what, "not downloaded yet", f"the next run downloads it; else {absent.how}"))
            else:
                missing.append((what, absent.why, absent.how))
    return missing
