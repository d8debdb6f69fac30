"""Frechet protocols as data: the published ones, and what a protocol takes from a clip store.

Published FVDs differ in all that `Protocol` lists (docs/paper.md, Protocols), so no distance here goes without one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.errors import InputError
from sweettok.params import Protocol
from sweettok.video.store import ClipStore, to_float, to_uint8

_OMNITOKENIZER: dict[str, Any] = {
    "extractor": "i3d-videogpt",
    "choice": "first",
    "frames": 17,
    "start": "centre",
    "fit": "squash",
    "covariance": "unbiased",
    "pixels": "truncate",
    "seed": 0,
}
_TORCHSCRIPT: dict[str, Any] = {"extractor": "i3d", "frames": 16, "start": "random", "covariance": "biased", "seed": 0}

PRESETS = {
    preset.name: preset
    for preset in (
        Protocol(
            name="omnitokenizer",
            split="test",
            clips=None,
            resolution=256,
            antialias=False,
            source="FoundationVision/OmniTokenizer at e912dc0: vqgan_eval.py, OmniTokenizer/data.py and fvd/fvd.py, "
            "scripts/recons/eval_video.sh. Their list is called ucf_val; how decord filters when it makes "
            "frames smaller is not stated",
            **_OMNITOKENIZER,
        ),
        Protocol(
            name="sweettok-code",
            split="test",
            clips=3783,
            resolution=256,
            antialias=False,
            source="adxcreative/SweetTok at 1df5480: scripts/eval_sweettok.py, data/video_dataset.py; "
            "docs/paper.md, C43: rFVD on the 3,783 test clips of UCF-101 split 01",
            **_OMNITOKENIZER,
        ),
        Protocol(
            name="sweettok-code-generation",
            split="train",
            clips=2048,
            resolution=128,
            antialias=False,
            source="adxcreative/SweetTok at 1df5480: evaluation/fvd_external.py, run_eval.sh; "
            "docs/paper.md, C44: 2,048 samples against 2,048 TRAIN clips, drawn there without a seed",
            **(_OMNITOKENIZER | {"choice": "random", "pixels": "float"}),
        ),
        Protocol(
            name="larp",
            split="train",
            clips=None,
            choice="first",
            resolution=128,
            fit="crop",
            antialias=True,
            pixels="float",
            source="hywang66/LARP at c91ff39: eval/rfvd_evaluator.py, eval/eval_larp_tokenizer.py (ucf101_train.csv), "
            "datasets/video_dataset.py: 9,537 TRAIN clips. The start frame is drawn there without a seed",
            **_TORCHSCRIPT,
        ),
        Protocol(
            name="stylegan-v",
            split="train",
            clips=2048,
            choice="first",
            resolution=256,
            fit="crop",
            antialias=True,
            pixels="round",
            source="universome/stylegan-v at 1f630af: metrics/metric_main.py (fvd2048_16f), frechet_video_distance.py, "
            "metric_utils.py, configs/dataset/ucf101.yaml. Split and resizing are not stated (frames come prepared, "
            "here taken as train and centre crop); the start frame is drawn there without a seed",
            **_TORCHSCRIPT,
        ),
    )
}


def preset(name: str) -> Protocol:
    """A published protocol by name. Raises InputError naming the known ones."""
    if name not in PRESETS:
        raise InputError(f"protocol {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def adapted(protocol: Protocol, **changes: Any) -> Protocol:
    """`protocol` with other values, and a name that says so: no number may pass for one of the published protocol.

    Raises InputError (unknown key, value not allowed).
    """
    import pydantic

    changes = {key: value for key, value in changes.items() if value != getattr(protocol, key, object())}
    if not changes:
        return protocol
    described = ", ".join(f"{key}={value}" for key, value in changes.items() if key != "source")
    try:
        return Protocol(**(protocol.model_dump() | changes | {"name": f"{protocol.name} ({described})"}))
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

    def clips(self, numbers: Any) -> Tensor:
        """Clips of the selection by number, (B, 3, frames, resolution, resolution) float32 in [-1, 1]."""
        return self.form(self.store.clips(self.rows[np.asarray(numbers)]), numbers)

    def form(self, whole: Tensor, numbers: Any) -> Tensor:
        """The protocol's frames of whole stored clips, resized as it says: (B, 3, frames, resolution, resolution).

        whole: (B, 3, T, H, W), the clips `numbers` of the selection, or what a tokenizer made of them.
        """
        starts = self.starts[np.asarray(numbers)].tolist()
        windows = [clip[:, start : start + self.protocol.frames] for clip, start in zip(whole, starts, strict=True)]
        return resized(torch.stack(windows), self.protocol)

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """All clips in order, in batches."""
        for numbers in torch.arange(len(self)).split(batch_size):
            yield self.clips(numbers)

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


def _starts(protocol: Protocol, stored: int, count: int, generator: np.random.Generator) -> np.ndarray:
    spare = stored - protocol.frames
    if protocol.start == "random":
        return generator.integers(spare + 1, size=count)
    # OmniTokenizer and SweetTok take frames // 2 before frame stored // 2 and the rest from there on
    centre = stored // 2 - protocol.frames // 2
    return np.full(count, centre if protocol.start == "centre" else 0)


def resized(clip: Tensor, protocol: Protocol) -> Tensor:
    """Clip (B, 3, T, H, W) -> (B, 3, T, resolution, resolution), bilinear, by the protocol's fit and antialias."""
    batch, size = clip.shape[0], protocol.resolution
    height, width = clip.shape[-2:]
    if (height, width) == (size, size):
        return clip
    frames = clip.transpose(1, 2).flatten(0, 1)  # (B T, 3, H, W)
    target = (size, size)
    if protocol.fit == "crop":
        shorter = min(height, width)
        target = tuple(-(-side * size // shorter) for side in (height, width))  # rounded up, as VideoGPT does
    frames = F.interpolate(frames, target, mode="bilinear", align_corners=False, antialias=protocol.antialias)
    top, left = (target[0] - size) // 2, (target[1] - size) // 2
    frames = frames[..., top : top + size, left : left + size].clamp(-1, 1)
    return frames.unflatten(0, (batch, -1)).transpose(1, 2)


def first_frames(clips: Tensor, protocol: Protocol) -> Tensor:
    """The first frames of clips (B, 3, T, H, W) as the protocol wants them, resized. Raises InputError."""
    if clips.shape[2] < protocol.frames:
        raise InputError(f"protocol {protocol.name} wants {protocol.frames} frames, but clips have {clips.shape[2]}")
    return resized(clips[:, :, : protocol.frames], protocol)


def as_measured(clip: Tensor, protocol: Protocol) -> Tensor:
    """What the extractor sees of a clip in [-1, 1]: bytes where the published code makes bytes of it first."""
    if protocol.pixels == "round":
        return to_float(to_uint8(clip)).to(clip.device)
    if protocol.pixels == "truncate":
        return clip.add(1).mul(127.5).clamp(0, 255).floor().div(127.5).sub(1)
    return clip.clamp(-1, 1)
