"""OmniTokenizer (Wang et al. 2024, github.com/FoundationVision/OmniTokenizer), the VQ models: a code a patch.

Its clips are in [-0.5, 0.5]. A clip of T frames has 1 + (T - 1) / 4 latent frames, the first of which is the clip's first
frame alone. With torch 2.1 and later its code attends without the spatial bias (all published models but imagenet_only).
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.tokenizers.checkpoints import (
    Checkout,
    FromCheckpoint,
    check_divisible,
    checked_file,
    fill,
    fingerprint_of,
    part_of,
    read_checkpoint,
)

ADDRESS = "https://github.com/FoundationVision/OmniTokenizer"
# In the file, and not of the tokenizer
UNUSED = ("perceptual_model.", "image_discriminator.", "video_discriminator.")
LOSSES = ("LPIPS", "NLayerDiscriminator", "NLayerDiscriminator3D")  # LPIPS would download its network


@dataclass(frozen=True)
class OmniTokenizer(FromCheckpoint):
    """grid: latent frames, rows, columns."""

    def indices_of(self, clip: Tensor) -> Tensor:
        if self.frames == 1:
            return self.network.encode(clip[:, :, 0] / 2, is_image=True)
        return self.network.encode(clip / 2, is_image=False)

    def clip_of(self, indices: Tensor) -> Tensor:
        decoded = self.network.decode(indices, is_image=self.frames == 1)
        return 2 * (decoded[:, :, None] if self.frames == 1 else decoded)


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    weights: str,
    source: str,
    sha256: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> OmniTokenizer:
    """The model of a .ckpt file, or of a file of its tensors with all of `config`.

    source: a checkout of the authors' code. config: what replaces or completes the settings in the checkpoint.
    Raises InputError (file absent, other sha256, other weights, missing package, a VAE, a length or size it does not take).
    """
    content = read_checkpoint(checked_file(weights, sha256))
    args = _settings(content) | dict(config or {})
    if args.get("use_vae"):
        raise InputError(f"{weights} is a VAE, which has no tokens; give one of the VQVAE checkpoints")
    if absent := {"resolution", "patch_size", "temporal_patch_size", "n_codes"} - args.keys():
        raise InputError(f"{weights} does not say {', '.join(sorted(absent))}; state them under config")
    space, time = args["patch_size"], args["temporal_patch_size"]
    blocks = args.get("enc_block", "") + args.get("dec_block", "")
    check_divisible(frames, size, 1, time, space * (args.get("twod_window_size", 4) if "w" in blocks else 1))
    network, code = _network(args, source)
    fill(network, content.get("state_dict", content), "OmniTokenizer", UNUSED)
    grid = (1 + (frames - 1) // time, size // space, size // space)
    fingerprint = fingerprint_of("omnitokenizer", sha256, frames, size, args, code)
    return OmniTokenizer(name, frames, size, fingerprint, network, grid, args["n_codes"])


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What PyTorch Lightning keeps of the training's command line; nothing in a file of tensors."""
    if "state_dict" not in content:
        return {}
    kept = part_of(content, "hyper_parameters")
    args = kept.get("args", kept)
    return dict(vars(args) if isinstance(args, Namespace) else args)


def _network(args: Mapping[str, Any], source: str) -> tuple[nn.Module, str]:
    """Their network without its losses, and the sha256 of the code."""
    checkout = Checkout(source, ADDRESS, ["OmniTokenizer"], bare=["OmniTokenizer"])
    with checkout.imports():
        module: Any = import_module("OmniTokenizer.omnitokenizer")
        for loss in LOSSES:
            setattr(module, loss, nn.Identity)
        network = module.VQGAN(Namespace(**args))
    return network, checkout.sha256
