"""Everything the stages left in `outputs/`, read into one object. A part that has not run yet is None or empty."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas

from sweettok.errors import InputError
from sweettok.storage import read_json

TRAININGS = ("judge", "proxy", "spatial", "joint", "pixels", "generator")


@dataclass(frozen=True)
class AblationCell:
    """One trained variant and seed. per_clip: columns clip, psnr, ssim, perceptual; history: see `Results`."""

    variant: str
    seed: int
    summary: dict[str, Any]
    per_clip: pandas.DataFrame
    history: pandas.DataFrame | None


@dataclass(frozen=True)
class ListedCodebook:
    """Of outputs/codebook what people read.

    sizes     part of speech -> number of words;  parts: word -> its parts of speech
    captions  their number, repeats included;  provider: what made the word vectors
    words     columns part_of_speech, rank, word, count;  edges: columns link, rank, first, second, count (both sorted,
              see sweettok.language.tables)
    """

    sizes: dict[str, int]
    parts: dict[str, tuple[str, ...]]
    captions: int
    provider: str
    words: pandas.DataFrame
    edges: pandas.DataFrame


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    data            outputs/data/store.json
    codebook        its sizes, most frequent words and strongest edges
    reconstruction  methods (each with metric records, tokens, indices, bits, codebook) and the learned-at-all bars
    strips          method -> uint8 (n, T, H, W, 3), with "original"
    generation      metric records and sampling settings;  samples: samples (n, T, H, W, 3), labels (n,), classes
    semantics       few_shot and probes
    cells           ablation cells, sorted by variant and seed
    histories       training -> columns step, split, loss, ...
    """

    profile: str
    data: dict[str, Any] | None = None
    codebook: ListedCodebook | None = None
    reconstruction: dict[str, Any] | None = None
    strips: dict[str, np.ndarray] | None = None
    generation: dict[str, Any] | None = None
    samples: dict[str, np.ndarray] | None = None
    semantics: dict[str, Any] | None = None
    cells: tuple[AblationCell, ...] = ()
    histories: dict[str, pandas.DataFrame] = field(default_factory=dict)

    def of_variant(self, variant: str) -> dict[int, AblationCell]:
        """seed -> cell of a variant."""
        return {cell.seed: cell for cell in self.cells if cell.variant == variant}

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants that have run; the full model first."""
        return tuple(sorted({cell.variant for cell in self.cells}, key=lambda variant: (variant != "full", variant)))


def collect(outputs: str | Path, profile: str = "default", cells: Collection[str] | None = None) -> Results:
    """Read `outputs`; of outputs/ablation the cells of these names (VARIANT-SEED), None: all.

    Raises InputError where the folder is absent or a file in it is damaged.
    """
    outputs = Path(outputs)
    if not outputs.is_dir():
        raise InputError(f"{outputs} does not exist; run `dvc repro` first")
    histories = {name: _table(outputs / name / "history.csv") for name in TRAININGS}
    return Results(
        profile=profile,
        data=_json(outputs / "data" / "store.json"),
        codebook=_codebook(outputs / "codebook"),
        reconstruction=_json(outputs / "reconstruction" / "summary.json"),
        strips=_arrays(outputs / "reconstruction" / "strips.npz"),
        generation=_json(outputs / "generation" / "summary.json"),
        samples=_arrays(outputs / "generation" / "samples.npz"),
        semantics=_json(outputs / "semantics" / "summary.json"),
        cells=_cells(outputs / "ablation", cells),
        histories={name: history for name, history in histories.items() if history is not None},
    )


def _codebook(folder: Path) -> ListedCodebook | None:
    description = _json(folder / "codebook.json")
    if description is None:
        return None
    lists = {name: _table(folder / f"{name}.csv", gaps=False) for name in ("words", "edges")}
    if absent := [name for name, listed in lists.items() if listed is None]:
        raise InputError(f"{folder} has no {absent[0]}.csv; delete the folder and run `dvc repro build_codebook`")
    sizes = dict(Counter(description["part_of_speech"]))  # a codebook's words are sorted by part of speech
    parts: dict[str, tuple[str, ...]] = {}
    for word, part in zip(description["words"], description["part_of_speech"], strict=True):
        parts[word] = (*parts.get(word, ()), part)
    return ListedCodebook(sizes, parts, description["captions"], description["provider"], **lists)


def _cells(folder: Path, names: Collection[str] | None) -> tuple[AblationCell, ...]:
    cells = []
    for summary_file in sorted(folder.glob("*/*/summary.json")):
        if names is not None and "-".join(summary_file.parts[-3:-1]) not in names:
            continue
        summary = read_json(summary_file)
        per_clip = _table(summary_file.with_name("per_clip.csv"))
        if per_clip is None:
            raise InputError(
                f"{summary_file.parent} has no per_clip.csv; delete {summary_file.parents[1]} and run `dvc repro ablation`"
            )
        history = _table(summary_file.with_name("history.csv"))
        cells.append(AblationCell(summary["variant"], int(summary["seed"]), summary, per_clip, history))
    return tuple(sorted(cells, key=lambda cell: (cell.variant, cell.seed)))


def _json(path: Path) -> Any:
    return read_json(path) if path.is_file() else None


def _table(path: Path, gaps: bool = True) -> pandas.DataFrame | None:
    """gaps: whether "", "null" and the like stand for no value; in a list of words they are words."""
    if not path.is_file():
        return None
    try:
        return pandas.read_csv(path, na_filter=gaps)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid CSV table ({error}); delete it and run `dvc repro`") from error


def _arrays(path: Path) -> dict[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and run `dvc repro`") from error
