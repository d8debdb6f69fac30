"""The published networks by name: their files, which metric each is for, which are not at hand, how to get them.

Without torch, so that `sweettok doctor` can ask.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from sweettok.params import Metrics
from sweettok.weights import NOT_HERE, MissingWeights, PublishedFile, locate

I3D_FILES = (
    # The sha256 is the one that independent projects pin; StyleGAN-V's own link is a Dropbox one, this is a mirror.
    PublishedFile(
        "i3d_torchscript.pt",
        "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
        "https://huggingface.co/flateon/FVD-I3D-torchscript/resolve/1c2d61711c52571ad617a1063e6fa691b212e184/"
        "i3d_torchscript.pt",
    ),
    # No public source states a sha256 for it: given by path it counts as unlisted.
    PublishedFile("i3d_pretrained_400.pt", None, None),
)
INCEPTION = (
    # The same file is pytorch-fid's pt_inception-2015-12-05-6726825d.pth.
    PublishedFile(
        "weights-inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    ),
)
SQUEEZENET = (
    PublishedFile(
        "squeezenet1_0_imagenet.npz", "4aa9a25adad3e3d5e32baaf5ab2f969f10fa71ae3ab005eeb48f311d67472fe1", None
    ),
)
# torchvision's ImageNet classifiers, which the learned channel weights (shipped with the package) were fitted to
BACKBONES = {
    "alex": PublishedFile(
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    ),
    "vgg": PublishedFile(
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
    ),
    "squeeze": PublishedFile(
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
    ),
}

# Network -> what it is called, and its files in circulation
FILES: dict[str, tuple[str, tuple[PublishedFile, ...]]] = {
    "i3d": ("I3D", I3D_FILES),
    "i3d-videogpt": ("I3D", I3D_FILES),
    "inception": ("Inception-v3 for FID", INCEPTION),
    "squeezenet1_0": ("SqueezeNet 1.0", SQUEEZENET),
    **{net: (f"the LPIPS backbone {net}", (file,)) for net, file in BACKBONES.items()},
}


@dataclass(frozen=True)
class Skipped:
    """A metric that params ask for and that a run goes on without. kind: what it compares, for the report's tables."""

    metric: str
    kind: Literal["video", "image", "words"]
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
