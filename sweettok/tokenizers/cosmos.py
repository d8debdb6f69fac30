"""Cosmos-Tokenizer DV (NVIDIA, github.com/NVIDIA/Cosmos-Tokenizer) from its two TorchScript files.

Clips are windows of 17 frames, each padded as in the authors' `CausalVideoTokenizer.forward`: to 1 + a multiple of 8 frames
with copies of the first and last one, to a multiple of 16 pixels with black; half of it on either side, the odd one after.
"""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sweettok.errors import InputError, first_line
from sweettok.tokenizers.checkpoints import FromCheckpoint, checked_file, fingerprint_of

log = logging.getLogger(__name__)

BLACK = -1.0
FRAMES_ALIGN, SIZE_ALIGN = 8, 16  # the same for all published models
LEVELS = (8, 8, 8, 5, 5, 5)  # of the quantiser (FSQ): 64,000 codes
TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Cosmos(FromCheckpoint):
    """network: `encoder` and `decoder`. Indices lie one window after the other, in each by latent frame, row and column."""

    window: int
    compression: tuple[int, int, int]
    dtype: torch.dtype

    def indices_of(self, clip: Tensor) -> Tensor:
        parts = []
        for one in clip.split(self.window, dim=2):
            found = self._run("encoder", padded(one).to(self.dtype))
            parts.append((found[0] if isinstance(found, tuple | list) else found).flatten(1))
        return torch.cat(parts, dim=1)

    def clip_of(self, indices: Tensor) -> Tensor:
        grids = list(grids_of(self.frames, self.size, self.window, self.compression))
        parts = indices.split([math.prod(grid) for grid in grids], dim=1)
        lengths = [len(piece) for piece in torch.arange(self.frames).split(self.window)]
        windows = []
        for part, grid, frames in zip(parts, grids, lengths, strict=True):
            clip = self._run("decoder", part.unflatten(1, grid))
            (before, _), (margin, _) = margins(frames, self.size)
            rows = slice(margin, margin + self.size)
            windows.append(clip[:, :, before : before + frames, rows, rows])
        return torch.cat(windows, dim=2)

    def _run(self, part: str, given: Tensor) -> Any:
        try:
            return self.network[part](given)
        except (RuntimeError, torch.jit.Error) as error:  # the last line has the reason
            reason = (str(error).strip().splitlines() or [""])[-1][:200]
            kind = str(self.dtype).removeprefix("torch.")
            raise InputError(
                f"the {part} does not take {tuple(given.shape)} in {kind} ({reason}); "
                "state compression and dtype of the files"
            ) from error


def margins(frames: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Frames to add before and after a window, pixels to add before and after its rows and columns."""
    time, space = -(frames - 1) % FRAMES_ALIGN, -size % SIZE_ALIGN
    return (time // 2, time - time // 2), (space // 2, space - space // 2)


def padded(clip: Tensor) -> Tensor:
    """A window (B, 3, T, H, W) in [-1, 1] as the encoder takes it."""
    time, space = margins(clip.shape[2], clip.shape[3])
    return pad(pad(clip, space * 2, value=BLACK), (0, 0, 0, 0, *time), mode="replicate")


def grids_of(frames: int, size: int, window: int, compression: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Latent frames, rows and columns of each window of a clip."""
    for piece in torch.arange(frames).split(window):
        time, space = margins(len(piece), size)
        side = (size + sum(space)) // compression[1]
        yield 1 + (len(piece) + sum(time) - 1) // compression[0], side, side


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    encoder: str,
    decoder: str,
    sha256: Mapping[str, str] | None = None,
    compression: Sequence[int] = (4, 8, 8),
    levels: Sequence[int] = LEVELS,
    window: int = 17,
    dtype: str = "bfloat16",
) -> Cosmos:
    """The model of encoder.jit and decoder.jit. TorchScript is a program: these files are run, so take them from NVIDIA only.

    sha256: of both files, as {encoder: ..., decoder: ...}. compression: of time, height and width, as in the model's name
    (DV4x8x8). window: frames coded together. dtype: that of the files; the published ones are bfloat16.
    Raises InputError (a file absent, another sha256, no TorchScript, a dtype or compression that is none).
    """
    if dtype not in TYPES:
        raise InputError(f"dtype {dtype!r} is unknown; choose one of {', '.join(TYPES)}")
    time, height, width = compression
    if height != width or min(compression) < 1 or FRAMES_ALIGN % time or SIZE_ALIGN % height:
        raise InputError(
            f"compression {list(compression)} is none of [4, 8, 8], [8, 8, 8] and [8, 16, 16]; see the model's name"
        )
    if not isinstance(sha256, Mapping | None):
        raise InputError(f"sha256 is {sha256!r}; state that of both files, as {{encoder: ..., decoder: ...}}")
    paths, stated = {"encoder": encoder, "decoder": decoder}, dict(sha256 or {})
    files = {part: checked_file(path, stated.get(part)) for part, path in paths.items()}
    log.warning(
        "%s and %s are programs (TorchScript), which run with your rights; take them from NVIDIA only", *paths.values()
    )
    network = nn.ModuleDict({part: _script(file, TYPES[dtype]) for part, file in files.items()})
    grids = [math.prod(grid) for grid in grids_of(frames, size, window, compression)]
    return Cosmos(
        name,
        frames,
        size,
        fingerprint_of("cosmos", stated, frames, size, compression, levels, window, dtype),
        network,
        (sum(grids),),
        math.prod(levels),
        window,
        (time, height, width),
        TYPES[dtype],
    )


def _script(file: Path, dtype: torch.dtype) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there is no other reader for these files
            module: nn.Module = torch.jit.load(str(file), map_location="cpu")
    except RuntimeError as error:
        raise InputError(
            f"{file} is no TorchScript file ({first_line(error, 200)}); give encoder.jit or decoder.jit"
        ) from error
    return module.eval().to(dtype)
