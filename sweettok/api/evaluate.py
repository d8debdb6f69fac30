"""Any tokenizer on any folder of videos or images: the numbers of T1, each with its protocol."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from sweettok.api.comparison import FolderClips, files_of, long_enough
from sweettok.api.folder_metrics import RESAMPLES, distances_to, distances_under, no_distances, of_files, skipped_count
from sweettok.api.frames import open_frames
from sweettok.api.parts import Parts
from sweettok.api.protocol_clips import ProtocolClips, at_once, fitted, open_protocol_clips
from sweettok.errors import InputError
from sweettok.metrics.definitions import scorers_under
from sweettok.metrics.distances import FrechetDistance
from sweettok.metrics.networks import Skipped
from sweettok.metrics.reconstruction import NamedWatch, clip_size, score, summarise, unwatched
from sweettok.metrics.registry import frechet_of, metric_of
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.params import EvaluateReconstruction, Metrics, Protocol
from sweettok.tokenizers.base import ClipTokenizer

if TYPE_CHECKING:
    from sweettok.regions.measures import RegionMeasure

TOO_FEW = "a Frechet distance needs at least 2 files"


def open_clips(folder: str | Path, frames: int, size: int, skip_shorter: bool = False) -> FolderClips:
    """The images and videos of a folder as clips: of each its first frames, shorter side resized, centre cropped.

    skip_shorter: leave files of fewer than `frames` frames out, instead of refusing them.
    Raises InputError: none there, unreadable, a file that is too short.
    """
    files, short = long_enough(map(open_frames, files_of(Path(folder)).values()), frames, skip_shorter)
    return FolderClips(files, frames, size, skipped=short)


def open_clips_under(
    folder: str | Path, protocol: Protocol, frames: int, size: int, skip_shorter: bool = False
) -> ProtocolClips:
    """The videos of a folder as a protocol reads them, as far as they and a tokenizer of this clip's shape allow: where
    that is not all that the protocol asks for, its name says what differs. Raises InputError as `open_clips`."""
    files = [open_frames(path) for path in files_of(Path(folder)).values()]
    return open_protocol_clips(files, fitted(protocol, files, frames, size), skip_shorter)


def evaluate(
    tokenizer: ClipTokenizer,
    clips: FolderClips | ProtocolClips,
    judge: Judge | None,
    settings: Metrics,
    wanted: Collection[str] | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    watch: NamedWatch = unwatched,
    parts: str | Path | None = None,
    regions: "Sequence[RegionMeasure]" = (),
) -> dict[str, Any]:
    """{"tokenizer": facts with what a clip takes, "clips": facts, "metrics": name -> record, "left_out": [...],
    "skipped_files": [...]}.

    judge, settings: what is measured with (see `folder_metrics.compare`). wanted: names of metrics; None: all there are.
    device: where all is computed; the judge moves there. watch: wraps the numbers of the batches, for progress bars.
    parts: folder that keeps what is measured (`Parts`); None: a temporary one.
    regions: what is measured of words and faces.
    Raises InputError: nothing of it can be measured here, a tokenizer that breaks its protocol, parts of something else.
    """
    if parts is None:
        # What is kept of each batch would lie in memory between the large blocks of the next ones, and so the process would
        # grow: to 3.6 GB after 500 clips of 17x256x256, where it stays at 1.4 GB with parts on disk.
        with TemporaryDirectory(prefix="sweettok-evaluate-") as folder:
            return evaluate(tokenizer, clips, judge, settings, wanted, seed, device, watch, folder, regions)
    store: Any = clips  # has what a ClipStore is asked for
    judge = judge and judge.to(device)
    scorers, skipped = open_scorers(judge, settings, clips.size, wanted)
    if wanted is not None:
        networks = tuple(name for name in settings.extractors if frechet_of(name).name in wanted)
        settings = settings.model_copy(update={"extractors": networks})
    distances, missing = _distances(clips, judge, settings, device, Path(parts), watch, wanted)
    if isinstance(clips, ProtocolClips):
        scorers = scorers_under(clips.protocol, scorers)
    chosen = [distance for distance in distances if _asked(distance.name, wanted)]
    left_out = [entry.as_json() for entry in skipped + missing if _asked(entry.metric, wanted)]
    if not (scorers or chosen or regions):
        raise InputError("nothing can be measured: " + "; ".join(f"{one['metric']}: {one['why']}" for one in left_out))
    batch = at_once(clips.frames, clips.size)
    scored = [*scorers, *(region.scorer for region in regions)]
    drawn = EvaluateReconstruction(batch_size=batch, bootstrap=RESAMPLES, seed=seed)
    measured = {scorer.name: scorer.facts for scorer in scored} | {each.name: each.facts() for each in chosen}
    identity = {"tokenizer": tokenizer.fingerprint, "clips": clips.fingerprint, "metrics": measured, "batch": batch}
    watched, collect = partial(watch, tokenizer.name), Parts(parts, identity).collect
    reconstructions = score(tokenizer, store, batch, scored, chosen, 0, device, watched, collect)
    records = summarise(reconstructions, store, drawn, scorers, chosen)
    for region in regions:
        tables = reconstructions.scores[region.name]
        records |= (found := region.records(tables, seed, frames=clips.frames, resolution=clips.size))
        left_out += [] if found else [Skipped(region.name, "video", "there is none on these clips").as_json()]
    if isinstance(clips, FolderClips):
        records |= {distance.name: of_files(records[distance.name], clips, distance) for distance in chosen}
    facts = {"name": tokenizer.name, "fingerprint": tokenizer.fingerprint, "parameters": tokenizer.parameter_count}
    return {
        "tokenizer": facts | {"frames": clips.frames, "size": clips.size} | clip_size(tokenizer, reconstructions),
        "clips": {"files": len(clips.files), "clips": len(clips), "fingerprint": clips.fingerprint},
        "metrics": {
            name: entry | {"split": "files given", "protocol": entry["protocol"] | skipped_count(clips)}
            for name, entry in records.items()
        },
        "left_out": left_out,
        "skipped_files": [str(file.path) for file in clips.skipped],
    }


def _distances(
    clips: FolderClips | ProtocolClips,
    judge: Judge | None,
    settings: Metrics,
    device: torch.device | str,
    parts: Path,
    watch: NamedWatch,
    wanted: Collection[str] | None,
) -> tuple[list[FrechetDistance], list[Skipped]]:
    if len(clips) < 2:
        return [], no_distances(settings, TOO_FEW)
    if isinstance(clips, ProtocolClips):
        return distances_under(clips, judge, settings, device, parts, watch, wanted)
    return distances_to(clips, judge, settings, device, parts, watch, wanted)


def _asked(record: str, wanted: Collection[str] | None) -> bool:
    """Whether a record is of one of these metrics. On unverified weights it has a name of its own, and only what is wanted is
    opened."""
    metric = metric_of(record)
    return wanted is None or metric is None or metric.name in wanted
