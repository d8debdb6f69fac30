"""Everything the stages left in `outputs/`, read into one object. A part that has not run yet is None or empty."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sweettok.errors import InputError
from sweettok.reporting.checkpoints import read_checkpoints
from sweettok.reporting.reconstruction import gather, measured
from sweettok.storage import read_json

SHORT_VARIANTS = ("full", "coupled")  # shown beside the main model; full is as short a training as coupled
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
class PriorRun:
    """One prior of `prior_scaling`, of a size and a seed.

    summary: size, seed, parameters, steps and metrics: records of "frechet_video/judge", "class_consistency" and "loss" (nats
    a token).
    """

    size: str
    seed: int
    summary: dict[str, Any]


@dataclass(frozen=True)
class ListedCodebook:
    """Of outputs/codebook what people read.

    sizes     part of speech -> number of words;  parts: word -> its parts of speech
    captions  their number, repeats included;  provider: what made the word vectors
    vectors   word -> its vector, float32 (dim,), of length 1
    words     columns part_of_speech, rank, word, count;  edges: columns link, rank, first, second, count (both sorted,
              see sweettok.language.tables)
    """

    sizes: dict[str, int]
    parts: dict[str, tuple[str, ...]]
    captions: int
    provider: str
    vectors: dict[str, np.ndarray]
    words: pandas.DataFrame
    edges: pandas.DataFrame


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    data            outputs/data/store.json
    codebook        its sizes, most frequent words and strongest edges
    reconstruction  methods (each with metric records, retention by factor, tokens, indices, bits, codebook), the judge's
                    accuracy by factor, and the learned-at-all thresholds
    per_clip        of these methods: columns method, clip, psnr, ssim, perceptual
    strips          method -> uint8 (n, T, H, W, 3) of the same test clips, with "original"; also of codecs at the size
                    nearest to ours and of ablation variants ("coupled (ablation)") where these are there
    clip_words      of the first test clips: clip, caption, words (token group -> its words in order)
    token_places    where their tokens lie (see sweettok.tokenizers.token_places)
    codecs          points (codec, quality, bits, metric records)
    generation      metric records and sampling settings;  samples: samples (n, T, H, W, 3), labels (n,), classes
    prior_scaling   priors of several sizes, those that the profile lists, sorted by size and seed
    semantics       few_shot, probes, their differences, mutual_information, in_context, left_out
    cells           ablation cells, sorted by variant and seed
    histories       training -> columns step, split, loss, ...
    checkpoints     name -> what was measured of a checkpoint (outputs/checkpoints);  pretrained: `methods` of others' weights
    replication     seeds that only repeat what the others found
    table_of        variant -> the ablation table that it stands in, "" for none (params' Variant.table)
    """

    profile: str
    data: dict[str, Any] | None = None
    codebook: ListedCodebook | None = None
    reconstruction: dict[str, Any] | None = None
    per_clip: pandas.DataFrame | None = None
    strips: dict[str, np.ndarray] | None = None
    codecs: dict[str, Any] | None = None
    clip_words: list[dict[str, Any]] | None = None
    token_places: dict[str, Any] | None = None
    generation: dict[str, Any] | None = None
    samples: dict[str, np.ndarray] | None = None
    semantics: dict[str, Any] | None = None
    cells: tuple[AblationCell, ...] = ()
    prior_scaling: tuple[PriorRun, ...] = ()
    histories: dict[str, pandas.DataFrame] = field(default_factory=dict)
    checkpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    pretrained: frozenset[str] = frozenset()
    replication: frozenset[int] = frozenset()
    table_of: Mapping[str, str] = field(default_factory=dict)

    def of_seeds(self, replication: bool) -> "Results":
        """With the cells and priors of one of the two sets of seeds. The main model is trained once and belongs to the first."""
        cells = tuple(cell for cell in self.cells if (cell.seed in self.replication) == replication)
        priors = tuple(run for run in self.prior_scaling if (run.seed in self.replication) == replication)
        kept = replace(self, cells=cells, prior_scaling=priors)
        return replace(kept, reconstruction=None, per_clip=None) if replication else kept

    @property
    def setting(self) -> str:
        """What our columns stand for, e.g. "profile default; sprites, 17 frames of 32x32; clips train 2048, test 256"."""
        if self.data is None:
            return f"profile {self.profile}; data not prepared"
        splits = {name: entry["shape"] for name, entry in self.data["splits"].items()}  # (N, T, H, W, 3)
        _, frames, height, width, _ = next(iter(splits.values()))
        clips = ", ".join(f"{name} {shape[0]}" for name, shape in splits.items())
        return f"profile {self.profile}; {self.data['dataset']}, {frames} frames of {height}x{width}; clips {clips}"

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Method -> what `reconstruction` has of it; empty where that has not run."""
        return (self.reconstruction or {}).get("methods", {})

    def of_variant(self, variant: str) -> dict[int, AblationCell]:
        """seed -> cell of a variant."""
        return {cell.seed: cell for cell in self.cells if cell.variant == variant}

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants that have run; the full model first."""
        return tuple(sorted({cell.variant for cell in self.cells}, key=lambda variant: (variant != "full", variant)))


def collect(
    outputs: str | Path,
    profile: str = "default",
    cells: Collection[str] | None = None,
    tokenizers: Collection[str] | None = None,
    replication: Collection[int] = (),
    table_of: Mapping[str, str] | None = None,
    pretrained: Collection[str] = (),
) -> Results:
    """Read `outputs`; of outputs/ablation the cells of these names (VARIANT-SEED), of outputs/reconstruction these
    tokenizers. None: all. replication, table_of, pretrained: see `Results`.

    Raises InputError where the folder is absent or a file in it is damaged.
    """
    outputs = Path(outputs)
    if not outputs.is_dir():
        raise InputError(f"{outputs} does not exist; run `dvc repro` first")
    histories = {name: _table(outputs / name / "history.csv") for name in TRAININGS}
    ablation = _cells(outputs / "ablation", cells)
    folders = measured(outputs / "reconstruction", tokenizers)
    reconstruction = gather(folders)
    words = _json(outputs / "reconstruction" / "sweettok" / "words.json") or {}
    return Results(
        profile=profile,
        data=_json(outputs / "data" / "store.json"),
        codebook=_codebook(outputs / "codebook"),
        reconstruction=reconstruction,
        per_clip=_per_clip(folders),
        strips=_strips(outputs, folders, ablation, reconstruction),
        codecs=_json(outputs / "codecs" / "summary.json"),
        clip_words=words.get("clips"),
        token_places=words.get("places"),
        generation=_json(outputs / "generation" / "summary.json"),
        samples=_arrays(outputs / "generation" / "samples.npz"),
        semantics=_json(outputs / "semantics" / "summary.json"),
        cells=ablation,
        prior_scaling=_priors(outputs / "prior_scaling"),
        histories={name: history for name, history in histories.items() if history is not None},
        checkpoints=read_checkpoints(outputs / "checkpoints"),
        pretrained=frozenset(pretrained),
        replication=frozenset(replication),
        table_of=table_of or {},
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
    vectors = dict(zip(description["words"], _vectors(folder / "codebook.safetensors"), strict=True))
    return ListedCodebook(sizes, parts, description["captions"], description["provider"], vectors, **lists)


def _vectors(path: Path) -> np.ndarray:
    """float32 (words, dim)."""
    try:
        return load_file(path)["vectors"]
    except (OSError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{path} is damaged ({error}); delete its folder and run `dvc repro build_codebook`"
        ) from error


def _per_clip(folders: Mapping[str, Path]) -> pandas.DataFrame | None:
    """The per-clip tables of all tokenizers, with their names in the column method."""
    tables = {name: _table(folder / "per_clip.csv") for name, folder in folders.items()}
    named = [table.assign(method=name) for name, table in tables.items() if table is not None]
    return pandas.concat(named, ignore_index=True) if named else None


def _strips(
    outputs: Path,
    folders: Mapping[str, Path],
    cells: Collection[AblationCell],
    reconstruction: Mapping[str, Any] | None,
) -> dict[str, np.ndarray] | None:
    """The tokenizers' clips, then those of short variants (their first seed) and of codecs."""
    archives = {name: _arrays(folder / "strips.npz") for name, folder in folders.items()}
    known = {name: archive for name, archive in archives.items() if archive is not None}
    if not known:
        return None
    original = next(iter(known.values()))["original"]
    found = {name: archive["clips"] for name, archive in known.items()}
    found |= _codec_strips(outputs, (reconstruction or {}).get("methods", {}).get("sweettok", {}).get("bits"))
    for variant in SHORT_VARIANTS:
        seeds = [cell.seed for cell in cells if cell.variant == variant]
        shown = _arrays(outputs / "ablation" / variant / str(min(seeds)) / "strips.npz") if seeds else None
        if shown is not None:
            found[f"{variant} (ablation)"] = shown["clips"]
    for name, clips in found.items():
        if clips.ndim != 5 or clips.shape[1:] != original.shape[1:]:
            raise InputError(f"the clips of {name} are not those of outputs/reconstruction; run `dvc repro`")
    return {"original": original} | found


def _codec_strips(outputs: Path, wanted: float | None) -> dict[str, np.ndarray]:
    """Of each codec the clips nearest in bits to the main model's, `wanted`, under a name with their size."""
    clips, found = _arrays(outputs / "codecs" / "strips.npz"), dict[str, np.ndarray]()
    if not clips or not wanted:
        return {}
    points = read_json(outputs / "codecs" / "summary.json")["points"]
    for codec in dict.fromkeys(point["codec"] for point in points):
        of_codec = [point for point in points if point["codec"] == codec]
        nearest = min(of_codec, key=lambda point: abs(np.log(point["bits"] / wanted)))
        found[f"{nearest['label']}, {nearest['bits']:,.0f} bits"] = clips[nearest["key"]]
    return found


def _cells(folder: Path, names: Collection[str] | None) -> tuple[AblationCell, ...]:
    cells = []
    for summary_file, summary in _summaries(folder):
        if names is not None and "-".join(summary_file.parts[-3:-1]) not in names:
            continue
        per_clip = _table(summary_file.with_name("per_clip.csv"))
        if per_clip is None:
            advice = f"delete {summary_file.parents[1]} and run `dvc repro ablation`"
            raise InputError(f"{summary_file.parent} has no per_clip.csv; {advice}")
        history = _table(summary_file.with_name("history.csv"))
        cells.append(AblationCell(summary["variant"], int(summary["seed"]), summary, per_clip, history))
    return tuple(sorted(cells, key=lambda cell: (cell.variant, cell.seed)))


def _priors(folder: Path) -> tuple[PriorRun, ...]:
    """Those in listed.json, which says what the profile compares; others are of another profile. Without it: all."""
    listed = _json(folder / "listed.json")
    runs = [PriorRun(summary["size"], int(summary["seed"]), summary) for _, summary in _summaries(folder)]
    if listed is not None:
        runs = [run for run in runs if run.size in listed["sizes"] and run.seed in listed["seeds"]]
    return tuple(sorted(runs, key=lambda run: (run.size, run.seed)))


def _summaries(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The summaries of FOLDER/VARIANT/SEED."""
    return [(file, read_json(file)) for file in sorted(folder.glob("*/*/summary.json"))]


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
