"""VidTok (Tang et al. 2024, github.com/microsoft/VidTok), the FSQ models: an index a patch, of 12 to 18 bits.

Its clips are in [-1, 1]. Causal models take 1 + a multiple of 4 frames (some of 8) and repeat the first one before it; those
of version 1.1 take any number and repeat it as often as they need; the others take a multiple.
"""

import math
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
    settings_of,
)

ADDRESS = "https://github.com/microsoft/VidTok"
UNUSED = ("loss.", "model_ema.")
# What only a training needs. The entropy over all codes would take gigabytes a clip.
WITHOUT_LOSSES = {"entropy_loss_weight": 0.0, "commitment_loss_weight": 0.0}
NOT_HERE = ("ckpt_path", "ignore_keys", "ema_decay", "optimizer_config")


@dataclass(frozen=True)
class VidTok(FromCheckpoint):
    """grid: latent frames, rows, columns."""

    def indices_of(self, clip: Tensor) -> Tensor:
        return self.network.encode(clip, return_reg_log=True)[1]["indices"]

    def clip_of(self, indices: Tensor) -> Tensor:
        clip = self.network.decode(indices, decode_from_indices=True)
        return clip[:, :, -self.frames :]  # of version 1.1, with the repeated frames before it


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    weights: str,
    source: str,
    config: str | Mapping[str, Any],
    sha256: str | None = None,
) -> VidTok:
    """The model of a .ckpt or .safetensors file.

    source: a checkout of the authors' code. config: the model's file in its folder configs, such as
    vidtok_fsq_causal_488_262144.yaml.
    Raises InputError (file absent, other sha256, other weights, missing package, a KL model, a length or size it does not take).
    """
    file = checked_file(weights, sha256)
    model = part_of(settings_of(config), "model")
    encoder = part_of(model, "params", "encoder_config", "params")
    regularizer = part_of(model, "params", "regularizer_config")
    if not str(regularizer.get("target")).endswith(".FSQRegularizer"):
        raise InputError(f"{regularizer.get('target')} has no tokens; give config and weights of one of the fsq models")
    time = encoder.get("time_downsample_factor", 4)
    space = 2 ** len(encoder.get("spatial_ds") or encoder["ch_mult"][1:])
    if "v1_1" in model["target"]:
        check_divisible(frames, size, 0, 1, space)
    else:
        causal = "noncausal" not in part_of(model, "params", "encoder_config")["target"]
        check_divisible(frames, size, int(causal), time, space)
    network, code = _network(model, source)
    content = read_checkpoint(file)
    fill(network, content.get("state_dict", content), "VidTok", UNUSED)
    grid = (-(-frames // time), size // space, size // space)
    fingerprint = fingerprint_of("vidtok", sha256, frames, size, model, code)
    return VidTok(name, frames, size, fingerprint, network, grid, math.prod(regularizer["params"]["levels"]))


def _network(model: Mapping[str, Any], source: str) -> tuple[nn.Module, str]:
    """Their network without its losses, and the sha256 of the code."""
    params = {key: value for key, value in model["params"].items() if key not in NOT_HERE}
    regularizer = params["regularizer_config"]
    params["regularizer_config"] = regularizer | {"params": regularizer["params"] | WITHOUT_LOSSES}
    params["loss_config"] = {"target": "torch.nn.Identity"}
    module, _, kind = model["target"].rpartition(".")
    checkout = Checkout(source, ADDRESS, ["vidtok"])
    with checkout.imports():
        made: Any = import_module(module)
        network = getattr(made, kind)(**params)
    return network, checkout.sha256
