"""Two files or folders to be compared: which files belong together, and how their frames become comparable."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sweettok.api.frames import ENDINGS, FrameFile, open_frames, to_square
from sweettok.api.token_file import Fit
from sweettok.errors import InputError
from sweettok.metrics.distances import CLIPS_AT_ONCE
from sweettok.storage import sha256_of
from sweettok.video.formats import is_hidden, with_endings
from sweettok.video.store import to_float


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
    skipped     files that were left out because they are shorter than `frames`, with their partners
    """

    real: tuple[FrameFile, ...]
    generated: tuple[FrameFile, ...]
    names: tuple[str, ...]
    paired: bool
    frames: int | None = None
    size: int | None = None
    fit: Fit = "crop"
    skipped: tuple[FrameFile, ...] = ()

    def sets(self) -> tuple[FolderClips, FolderClips]:
        """Both as sets of clips. Raises InputError: no common length or size, fewer than two files."""
        files = (*self.real, *self.generated)
        if min(len(self.real), len(self.generated)) < 2:
            raise InputError("a Frechet distance needs at least 2 files on each side")
        sizes = {side for file in files for side in (file.height, file.width)}
        if self.size is None and len(sizes) > 1:
            raise InputError("the files are not all squares of one size; bring them to one with --size")
        shortest, longest = (end(files, key=lambda file: file.frames) for end in (min, max))
        if self.frames is None and shortest.frames < longest.frames:
            raise InputError(
                f"{shortest.path} has {shortest.frames} frames, {longest.path} {longest.frames}; compare the first N of "
                "each with --frames N, without the shorter files with --skip-shorter"
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
        raise InputError("--skip-shorter: shorter than what? Give --frames N")
    if fit and not size:
        raise InputError(f"--fit {fit}: how frames become N x N; give --size N")
    compared = replace(_opened(real, generated, paired), frames=frames, size=size, fit=fit or "crop")
    if frames:
        compared = _without_shorter(compared, frames, skip_shorter)
    if size and not fit:
        _check_shapes(compared)
    return compared


def _opened(real: Path, generated: Path, paired: bool) -> Comparison:
    if real.is_dir() != generated.is_dir():
        raise InputError(f"{real} and {generated}: compare two files or two folders")
    if not real.is_dir():
        return Comparison((open_frames(real),), (open_frames(generated),), (generated.name,), True)
    of_real, of_generated = files_of(real), files_of(generated)
    names = sorted(of_real.keys() & of_generated.keys())
    if paired and (alone := sorted(of_real.keys() ^ of_generated.keys())):
        where = real if alone[0] in of_real else generated
        raise InputError(
            f"{len(alone)} files have no partner of the same name, first {alone[0]} in {where}; "
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
            f"{_shape(one)} and {_shape(other)} have other proportions; say how frames became square and shall here: "
            "--fit crop (as `sweettok reconstruct` does by default) or --fit stretch"
        )


def _shape(file: FrameFile) -> str:
    return f"{file.path} ({file.width}x{file.height})"


def _alike(one: FrameFile, other: FrameFile) -> bool:
    """Whether two files have the same proportions, up to a pixel of rounding."""
    difference = abs(one.width * other.height - other.width * one.height)
    return difference <= max(one.width, one.height, other.width, other.height)


def _without_shorter(compared: Comparison, frames: int, skip_shorter: bool) -> Comparison:
    """Without the files of fewer frames; of pairs, without both files. Raises InputError (`long_enough`, none left)."""
    sides = (compared.real, compared.generated)
    enough = [long_enough(side, frames, skip_shorter) for side in sides]
    if compared.paired:
        both = [all(pair) for pair in zip(*enough, strict=True)]
        enough = [both, both]
    real, generated = (tuple(compress(side, long)) for side, long in zip(sides, enough, strict=True))
    if not (real and generated):
        raise InputError(f"no file, or none on one side, has {frames} frames; lower --frames")
    names = tuple(compress(compared.names, enough[0])) if compared.paired else compared.names
    marked = zip(sides, enough, strict=True)
    skipped = tuple(file for side, long in marked for file, kept in zip(side, long, strict=True) if not kept)
    return replace(compared, real=real, generated=generated, names=names, skipped=skipped)


def long_enough(files: Sequence[FrameFile], frames: int, skip_shorter: bool) -> list[bool]:
    """Whether each file has so many frames. Raises InputError for one that has not, unless such files are skipped."""
    enough = [file.frames >= frames for file in files]
    if not (all(enough) or skip_shorter):
        short = files[enough.index(False)]
        advice = "lower --frames, or leave such files out with --skip-shorter"
        raise InputError(f"{short.path} has {short.frames} frames, {frames} were asked for; {advice}")
    return enough


def files_of(folder: Path) -> dict[str, Path]:
    """Path below the folder, without ending -> file, of all images and videos but hidden ones, and ones in hidden folders.

    Raises InputError (none, two of one name).
    """
    found: dict[str, Path] = {}
    shown = (path for path in sorted(folder.rglob("*")) if not is_hidden(path.relative_to(folder)))
    for path in with_endings(shown, ENDINGS, folder):
        name = str(path.relative_to(folder).with_suffix(""))
        if name in found:
            raise InputError(f"{found[name]} and {path} have one name; keep one of them")
        found[name] = path
    if not found:
        raise InputError(f"{folder} holds no image or video ({' '.join(ENDINGS)})")
    return found
