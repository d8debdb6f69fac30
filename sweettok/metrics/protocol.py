"""What a protocol takes from a clip store or a file, and what the extractor sees of it.

Published FVDs differ in all that `Protocol` lists (docs/paper.md, Protocols), so no distance here goes without one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.presets import PRESETS
from sweettok.params import Protocol
from sweettok.video.store import ClipStore


def preset(name: str) -> Protocol:
    """A published protocol by name. Raises InputError naming the known ones."""
    if name not in PRESETS:
        raise InputError(f"protocol {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def in_words(changes: Mapping[str, Any]) -> str:
    """`frames=9, size=64`: values of a protocol that are not its own."""
    return ", ".join(f"{key}={value}" for key, value in changes.items())


def adapted(protocol: Protocol, **changes: Any) -> Protocol:
    """`protocol` with other values, and a name that says so: no number may pass for one of the published protocol.

    Raises InputError (unknown key, value not allowed).
    """
    import pydantic

    changes = {key: value for key, value in changes.items() if value != getattr(protocol, key, object())}
    if not changes:
        return protocol
    said = in_words({key: value for key, value in changes.items() if key != "source"})
    name = f"{protocol.name[:-1]}, {said})" if protocol.name.endswith(")") else f"{protocol.name} ({said})"
    try:
        return Protocol(**(protocol.model_dump() | changes | {"name": name}))
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"protocol {protocol.name}: {key}: {first['msg']}; got {first['input']!r}") from invalid


@dataclass(frozen=True)
class Selection:
    """The real clips of a protocol: which rows of a store, and the first frame of each."""

    protocol: Protocol
    store: ClipStore
    rows: np.ndarray  # (n,) int64
    starts: np.ndarray  # (n,) int64

    def __len__(self) -> int:
        return len(self.rows)

    def clips(self, numbers: Any, device: torch.device | None = None) -> Tensor:
        """Clips of the selection by number, (B, 3, frames, resolution, resolution) float32 in [-1, 1], on `device` (CPU)."""
        return self.form(self.store.clips(self.rows[np.asarray(numbers)]).to(device), numbers)

    def form(self, whole: Tensor, numbers: Any) -> Tensor:
        """The protocol's frames of whole stored clips, resized as it says: (B, 3, frames, resolution, resolution).

        whole: (B, 3, T, H, W), the clips `numbers` of the selection, or what a tokenizer made of them.
        """
        starts = self.starts[np.asarray(numbers)].tolist()
        windows = [clip[:, start : start + self.protocol.frames] for clip, start in zip(whole, starts, strict=True)]
        return resized(torch.stack(windows), self.protocol)

    def batches(self, batch_size: int, device: torch.device | None = None) -> Iterator[Tensor]:
        """All clips in order, in batches."""
        for numbers in torch.arange(len(self)).split(batch_size):
            yield self.clips(numbers, device)

    def identity(self) -> dict[str, Any]:
        """What the selected pixels depend on: the data's fingerprint and the protocol. Plain JSON values."""
        return {"data": self.store.fingerprint, "protocol": self.protocol.model_dump()}


def select(protocol: Protocol, store: ClipStore) -> Selection:
    """Apply a protocol to a prepared store.

    Raises InputError where the store cannot give what the protocol asks for: another split, too few clips, too short
    or too small ones. It never does with less; `adapted` makes a protocol that asks for less, under another name.
    """

    def refuse(wants: str, has: str, key: str) -> InputError:
        return InputError(
            f"protocol {protocol.name} wants {wants}, but the store's {store.split} split has {has}; prepare such data, "
            f"or use a protocol with another {key} (it gets another name)"
        )

    if store.split != protocol.split:
        raise refuse(f"the {protocol.split} split", "other clips", "split")
    if store.frames < protocol.frames:
        raise refuse(f"{protocol.frames} frames", f"{store.frames}", "frames")
    if store.size < protocol.resolution:
        raise refuse(f"{protocol.resolution} pixels", f"{store.size}", "resolution")
    count = protocol.clips or len(store)
    if count > len(store):
        raise refuse(f"{count} clips", f"{len(store)}", "clips")
    generator = np.random.default_rng(protocol.seed)
    rows = np.arange(count)
    if protocol.choice == "random":
        rows = np.sort(generator.choice(len(store), size=count, replace=False))
    return Selection(protocol, store, rows, _starts(protocol, store.frames, count, generator))


def for_store(protocol: Protocol) -> Protocol:
    """`protocol` without what needs whole files: a clip store has no rate, and its clips are windows already."""
    return adapted(protocol, fps=None, start="first" if protocol.start == "every" else protocol.start)


def _starts(protocol: Protocol, stored: int, count: int, generator: np.random.Generator) -> np.ndarray:
    if protocol.start == "random":
        return generator.integers(stored - protocol.frames + 1, size=count)
    return np.full(count, _centre(stored, protocol.frames) if protocol.start == "centre" else 0)


def _centre(stored: int, frames: int) -> int:
    """OmniTokenizer and SweetTok take frames // 2 before frame stored // 2 and the rest from there on."""
    return stored // 2 - frames // 2


def frame_numbers(protocol: Protocol, stored: int, rate: float | None, draw: float) -> list[np.ndarray]:
    """The clips that a protocol takes of a file: the numbers (frames,) of the frames of each, increasing.

    stored: frames of the file. rate: its frames a second; None: no thinning. draw: in [0, 1), for start: random.
    Empty where the file is too short, but for start: every, which fills the last clip up with its last frame.
    """
    kept = thinned(protocol, stored, rate)
    if protocol.start == "every":
        places = np.arange(len(kept) + -len(kept) % protocol.frames).clip(max=len(kept) - 1)
        return list(kept[places.reshape(-1, protocol.frames)])
    if (room := len(kept) - protocol.frames) < 0:
        return []
    start = {"first": 0, "centre": _centre(len(kept), protocol.frames), "random": int(draw * (room + 1))}[
        protocol.start
    ]
    return [kept[start : start + protocol.frames]]


def thinned(protocol: Protocol, stored: int, rate: float | None) -> np.ndarray:
    """The numbers of the frames that are left at the protocol's rate."""
    if protocol.fps is None or rate is None or rate <= protocol.fps:
        return np.arange(stored)
    if protocol.thinning == "step":
        return np.arange(0, stored, round(rate / protocol.fps))
    return np.linspace(0, stored - 1, int(stored / rate * protocol.fps)).astype(int)


def resized(clip: Tensor, protocol: Protocol) -> Tensor:
    """Clip (B, 3, T, H, W) -> (B, 3, T, resolution, resolution), by the protocol's fit, filter and antialias.

    A crop is torchvision's: the longer side rounded down, the margins halved and rounded.
    """
    batch, size = clip.shape[0], protocol.resolution
    height, width = clip.shape[-2:]
    if (height, width) == (size, size):
        return clip
    frames = clip.transpose(1, 2).flatten(0, 1)  # (B T, 3, H, W)
    target = (size, size)
    if protocol.fit == "crop":
        shorter = min(height, width)
        target = height * size // shorter, width * size // shorter
    if protocol.filter == "lanczos":  # which torch does not have
        frames = _lanczos(frames, target)
    else:
        frames = F.interpolate(frames, target, mode=protocol.filter, align_corners=False, antialias=protocol.antialias)
    top, left = round((target[0] - size) / 2), round((target[1] - size) / 2)
    frames = frames[..., top : top + size, left : left + size].clamp(-1, 1)
    return frames.unflatten(0, (batch, -1)).transpose(1, 2)


def _lanczos(frames: Tensor, target: tuple[int, int]) -> Tensor:
    """Frames (N, 3, H, W) -> (N, 3, *target), antialiased (Pillow)."""
    planes = (
        Image.fromarray(plane).resize((target[1], target[0]), Image.Resampling.LANCZOS)
        for plane in frames.flatten(0, 1).cpu().numpy()
    )
    return torch.from_numpy(np.stack([np.asarray(plane) for plane in planes])).unflatten(0, (-1, 3)).to(frames.device)


def first_frames(clips: Tensor, protocol: Protocol) -> Tensor:
    """The first frames of clips (B, 3, T, H, W) as the protocol wants them, resized. Raises InputError."""
    if clips.shape[2] < protocol.frames:
        raise InputError(f"protocol {protocol.name} wants {protocol.frames} frames, but clips have {clips.shape[2]}")
    return resized(clips[:, :, : protocol.frames], protocol)


def as_measured(clip: Tensor, protocol: Protocol) -> Tensor:
    """What the extractor sees of a clip in [-1, 1]: bytes where the published code makes bytes of it first."""
    if protocol.pixels == "round":
        return clip.clamp(-1, 1).add(1).mul(127.5).round().div(127.5).sub(1)
    if protocol.pixels == "truncate":
        return clip.add(1).mul(127.5).clamp(0, 255).floor().div(127.5).sub(1)
    if protocol.pixels == "unit":
        return clip.clamp(-1, 1).add(1).div(2)
    return clip.clamp(-1, 1)
