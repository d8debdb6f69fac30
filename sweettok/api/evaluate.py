"""Any tokenizer on any folder of videos or images: the numbers of T1, each with its protocol."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from sweettok.api.comparison import FolderClips, files_of, long_enough
from sweettok.api.folder_metrics import RESAMPLES, distances_to, of_files, skipped_count
from sweettok.api.frames import open_frames
from sweettok.metrics.networks import Skipped
from sweettok.metrics.reconstruction import clip_size, score, summarise
from sweettok.metrics.registry import metric_of
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.params import EvaluateReconstruction, Metrics
from sweettok.tokenizers.base import ClipTokenizer

CLIPS_AT_ONCE = 16


def open_clips(folder: str | Path, frames: int, size: int, skip_shorter: bool = False) -> FolderClips:
    """The images and videos of a folder as clips: of each its first frames, shorter side resized, centre cropped.

    skip_shorter: leave files of fewer than `frames` frames out, instead of refusing them.
    Raises InputError: none there, unreadable, a file that is too short.
    """
    files, short = long_enough(map(open_frames, files_of(Path(folder)).values()), frames, skip_shorter)
    return FolderClips(files, frames, size, skipped=short)


def evaluate(
    tokenizer: ClipTokenizer,
    clips: FolderClips,
    judge: Judge | None,
    settings: Metrics,
    wanted: Collection[str] | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> dict[str, Any]:
    """{"tokenizer": facts with what a clip takes, "clips": facts, "metrics": name -> record, "left_out": [...],
    "skipped_files": [...]}.

    judge, settings: what is measured with (see `folder_metrics.compare`). wanted: names of metrics; None: all there are.
    watch: wraps the numbers of the batches, for a progress bar.
    """
    store: Any = clips  # has what a ClipStore is asked for
    scorers, skipped = open_scorers(judge, settings, clips.size, wanted)
    distances, missing = distances_to(clips, judge, settings) if len(clips) > 1 else ([], _too_few(judge))
    chosen = [distance for distance in distances if wanted is None or _named(distance.name, wanted)]
    drawn = EvaluateReconstruction(batch_size=CLIPS_AT_ONCE, bootstrap=RESAMPLES, seed=seed)
    reconstructions = score(tokenizer, store, CLIPS_AT_ONCE, scorers, chosen, device=device, watch=watch)
    records = summarise(reconstructions, store, drawn, scorers, chosen)
    records |= {distance.name: of_files(records[distance.name], clips, distance) for distance in chosen}
    facts = {"name": tokenizer.name, "fingerprint": tokenizer.fingerprint, "parameters": tokenizer.parameter_count}
    return {
        "tokenizer": facts | {"frames": clips.frames, "size": clips.size} | clip_size(tokenizer, reconstructions),
        "clips": {"files": len(clips), "fingerprint": clips.fingerprint},
        "metrics": {
            name: entry | {"split": "files given", "protocol": entry["protocol"] | skipped_count(clips)}
            for name, entry in records.items()
        },
        "left_out": [entry.as_json() for entry in skipped + missing if wanted is None or _named(entry.metric, wanted)],
        "skipped_files": [str(file.path) for file in clips.skipped],
    }


def _named(record: str, wanted: Collection[str]) -> bool:
    """Whether the metric of a record's key is among these names."""
    metric = metric_of(record)
    return record in wanted or (metric is not None and metric.name in wanted)


def _too_few(judge: Judge | None) -> list[Skipped]:
    names = ("frechet_video/judge", "frechet_image/judge") if judge else ()
    return [Skipped(name, "video", "a Frechet distance needs at least 2 files") for name in names]
