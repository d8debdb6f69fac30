"""Two folders under every protocol, and what each single choice of a protocol does to the number."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch

from sweettok.api.comparison import files_of
from sweettok.api.folder_metrics import distance_on
from sweettok.api.frames import FrameFile, open_frames
from sweettok.api.protocol_clips import at_once, fitted, length, open_protocol_clips, side
from sweettok.errors import InputError
from sweettok.metrics.definitions import scorers_under
from sweettok.metrics.distances import FrechetDistance
from sweettok.metrics.extractors import Extractor
from sweettok.metrics.presets import PRESETS
from sweettok.metrics.protocol import adapted, preset
from sweettok.metrics.scorers import open_scorers
from sweettok.params import Protocol

Watch = Callable[[Sequence[Any]], Iterable[Any]]
FRAMES = 16  # of most published protocols
# Fields that no feature depends on.
NOT_OF_FEATURES = ("name", "source", "extractor", "covariance", "split", "psnr", "ssim")


@dataclass
class Folders:
    """The two folders and what was computed of them: each feature once, whatever protocols share it."""

    real: tuple[FrameFile, ...]
    made: tuple[FrameFile, ...]
    paired: bool
    seed: int
    known: dict[tuple, Any] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """Files of the folder that has fewer."""
        return min(len(self.real), len(self.made))

    def distance(self, protocol: Protocol, extractor: Extractor) -> dict[str, Any]:
        """The record of the Frechet distance of MADE from REAL. Raises InputError."""
        real, made = (open_protocol_clips(files, protocol) for files in (self.real, self.made))
        key = extractor.name, *(str(value) for name, value in protocol if name not in NOT_OF_FEATURES)
        if key not in self.known:
            self.known[key] = distance_on(extractor, real).real, distance_on(extractor, made).real
        of_real, of_made = self.known[key]
        paired = self.paired and len(of_real) == len(of_made)
        record = FrechetDistance(extractor, real.selection(extractor.name), of_real).record(of_made, self.seed, paired)
        return record | {"split": "made vs real"}

    def pairs(self, protocol: Protocol) -> dict[str, float]:
        """PSNR and SSIM as the protocol defines them; {} where files have no partners."""
        real, made = (open_protocol_clips(files, protocol) for files in (self.real, self.made))
        if not self.paired or len(real) != len(made):
            return {}
        scorers, _ = open_scorers(None, None, protocol.resolution, ("psnr", "ssim"))
        named = dict(zip((scorer.name for scorer in scorers), scorers_under(protocol, scorers), strict=True))
        values: dict[str, list] = {name: [] for name in named}
        for rows in torch.arange(len(real)).split(at_once(protocol.frames, protocol.resolution)):
            clips = real.clips(rows), made.clips(rows)
            for name, scorer in named.items():
                values[name].append(scorer.compute(*clips))
        return {name: torch.cat(found).double().mean().item() for name, found in values.items()}


def open_folders(real: str | Path, made: str | Path, seed: int = 0) -> Folders:
    """Two folders; paired where their files have the same names. Raises InputError (absent, fewer than two files each)."""
    for folder in (real, made):
        if not Path(folder).is_dir():
            raise InputError(f"{folder} is not a folder; name two folders of videos")
    of_real, of_made = files_of(Path(real)), files_of(Path(made))
    if min(len(of_real), len(of_made)) < 2:
        raise InputError("a Frechet distance needs at least 2 files in each folder")
    opened = [tuple(open_frames(files[name]) for name in sorted(files)) for files in (of_real, of_made)]
    return Folders(opened[0], opened[1], of_real.keys() == of_made.keys(), seed)


def compare_protocols(
    folders: Folders,
    extractors: Sequence[Extractor],
    base: str = "own",
    frames: int | None = None,
    size: int | None = None,
    watch: Watch = iter,
) -> dict[str, Any]:
    """{"base", "paired", "protocols": [...], "choices": [...], "left_out": [...]}, all measured on the first extractor.

    A row of "protocols" has `protocol` (its name), `changed` (what the files do not allow, and by what it is replaced),
    `record`, and PSNR and SSIM in `pairs`. A row of "choices" changes one thing of `base`: `choice`, `value`, `record`,
    `change` of the number; most change first. Other extractors than the first are such a choice too.
    frames, size: of the protocol `own`, the first frames as they are. Raises InputError: no number for `base`.
    """
    main, named = extractors[0], {one.name: one for one in extractors}
    every = protocols_for(folders, main, frames, size)
    start = every.get(base) or preset(base)
    records = {start.name: folders.distance(start, main)}  # raises what hinders everything
    number = records[start.name]["value"]
    changes = alternatives(start, folders) + [("extractor", one.name) for one in extractors[1:]]
    single = [adapted(start, **{choice: value}) for choice, value in changes]
    left_out = []
    for protocol in watch([one for one in (*every.values(), *single) if one.name not in records]):
        try:
            records[protocol.name] = folders.distance(protocol, named[protocol.extractor])
        except InputError as reason:
            left_out.append({"protocol": protocol.name, "why": str(reason)})
    rows = [
        {"protocol": name, "changed": changed(name, one), "record": records[one.name], "pairs": folders.pairs(one)}
        for name, one in every.items() if one.name in records
    ]  # fmt: skip
    choices: list[dict[str, Any]] = [
        {"choice": choice, "value": value, "was": getattr(start, choice), "record": records[one.name],
         "change": records[one.name]["value"] - number}
        for (choice, value), one in zip(changes, single, strict=True) if one.name in records
    ]  # fmt: skip
    choices.sort(key=lambda row: -abs(row["change"]))
    return {"base": base, "paired": folders.paired, "protocols": rows, "choices": choices, "left_out": left_out}


def protocols_for(folders: Folders, extractor: Extractor, frames: int | None, size: int | None) -> dict[str, Protocol]:
    """`own` and the published protocols by name, on one extractor, as far as the files allow."""
    files = (*folders.real, *folders.made)
    every = {name: adapted(one, extractor=extractor.name) for name, one in PRESETS.items()}
    published = {name: fitted(one, files, most=folders.most) for name, one in every.items()}
    return {"own": own_protocol(files, extractor, frames, size)} | published


def own_protocol(files: Sequence[FrameFile], extractor: Extractor, frames: int | None, size: int | None) -> Protocol:
    """The first frames of each file: 16, or as many as all have, as large as all are. Raises InputError where one has fewer."""
    shortest = min(file.frames for file in files)
    if frames and frames > shortest:
        raise InputError(f"--frames {frames}: the shortest file has {shortest}; lower it")
    return Protocol(
        name="own", extractor=extractor.name, split="test", clips=None, choice="first", frames=frames or min(FRAMES, shortest),
        start="first", resolution=size or min(map(side, files)), fit="crop", filter="bicubic", antialias=True, pixels="float",
        covariance="unbiased", seed=0, source="this project: the first frames of all files",
    )  # fmt: skip


def changed(name: str, got: Protocol) -> dict[str, Any]:
    """What was measured otherwise than the protocol of that name asks for: field -> value. The extractor is said elsewhere."""
    asked = PRESETS.get(name, got)
    fields = (key for key in Protocol.model_fields if key not in ("name", "source", "extractor"))
    return {key: getattr(got, key) for key in fields if getattr(got, key) != getattr(asked, key)}


def shown(value: Any) -> str:
    """A value of a protocol in words."""
    return {"None": "all", "True": "yes", "False": "no"}.get(str(value), str(value))


def alternatives(base: Protocol, folders: Folders) -> list[tuple[str, Any]]:
    """(field, value) of all that may be chosen otherwise than `base` does, one at a time, as far as the files allow."""
    files, published = (*folders.real, *folders.made), PRESETS.values()
    shortest, smallest = min(length(base, file) for file in files), min(map(side, files))
    half = round(min((float(file.fps) for file in files if file.fps), default=0) / 2)
    thin = half and min(length(adapted(base, fps=half), file) for file in files) >= base.frames
    clips = (base.clips or folders.most) // 2
    literals = ("filter", "fit", "pixels", "covariance")
    choices: dict[str, Iterable[Any]] = {name: get_args(Protocol.model_fields[name].annotation) for name in literals}
    choices |= {
        "antialias": (True, False),
        "start": ("first", "centre", "random"),
        "frames": {base.frames // 2 or 1, *(one.frames for one in published if one.frames <= shortest)},
        "fps": (half,) if thin else (),
        "resolution": {base.resolution // 2, *(one.resolution for one in published if one.resolution <= smallest)},
        "clips": (clips,) if clips >= 2 else (),
    }
    return [(name, value) for name, values in choices.items() for value in values if value != getattr(base, name)]
