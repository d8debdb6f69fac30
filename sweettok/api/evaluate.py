"""Any tokenizer on any folder of videos or images: the numbers of T1, each with its protocol."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from sweettok.api.comparison import FolderClips, files_of, long_enough
from sweettok.api.folder_metrics import RESAMPLES, distances_to, no_distances, of_files, skipped_count
from sweettok.api.frames import open_frames
from sweettok.errors import InputError
from sweettok.metrics.reconstruction import clip_size, score, summarise
from sweettok.metrics.registry import frechet_of, metric_of
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.params import EvaluateReconstruction, Metrics
from sweettok.tokenizers.base import ClipTokenizer

CLIPS_AT_ONCE = 16
TOO_FEW = "a Frechet distance needs at least 2 files"


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
    Raises InputError: nothing of it can be measured here, a tokenizer that breaks its protocol.
    """
    store: Any = clips  # has what a ClipStore is asked for
    scorers, skipped = open_scorers(judge, settings, clips.size, wanted)
    if wanted is not None:
        networks = tuple(name for name in settings.extractors if frechet_of(name).name in wanted)
        settings = settings.model_copy(update={"extractors": networks})
    distances, missing = (
        distances_to(clips, judge, settings) if len(clips) > 1 else ([], no_distances(settings, TOO_FEW))
    )
    chosen = [distance for distance in distances if _asked(distance.name, wanted)]
    left_out = [entry.as_json() for entry in skipped + missing if _asked(entry.metric, wanted)]
    if not (scorers or chosen):
        raise InputError("nothing can be measured: " + "; ".join(f"{one['metric']}: {one['why']}" for one in left_out))
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
        "left_out": left_out,
        "skipped_files": [str(file.path) for file in clips.skipped],
    }


def _asked(record: str, wanted: Collection[str] | None) -> bool:
    """Whether a record is of one of these metrics. On unverified weights it has a name of its own, and only what is wanted is
    opened."""
    metric = metric_of(record)
    return wanted is None or metric is None or metric.name in wanted
