"""LARP (Wang et al. 2024, github.com/hywang66/LARP): learned queries that read a whole clip, 1,024 tokens of 13 bits.

Its clips are in [0, 1], 16 frames of 128 x 128. The token of a query is the nearest code, as in the authors' evaluation
(`--det`); without that they draw it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
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

ADDRESS = "https://github.com/hywang66/LARP"
UNUSED = ("prior_model.",)  # the generator that shapes the tokens in training


@dataclass(frozen=True)
class Larp(FromCheckpoint):
    """grid: the queries, in their order."""

    def indices_of(self, clip: Tensor) -> Tensor:
        return self.network.encode((clip + 1) / 2)["bottleneck_rep"]

    def clip_of(self, indices: Tensor) -> Tensor:
        return 2 * self.network.decode_from_bottleneck(indices) - 1


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    weights: str,
    source: str,
    sha256: str | None = None,
    config: str | Mapping[str, Any] | None = None,
) -> Larp:
    """The model of model.safetensors with config.json (as on the hub), or of a training's .pth.

    source: a checkout of the authors' code. config: the settings; None: config.json beside the weights, or what a .pth says.
    Raises InputError (file absent, other sha256, other weights, missing package, clips of another length or size).
    """
    file = checked_file(weights, sha256)
    state, settings = _parts(file, config)
    check_exactly(frames, size, settings.get("frame_num", 16), settings.get("input_size", 128))
    regularizer = part_of(settings, "bottleneck", "args", "regularizer")
    if regularizer.get("name") != "vq":
        raise InputError(
            f"{weights} has the bottleneck {regularizer.get('name')!r}, which has no tokens; give a model with vq"
        )
    network, code = _network(settings, source)
    fill(network, state, "LARP", UNUSED)
    fingerprint = fingerprint_of("larp", sha256, settings, code)
    queries, codes = settings.get("bottleneck_token_num", 1024), regularizer["args"]["codebook_size"]
    return Larp(name, frames, size, fingerprint, network, (queries,), codes)


def _parts(file: Path, config: str | Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and settings of a checkpoint."""
    content = read_checkpoint(file)
    if "model" in content:
        return part_of(content, "model", "sd"), settings_of(config or part_of(content, "model", "args"))
    return content, settings_of(config or str(file.with_name("config.json")))


def _network(settings: Mapping[str, Any], source: str) -> tuple[nn.Module, str]:
    """Their network without the prior, and the sha256 of the code."""
    checkout = Checkout(source, ADDRESS, ["models", "utils", "ar"], bare=["utils"])
    with checkout.imports():
        made: Any = import_module("models.larp_tokenizer")
        network = made.LARPTokenizer(**(dict(settings) | {"prior_model": {"name": "none"}}))
        network.set_vq_eval_deterministic()
    return network, checkout.sha256
