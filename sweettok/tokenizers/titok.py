"""TiTok (Yu et al. 2024, github.com/bytedance/1d-tokenizer): an image in 32, 64 or 128 tokens. Each frame is an image.

Its images are in [0, 1], 256 x 256.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.tokenizers.checkpoints import (
    Checkout,
    FromCheckpoint,
    check_exactly,
    checked_file,
    fill,
    fingerprint_of,
    part_of,
    read_checkpoint,
    settings_of,
)

ADDRESS = "https://github.com/bytedance/1d-tokenizer"


@dataclass(frozen=True)
class TiTok(FromCheckpoint):
    """grid: frames, tokens of a frame."""

    def indices_of(self, clip: Tensor) -> Tensor:
        _, found = self.network.encode((clip[0].transpose(0, 1) + 1) / 2)  # frames (T, 3, H, W)
        return found["min_encoding_indices"].flatten(1)[None]

    def clip_of(self, indices: Tensor) -> Tensor:
        images = self.network.decode_tokens(indices[0][:, None])  # (T, 3, H, W)
        return 2 * images.transpose(0, 1)[None] - 1


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    weights: str,
    source: str,
    sha256: str | None = None,
    config: str | Mapping[str, Any] | None = None,
) -> TiTok:
    """The model of model.safetensors with config.json (as on the hub), or of a .bin with its .yaml as `config`.

    source: a checkout of the authors' code. config: the settings; None: config.json beside the weights.
    Raises InputError (file absent, other sha256, other weights, missing package, a VAE, images of another size).
    """
    file = checked_file(weights, sha256)
    settings = settings_of(config or str(file.with_name("config.json")))
    settings = settings.get("config", settings)  # the hub's file keeps the argument's name
    model, images = part_of(settings, "model", "vq_model"), part_of(settings, "dataset", "preprocessing")
    if model.get("quantize_mode", "vq") != "vq":
        raise InputError(f"{weights} is a VAE, which has no tokens; give one of the VQ tokenizers")
    if model.get("is_legacy", True) and not model.get("finetune_decoder", True):
        raise InputError(f"{weights} is a first training, which predicts codes and no pixels; give the second's")
    check_exactly(frames, size, frames, images["crop_size"])
    network, code = _network(settings, source)
    fill(network, read_checkpoint(file), "TiTok")
    fingerprint = fingerprint_of("titok", sha256, frames, model, code)
    grid = (frames, model["num_latent_tokens"])
    return TiTok(name, frames, size, fingerprint, network, grid, model["codebook_size"])


def _network(settings: Mapping[str, Any], source: str) -> tuple[nn.Module, str]:
    """Their network, and the sha256 of the code."""
    checkout = Checkout(source, ADDRESS, ["modeling"], bare=["modeling", "modeling.modules"])
    with checkout.imports():
        made: Any = import_module("modeling.titok")
        network = made.TiTok(dict(settings))
    return network, checkout.sha256
