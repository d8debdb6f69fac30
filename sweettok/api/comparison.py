"""Two files or folders to be compared: which files belong together, and how their frames become comparable."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sweettok.api.frames import ENDINGS, FrameFile, open_frames, to_square
from sweettok.api.token_file import Fit
from sweettok.errors import InputError, counted
from sweettok.metrics.distances import CLIPS_AT_ONCE
from sweettok.storage import sha256_of
from sweettok.video.formats import is_hidden, with_endings
from sweettok.video.store import to_float

Files = tuple[FrameFile, ...]  # that stay or go together: a pair, or one alone


@dataclass(frozen=True)
class FolderClips:
    """Files as clips of one length and size, with what the Frechet distances ask of a ClipStore.

    Read anew at each call: a folder may be larger than memory. split: the one that a protocol wants; files have none.
    fit: how frames become square, as in `frames.to_square`. skipped: files that were left out for being too short.
    """

    files: tuple[FrameFile, ...]
    frames: int
    size: int
    split: str = "test"
    fit: Fit = "crop"
    skipped: tuple[FrameFile, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of the files' content and of what is made of them."""
        parts = [f"{self.frames} {self.size} {self.fit}", *(sha256_of(file.path) for file in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def clips(self, rows: Iterable[int]) -> Tensor:
        """The first frames of each file, made square: (B, 3, frames, size, size)."""
        square = to_square(self.fit, self.size)
        return to_float(np.stack([self.files[row].read(0, self.frames, square) for row in rows]))

    def batches(self) -> Iterator[Tensor]:
        """All clips in order."""
        for rows in torch.arange(len(self)).split(CLIPS_AT_ONCE):
            yield self.clips(rows.tolist())


@dataclass(frozen=True)
class Comparison:
    """Generated (or reconstructed) files against real ones.

    real, generated  the files; where `paired`, file i of both belong together
    names       of the pairs
    frames      compare the first frames only (None: pairs must be equally long, and sets all of one length)
    size        bring frames to this square (None: pairs must be of equal size)
    fit         how: as in `frames.to_square`
    skipped     files that were left out because they are shorter than `frames`
    skipped_pairs   how many pairs went with them
    """

    real: tuple[FrameFile, ...]
    generated: tuple[FrameFile, ...]
    names: tuple[str, ...]
    paired: bool
    frames: int | None = None
    size: int | None = None
    fit: Fit = "crop"
    skipped: tuple[FrameFile, ...] = ()
    skipped_pairs: int = 0

    def sets(self) -> tuple[FolderClips, FolderClips]:
        """Both as sets of clips. Raises InputError: no common length or size, fewer than two files."""
        files = (*self.real, *self.generated)
        if min(len(self.real), len(self.generated)) < 2:
            raise InputError("a Frechet distance needs at least 2 files on each side")
        sizes = {side for file in files for side in (file.height, file.width)}
        if self.size is None and len(sizes) > 1:
            raise InputError("the files are not all squares of the same size; resize them with --size N")
        shortest, longest = (end(files, key=lambda file: file.frames) for end in (min, max))
        if self.frames is None and shortest.frames < longest.frames:
            raise InputError(
                f"{shortest.path} has {counted(shortest.frames, 'frame')}, {longest.path} {longest.frames}; compare the first N of "
                "each with --frames N, and leave shorter files out with --skip-shorter"
            )
        frames, size = self.frames or shortest.frames, self.size or sizes.pop()
        return FolderClips(self.real, frames, size, fit=self.fit), FolderClips(
            self.generated, frames, size, fit=self.fit
        )


def open_comparison(
    real: str | Path,
    generated: str | Path,
    paired: bool,
    frames: int | None,
    size: int | None,
    fit: Fit | None = None,
    skip_shorter: bool = False,
) -> Comparison:
    """Two files, or two folders whose files are paired by their path below the folder without ending.

    fit: None: "crop", where both sides have frames of the same shapes; else it has to be told.
    skip_shorter: leave files of fewer than `frames` frames out, instead of refusing them.
    Raises InputError: absent, unreadable, a file against a folder, files without a partner, other shapes without `fit`.
    """
    real, generated = Path(real), Path(generated)
    if skip_shorter and frames is None:
        raise InputError("--skip-shorter needs --frames N: files of fewer frames are left out")
    if fit and not size:
        raise InputError(f"--fit {fit} needs --size N, the size that it fits frames to")
    compared = replace(_opened(real, generated, paired), frames=frames, size=size, fit=fit or "crop")
    if frames:
        compared = _without_shorter(compared, frames, skip_shorter)
    if size and not fit:
        _check_shapes(compared)
    return compared


def _opened(real: Path, generated: Path, paired: bool) -> Comparison:
    if real.is_dir() != generated.is_dir():
        raise InputError(f"{real} and {generated} are a file and a folder; compare two files or two folders")
    if not real.is_dir():
        return Comparison((open_frames(real),), (open_frames(generated),), (generated.name,), True)
    of_real, of_generated = files_of(real), files_of(generated)
    names = sorted(of_real.keys() & of_generated.keys())
    if paired and (alone := sorted(of_real.keys() ^ of_generated.keys())):
        where = real if alone[0] in of_real else generated
        raise InputError(
            f"{counted(len(alone), 'file')} without a partner of the same name, first {alone[0]} in {where}; "
            "add them, or compare the folders as sets with --unpaired"
        )
    of = (names, names) if paired else (sorted(of_real), sorted(of_generated))
    opened = [
        tuple(open_frames(files[name]) for name in keys)
        for files, keys in zip((of_real, of_generated), of, strict=True)
    ]
    return Comparison(opened[0], opened[1], tuple(names), paired)


def _check_shapes(compared: Comparison) -> None:
    """Raise InputError for a file without a counterpart of its proportions: how that one became square is not known."""
    if compared.paired:
        unlike = [pair for pair in zip(compared.real, compared.generated, strict=True) if not _alike(*pair)]
    else:
        sides = (compared.real, compared.generated)  # of each, the first file of every shape
        real, generated = ([*{(f.height, f.width): f for f in reversed(side)}.values()] for side in sides)
        alone = ((file, others) for files, others in ((real, generated), (generated, real)) for file in files)
        unlike = [(file, others[0]) for file, others in alone if not any(_alike(file, other) for other in others)]
    if unlike:
        one, other = unlike[0]
        raise InputError(
            f"{_shape(one)} and {_shape(other)} differ in aspect ratio; give the --fit with which the generated ones "
            "were made: crop (the default of `sweettok reconstruct`) or stretch"
        )


def _shape(file: FrameFile) -> str:
    return f"{file.path} ({file.width}x{file.height})"


def _alike(one: FrameFile, other: FrameFile) -> bool:
    """Whether two files have the same proportions, up to a pixel of rounding."""
    difference = abs(one.width * other.height - other.width * one.height)
    return difference <= max(one.width, one.height, other.width, other.height)


def _without_shorter(compared: Comparison, frames: int, skip_shorter: bool) -> Comparison:
    """Without the files of fewer frames; of pairs, without both files. Raises InputError as `long_enough`."""
    if not compared.paired:
        real, short = long_enough(compared.real, frames, skip_shorter)
        generated, more = long_enough(compared.generated, frames, skip_shorter)
        return replace(compared, real=real, generated=generated, skipped=short + more)
    pairs = dict(zip(compared.names, zip(compared.real, compared.generated, strict=True), strict=True))
    kept, short = _long_groups(pairs, frames, skip_shorter)
    real, generated = zip(*kept.values(), strict=True)
    lost = len(pairs) - len(kept)
    return replace(compared, real=real, generated=generated, names=tuple(kept), skipped=short, skipped_pairs=lost)


def long_enough(files: Iterable[FrameFile], frames: int, skip_shorter: bool) -> tuple[Files, Files]:
    """The files of so many frames, and the shorter ones.

    Raises InputError for a file that is shorter, unless such files are skipped; where none is left.
    """
    kept, short = _long_groups({str(file.path): (file,) for file in files}, frames, skip_shorter)
    return tuple(file for (file,) in kept.values()), short


def _long_groups(groups: Mapping[str, Files], frames: int, skip_shorter: bool) -> tuple[dict[str, Files], Files]:
    """The groups of which every file is long enough, and the shorter files. Raises InputError as `long_enough`."""
    short = tuple(file for group in groups.values() for file in group if file.frames < frames)
    if short and not skip_shorter:
        has = f"{short[0].path} has {counted(short[0].frames, 'frame')}, {frames} were asked for"
        raise InputError(f"{has}; lower --frames, or leave such files out with --skip-shorter")
    kept = {name: group for name, group in groups.items() if all(file.frames >= frames for file in group)}
    if not kept:
        raise InputError(
            f"all files are shorter than {counted(frames, 'frame')}, first {short[0].path}; lower --frames"
        )
    return kept, short


def files_of(folder: Path) -> dict[str, Path]:
    """Path below the folder, without ending -> file, of all images and videos but hidden ones, and ones in hidden folders.

    Raises InputError (none, two of one name).
    """
    found: dict[str, Path] = {}
    shown = (path for path in sorted(folder.rglob("*")) if not is_hidden(path.relative_to(folder)))
    for path in with_endings(shown, ENDINGS, folder):
        name = str(path.relative_to(folder).with_suffix(""))
        if name in found:
            raise InputError(f"{found[name]} and {path} have the same name up to the ending; keep one of them")
        found[name] = path
    if not found:
        raise InputError(f"{folder} holds no image or video ({' '.join(ENDINGS)})")
    return found
