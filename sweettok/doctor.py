"""What a profile needs to run here, what of it is missing, and where to get it (`sweettok doctor`).

Everything is looked up where it should lie; nothing is downloaded, no clip or model is opened (of weights that metrics
name, the sha256 is compared), torch is not imported.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from sweettok.errors import InputError, one_line
from sweettok.extras import requirements
from sweettok.params import ClipCounts, FileData, ImagenetData, Params

GIB = 2**30
CAPTIONS = (
    "its publisher (MSR-VTT: https://www.microsoft.com/en-us/research/publication/"
    "msr-vtt-a-large-video-description-dataset-for-bridging-video-and-language/), or set {key} to another file"
)
NO_GIT = "dvc config --local core.no_scm true"
MOVE = "python -m sweettok.mlflow_store"
INSTALL = "make install, or pip install -c constraints.txt -e '.[repro]' in the project's root"


@dataclass(frozen=True)
class Need:
    """One thing that a profile needs.

    state   "here"; "missing": the profile cannot run without, or, of metric weights, leaves out what it should measure;
            "tight": it may run out of it on the way; "stale": it speaks of another folder, until a stage puts it right
    found   what is there, or what is not, in words
    get     where to get what is missing, or how to need less; empty where nothing is to be done
    """

    kind: Literal["data", "captions", "word vectors", "metric weights", "package", "DVC", "MLflow", "disk", "memory"]
    state: Literal["here", "missing", "tight", "stale"]
    found: str
    get: str = ""


def examine(params: Params) -> list[Need]:
    """All needs of a profile, by kind. Paths in params count from the working folder, as the stages take them."""
    return [need for check in CHECKS for need in check(params)]


def data_needs(params: Params) -> Iterator[Need]:
    """The data set's folder, lists and files: those that its listing names and that are not there, by split."""
    data = params.data
    if not isinstance(data, FileData):
        yield Need("data", "here", f"{data.name} are drawn from a seed")
        return
    from sweettok.video.list_files import list_files

    where = data.where.format(root=data.root)
    try:
        listing = list_files(data)
    except InputError as error:
        yield Need("data", "missing", str(error), where)
        return
    for split, items in listing.splits.items():
        absent = [item for item in items if not item.file.is_file()]
        found = f"{split}: {len(items) - len(absent):,} of {len(items):,} listed files"
        if len(absent) > data.max_skipped * len(items):
            found += f"; the first absent is {absent[0].id}, at most {data.max_skipped:.1%} may be (data.max_skipped)"
            yield Need("data", "missing", found, where)
        else:
            yield Need("data", "here", found)


def caption_needs(params: Params) -> Iterator[Need]:
    """Files of words: captions of the codebook and of single clips, names of classes."""
    data = params.data
    wanted = {"codebook.captions": (params.codebook.captions, CAPTIONS.format(key="codebook.captions"))}
    if isinstance(data, FileData):
        wanted["data.captions"] = data.captions, CAPTIONS.format(key="data.captions")
    if isinstance(data, ImagenetData):
        wanted["data.class_names"] = data.class_names, data.where.format(root=data.root)
    for key, (path, where) in wanted.items():
        if path is None:
            continue
        if Path(path).expanduser().is_file():
            yield Need("captions", "here", f"{key}: {path}")
        else:
            yield Need("captions", "missing", f"{key}: {path} does not exist", where)


def word_vector_needs(params: Params) -> Iterator[Need]:
    """The weights that turn words into vectors."""
    from sweettok.language.model_folder import provider_folder

    settings = params.codebook
    try:
        folder = provider_folder(settings.provider, settings.provider_path)
    except InputError as error:
        found, _, get = str(error).partition("; ")  # providers' errors name the cause, then the remedy
        yield Need("word vectors", "missing", found, get)
    else:
        yield Need("word vectors", "here", f"{settings.provider}: {folder or 'needs no weights'}")


def metric_weight_needs(params: Params) -> Iterator[Need]:
    """The weights of the published networks that `metrics` names; without them those metrics are left out."""
    from sweettok.metrics.networks import missing_weights

    missing = dict.fromkeys(missing_weights(params.metrics))  # once, where two networks wait for the same file
    for what, why, how in missing:
        yield Need("metric weights", "missing", f"{what}: {why}", how)
    if not missing:
        names = ", ".join(params.metrics.networks)
        yield Need("metric weights", "here", names or "metrics names no published network")


def package_needs(params: Params) -> Iterator[Need]:
    """The Python packages that the pipeline declares, at versions it can work with."""
    try:
        needed = requirements("metrics", "repro")
    except metadata.PackageNotFoundError:
        yield Need("package", "missing", "sweettok is not installed, so its requirements are not known", INSTALL)
        return
    unmet = []
    for one in needed:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            unmet.append(f"{one} (not installed)")
            continue
        if not one.specifier.contains(version, prereleases=True):
            unmet.append(f"{one} (installed: {version})")
    for name in unmet:
        yield Need("package", "missing", name, INSTALL)
    if not unmet:
        yield Need("package", "here", f"{len(needed)} packages")


def dvc_needs(params: Params) -> Iterator[Need]:
    """DVC wants a git repository around it. In a ZIP of the project or its copy in an image there is none."""
    here = Path.cwd()
    if not (here / ".dvc").is_dir():  # params alone, to be examined
        return
    if any((folder / ".git").exists() for folder in (here, *here.parents)):
        yield Need("DVC", "here", "in a git repository")
        return
    from dvc.config import Config

    if Config(str(here / ".dvc"))["core"].get("no_scm"):
        yield Need("DVC", "here", "without git, as its configuration says")
    else:
        yield Need("DVC", "missing", "no git repository here, which DVC asks for", f"make repro, or {NO_GIT}")


def mlflow_needs(params: Params) -> Iterator[Need]:
    """The runs of a project that was renamed, moved or copied: MLflow keeps absolute places of their artifacts."""
    from sweettok.mlflow_store import has_store, moved_from

    if not has_store("."):
        return
    try:
        former = moved_from(".")
    except InputError as error:
        found, _, get = str(error).partition("; ")
        yield Need("MLflow", "missing", found, get)
        return
    if former is None:
        yield Need("MLflow", "here", "its runs have their artifacts here")
        return
    yield Need("MLflow", "stale", f"its runs have their artifacts in {former}, from where this project was moved or copied",
               f"{MOVE}, or the next stage, puts this folder in its place")  # fmt: skip


def space_needs(params: Params) -> Iterator[Need]:
    """Disk for the prepared clips, which DVC's cache holds a second time where the file system cannot share blocks, and
    memory for the sampled clips and as many training clips as floats, which stage evaluate_generation holds at once."""
    import psutil

    data = params.data
    counts = _clip_counts(params)
    if counts is None:  # known only from the files' lengths
        return
    pixels = 3 * data.frames * data.size**2  # a clip's numbers: one byte each on disk, four in memory
    disk, free = 2 * pixels * sum(counts.values()), shutil.disk_usage(".").free
    yield _space("disk", disk, free, f"for {sum(counts.values()):,} clips, twice")
    sampled = params.sampling.samples
    memory, there = 2 * 4 * pixels * sampled, psutil.virtual_memory().available
    yield _space("memory", memory, there, f"for {sampled:,} sampled clips and as many of the training clips")


def _clip_counts(params: Params) -> dict[str, int] | None:
    """split -> clips, from params, else one for each listed file; None where neither says."""
    data = params.data
    counts = data.clips.model_dump()
    if not isinstance(data.clips, ClipCounts) or all(counts.values()):
        return counts
    windows = getattr(data, "windows", None)
    if windows is not None and windows.every is not None:
        return None
    from sweettok.video.list_files import list_files

    try:
        listed = {split: len(items) for split, items in list_files(data).splits.items()}
    except InputError:
        return None
    return {split: counts[split] or listed[split] for split in counts}


def _space(kind: Literal["disk", "memory"], needed: int, free: int, purpose: str) -> Need:
    found = f"{needed / GIB:.1f} GiB {purpose}; {free / GIB:.1f} GiB free"
    if needed <= free:
        return Need(kind, "here", found)
    return Need(kind, "tight", found, f"free some {kind}, or lower data.clips")


CHECKS: tuple[Callable[[Params], Iterator[Need]], ...] = (
    data_needs, caption_needs, word_vector_needs, metric_weight_needs, package_needs, dvc_needs,
    mlflow_needs, space_needs,
)  # fmt: skip


def as_text(profile: str, needs: list[Need]) -> str:
    """The needs as lines to read, what is missing with where to get it."""
    marks = {"here": "ok     ", "missing": "MISSING", "tight": "tight  ", "stale": "stale  "}
    lines = []
    for need in needs:
        lines.append(f"{marks[need.state]} {need.kind}: {one_line(need.found)}")
        lines += [f"        get: {one_line(need.get)}"] if need.get else []
    missing = sum(need.state == "missing" for need in needs)
    lines.append(f"profile {profile}: {'nothing is missing' if not missing else f'{missing} missing'}")
    return "\n".join(lines)
