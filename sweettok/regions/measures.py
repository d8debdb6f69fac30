"""Regions of clips, words or faces: where they are, and how they survive a tokenizer, by their height."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sweettok.api.comparison import FolderClips
from sweettok.errors import InputError
from sweettok.metrics.record import record
from sweettok.metrics.scorers import Scorer
from sweettok.metrics.statistics import ratio_interval
from sweettok.video.store import to_uint8

LABELS = "captions.jsonl"
FORM = '{"clip": "a.mp4", "words": [{"text": "SUN", "height": 12, "boxes": [[left, top, width, height], ...]}]}'
EDGES = (0, 5, 7, 9, 11, 14, 18, 22, 28, 40, 56, 80, 112, 160, 224)  # of heights in pixels: a table has a row for each
RESAMPLES = 1000


class Region(NamedTuple):
    """A region of a clip, in pixels. boxes: (T, 4) left, top, right, bottom; height: of a word's letters, else the box's."""

    boxes: np.ndarray
    height: float
    text: str


Regions = dict[int, list[Region]]  # hash of a clip's pixels -> what is on it: scorers are given nothing but pixels
Shown = list[tuple[Region, np.ndarray]]  # regions with their boxes in a frame


def regions_of(clips: FolderClips, folder: str | Path, kind: Literal["words", "faces"]) -> Regions | None:
    """What captions.jsonl lists of each clip; None: nothing of that kind. Raises InputError: another form, other files."""
    path, listed = Path(folder, LABELS), dict[str, list]()
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.is_file() else (), start=1):
        try:
            row = json.loads(line)
            for one in row.get(kind, ()):
                boxes = np.array(one["boxes"], np.float64).reshape(-1, 4)
                region = boxes, float(one.get("height", boxes[0, 3])), str(one.get("text", ""))
                listed.setdefault(row["clip"], []).append(region)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise InputError(f"{path}, line {number}: {error!r:.100}; a line is {FORM}") from error
    regions = Regions()
    for number, file in enumerate(clips.files if listed else ()):
        scale = clips.size / min(file.height, file.width)  # clips are resized by the shorter side, and cropped
        cut = (scale * np.array([file.width, file.height]) - clips.size) / 2
        here = regions[hash(clips.clips([number])[0].numpy().tobytes())] = []
        for boxes, height, text in listed.get(file.path.relative_to(folder).as_posix(), ()):
            box = scale * boxes[np.arange(clips.frames).clip(max=len(boxes) - 1)]  # the last one holds on
            edges = np.hstack([box[:, :2] - cut, box[:, :2] + box[:, 2:] - cut]).clip(0, clips.size)
            here.append(Region(edges, scale * height, text))
    if listed and not any(regions.values()):
        raise InputError(f"{path} lists {kind} of none of the clips; `clip` is a file's path in the folder")
    return regions or None


@dataclass(frozen=True)
class RegionMeasure:
    """What `evaluate` measures of regions; its records are called name/number. compare: a frame uint8 (H, W, 3), what a
    tokenizer makes of it, what is shown there (None: to be found) -> of each region height, whether it counts, numbers."""

    name: str
    numbers: tuple[str, ...]
    compare: Callable[[np.ndarray, np.ndarray, Shown | None], list[tuple[float, ...]]]
    regions: Regions | None
    facts: dict[str, Any]

    @property
    def scorer(self) -> Scorer:
        """Of each clip a table (heights, 3 + numbers): regions, those that count, the sums of their heights and numbers."""
        of_clips = (self.regions or {}).values()
        listed = [[(one.boxes.tolist(), one.height, one.text) for one in found] for found in of_clips]
        digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest() if any(listed) else None
        facts = self.facts | {"regions_sha256": digest}
        return Scorer(self.name, self.name, lambda a, b: torch.stack([*map(self._table, a.cpu(), b.cpu())]), facts)

    def _table(self, clip: Tensor, made: Tensor) -> Tensor:
        regions = None if self.regions is None else self.regions[hash(clip.numpy().tobytes())]
        table = torch.zeros(len(EDGES), 3 + len(self.numbers), dtype=torch.float64)
        before, after = (to_uint8(one[None])[0] for one in (clip, made))  # (T, H, W, 3)
        for frame in sorted({0, len(before) // 2, len(before) - 1}):
            shown = None if regions is None else [(region, region.boxes[frame]) for region in regions]
            for height, counts, *numbers in self.compare(before[frame], after[frame], shown):
                row = torch.tensor([1.0, *(counts * value for value in (1, height, *numbers))])
                table[np.searchsorted(EDGES, height, side="right") - 1] += row
        return table

    def records(self, tables: np.ndarray, seed: int, **facts: Any) -> dict[str, dict]:
        """A record of each number, of tables (clips, heights, 3 + numbers); none where no region counts.

        n is how many regions count; the interval is a bootstrap over the clips that have such.
        """
        heights, of_clips = tables.sum(axis=0), tables.sum(axis=1)
        (regions, n), of_clips = heights[:, :2].sum(axis=0).astype(int).tolist(), of_clips[of_clips[:, 1] > 0]
        if not (clips := len(of_clips)):
            return {}
        facts |= self.scorer.facts | {"regions": regions, "clips": clips}
        found = {}
        for column, name in enumerate((f"{self.name}/{number}" for number in self.numbers), start=3):
            rows = [(row[2] / row[1], int(row[1]), row[column] / row[1]) for row in heights.tolist() if row[1]]
            facts["by_height"] = [dict(zip(("height", "n", "value"), row, strict=True)) for row in rows]
            interval = ratio_interval(of_clips[:, column], of_clips[:, 1], RESAMPLES, seed)
            found[name] = record(heights[:, column].sum() / n, n, "files given", seed, interval, metric=name, **facts)
        return found
