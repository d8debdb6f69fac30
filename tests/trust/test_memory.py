"""Under load: requests without growth, epochs of many tiny clips with flat memory, encoders side by side."""

import ctypes
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from sprite_data import sprites_data

from sweettok.params import SpritesData
from sweettok.training.loading import ClipDataset, prefetched
from sweettok.video import prepare as preparing
from sweettok.video.store import ClipStore, batches

ROOT = Path(__file__).parents[2]
MB = 1e6
REQUESTS = [150, pytest.param(1000, marks=pytest.mark.slow)]
SETTLED = 0.2  # of the requests; after them memory must have stopped growing
TOLERANCE = 4  # MB; one video of a request kept each time would be 40 MB
STORE_TOLERANCE = 4  # MB over two epochs; 10,000 clips kept as the floats of one epoch would be 8 MB
CLIPS = [10_000, pytest.param(100_000, marks=pytest.mark.slow)]
FRAMES, SIZE, BATCH = 4, 4, 100
EPOCHS = 3
ENCODERS = 8


def own_memory() -> float:
    """MB that this process alone has written.

    Pages of files, those of its libraries too, do not count: the kernel drops and reads them again as it likes, and they
    change from shared to own when another process that maps them ends.
    """
    gc.collect()
    process = psutil.Process()
    if not sys.platform.startswith("linux"):
        return process.memory_full_info().uss / MB
    ctypes.CDLL(None).malloc_trim(0)  # what was freed earlier must not hide what is taken now
    return sum(part.anonymous + part.swap for part in process.memory_maps()) / MB


def growth(request: Callable[[int], None], settled: int, requests: int) -> float:
    """MB by which own memory grows from the `settled`-th to the last request."""
    for number in range(settled):
        request(number)
    before = own_memory()
    for number in range(settled, requests):
        request(number)
    return own_memory() - before


def test_a_leak_would_be_seen():
    """The measure itself, with requests that keep what they read."""
    kept = []
    assert growth(lambda number: kept.append(np.ones(50_000, np.uint8)), 20, 120) > TOLERANCE


@pytest.mark.parametrize("requests", REQUESTS)
def test_requests_leave_nothing_behind(tok, scene, write_video, tmp_path, record, requests):
    """Tokenise requests in one process: clips, frames, an image, video files."""
    shots = [scene(20, 32, 48, seed=seed) for seed in range(2)]
    files = [write_video(tmp_path / f"{place}.mkv", shot) for place, shot in enumerate(shots)]
    ways = [
        lambda: tok.encode(torch.zeros(1, 3, 9, 16, 16)).tolist(),
        lambda: tok.encode(shots[0][:9]).tolist(),
        lambda: tok.encode(shots[1][0]).tolist(),
        lambda: tok.encode_video(files[0]).to_bytes(),
        lambda: [frame.tobytes() for frame in tok.decode_video(tok.encode_video(files[1]))],
    ]
    answers, wrong = [way() for way in ways], []

    def request(number: int) -> None:
        place = number % len(ways)
        if ways[place]() != answers[place]:
            wrong.append(number)

    grown = growth(request, int(SETTLED * requests), requests)
    record(requests, len(wrong), MB_grown_after_the_first_fifth=f"{grown:.2f}", MB_allowed=TOLERANCE)
    assert not wrong and grown < TOLERANCE


class Numbered:
    """A source of clips (4 x 4 x 4 pixels) that carry their number in their first pixels; the splits count on."""

    classes = ["even", "odd"]

    def __init__(self, data: SpritesData) -> None:
        counts = data.clips.model_dump()
        starts = np.cumsum([0, *counts.values()]).tolist()
        self.numbers = {
            split: range(start, start + counts[split]) for split, start in zip(counts, starts, strict=False)
        }

    def clips(self, split: str) -> Iterator[tuple[np.ndarray, dict[str, str | int]]]:
        for number in self.numbers[split]:
            frames = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
            frames.reshape(-1)[:4] = np.array([number], "<u4").view(np.uint8)
            name = self.classes[number % 2]
            yield frames, {"clip": f"c{number}", "class": name, "label": number % 2, "caption": f"a {name} number"}


def numbers_in(pixels: torch.Tensor) -> np.ndarray:
    """The numbers that clips (B, T, H, W, 3) of `Numbered` carry, int64 (B,)."""
    return pixels.flatten(1)[:, :4].numpy().copy().view("<u4")[:, 0].astype(np.int64)


@pytest.mark.parametrize("clips_per_shard", [None, 1000], ids=["array", "shards"])
@pytest.mark.parametrize("count", CLIPS)
def test_epochs_of_many_tiny_clips_take_no_more_memory(tmp_path, monkeypatch, record, count, clips_per_shard):
    """Three epochs of tiny clips, each clip once an epoch, with its own label."""
    monkeypatch.setitem(preparing.SOURCES, "sprites", Numbered)
    data = sprites_data((count, 1, 1), FRAMES, SIZE, motions=2, clips_per_shard=clips_per_shard)
    preparing.prepare(data, tmp_path / "data")
    store = ClipStore.open(tmp_path / "data", "train")
    seen, lost, memory = np.zeros(count, np.int64), 0, []
    dataset = ClipDataset(store, {"label": torch.tensor(store.labels["label"].to_numpy())})
    parts = batches(store, BATCH, EPOCHS * count // BATCH, seed=0)
    for step, batch in enumerate(prefetched(dataset, parts, torch.device("cpu"), workers=0), start=1):
        numbers = numbers_in(batch["pixels"])
        np.add.at(seen, numbers, 1)
        lost += int((batch["label"].numpy() != numbers % 2).sum())
        if step % (count // BATCH) == 0:
            lost += int((seen != step // (count // BATCH)).sum())
            memory.append(own_memory())
    grown = memory[-1] - memory[0]
    record(EPOCHS * count, lost, MB_grown_after_the_first_epoch=f"{grown:.2f}", MB_allowed=STORE_TOLERANCE)
    assert lost == 0 and len(memory) == EPOCHS and grown < STORE_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [ENCODERS, 1], ids=["a folder each", "one folder"])
def test_encoders_side_by_side(tok, scene, write_video, tmp_path, record, outputs):
    """8 `sweettok encode` processes at once on one folder of videos, writing to."""
    tok.save_pretrained(tmp_path / "model")
    whole = {}
    for number in range(40):
        path = write_video(tmp_path / "videos" / f"{number:02d}.mkv", scene(12, seed=number))
        whole[f"{number:02d}.swt"] = tok.encode_video(path).to_bytes()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    encoders = [
        subprocess.Popen(
            [sys.executable, "-m", "sweettok.cli", "encode", "videos", "--model", "model", "--device", "cpu", "--force",
             "-o", f"tokens{number % outputs}"],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(ENCODERS)
    ]  # fmt: skip
    errors = [encoder.communicate(timeout=600)[1] for encoder in encoders]
    failed = [error[-500:] for encoder, error in zip(encoders, errors, strict=True) if encoder.returncode]
    found = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("tokens*/*")}
    expected = {Path(f"tokens{place}") / name: content for place in range(outputs) for name, content in whole.items()}
    lost = sum(found.get(path) != content for path, content in expected.items()) + len(found.keys() - expected.keys())
    record(ENCODERS * len(whole), lost + len(failed), processes=ENCODERS, processes_that_failed=len(failed))
    assert not failed and lost == 0
