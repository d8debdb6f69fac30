"""Evaluations that are stopped, resumed and shared give the numbers of an undisturbed one, in memory that stays flat."""

import gc
import multiprocessing
import weakref

import numpy as np
import pytest
import torch
from function_tokenizer import FunctionTokenizer

from sweettok.api import folder_metrics
from sweettok.api.comparison import FolderClips
from sweettok.api.evaluate import evaluate, open_clips, open_clips_under
from sweettok.api.parts import Parts
from sweettok.errors import InputError
from sweettok.metrics.protocol import preset
from sweettok.metrics.reconstruction import Piece
from sweettok.models.judge import Judge
from sweettok.params import Metrics

NONE = Metrics(extractors=[], perceptual=[], protocols=["own"], weights={}, sizes=[])
FILES, BATCH = 8, 2


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 2).eval().requires_grad_(False)
    judge.fingerprint = "f" * 64
    return judge


@pytest.fixture(scope="module")
def folder(scene, write_video, tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for number in range(FILES):
        write_video(folder / f"{number:02d}.mkv", scene(9, 16, 16, seed=number))
    return folder


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    for module in ("evaluate", "folder_metrics"):
        monkeypatch.setattr(f"sweettok.api.{module}.at_once", lambda frames, size: BATCH)


class Half(FunctionTokenizer):
    """Gives clips back at half their contrast; is interrupted in the batch `stop`."""

    def __init__(self, stop=None):
        super().__init__(self.halved, fingerprint="half")
        self.stop, self.batches = stop, 0

    def halved(self, clip):
        self.batches += 1
        if self.batches == self.stop:
            raise KeyboardInterrupt
        return clip * 0.5


def measured(tokenizer, clips, judge, parts=None):
    return evaluate(tokenizer, clips, judge, NONE, parts=parts)


@pytest.fixture(params=["own", "larp"])
def clips(request, folder):
    if request.param == "own":
        return open_clips(folder, 9, 16)
    return open_clips_under(folder, preset("larp"), 9, 16)


def test_a_stopped_evaluation_goes_on(clips, judge, tmp_path):
    expected = measured(Half(), clips, judge)
    assert {name.partition("@")[0] for name in expected["metrics"]} >= {"psnr", "ssim", "frechet_video/judge"}
    with pytest.raises(KeyboardInterrupt):
        measured(Half(stop=3), clips, judge, tmp_path / "parts")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) == 2
    rest = Half()
    assert measured(rest, clips, judge, tmp_path / "parts") == expected
    assert rest.batches == 2, "of four batches two were there"


def test_features_of_the_real_clips_are_kept_too(clips, judge, tmp_path, monkeypatch):
    """They are half of the work, with a progress bar of their own."""
    seen, bars, original = [], {}, folder_metrics.features_of

    def counted(*given):
        seen.append(1)
        return original(*given)

    def watch(name, numbers):
        bars[name] = len(numbers)
        return numbers

    monkeypatch.setattr(folder_metrics, "features_of", counted)
    found = [evaluate(Half(), clips, judge, NONE, watch=watch, parts=tmp_path / "parts")]
    once = len(seen)
    found.append(evaluate(Half(), clips, judge, NONE, parts=tmp_path / "parts"))
    assert found[0] == found[1] and len(seen) == once > 0
    assert bars["real clips, frechet_video/judge"] == bars["function"] == 4


def test_of_one_clip_there_is_no_interval(folder):
    clips = FolderClips(open_clips(folder, 9, 16).files[:1], 9, 16)
    assert evaluate(Half(), clips, None, NONE)["metrics"]["psnr"]["interval"] is None


def test_nothing_is_measured_that_nobody_asked_for(clips, judge, tmp_path):
    found = evaluate(Half(), clips, judge, NONE, {"psnr"}, parts=tmp_path / "parts")
    assert {name.partition("@")[0] for name in found["metrics"]} == {"psnr"} and not list((tmp_path / "parts").glob("real*"))


def test_batches_in_hand_elsewhere_are_waited_for(tmp_path):
    """Two processes at once measure each batch once, and both have all pieces."""
    context = multiprocessing.get_context("fork")
    log, barrier = context.Queue(), context.Barrier(2)

    def work():
        def measure(number):
            log.put(number)
            return Piece({"psnr": np.full(2, float(number))}, {}, {}, (1, 1))

        barrier.wait()
        found = Parts(tmp_path, {"tokenizer": "a"}).collect(range(20), measure, iter)
        log.put([piece.scores["psnr"].tolist() for piece in found])

    processes = [context.Process(target=work) for _ in range(2)]
    gc.freeze()  # a fork has none of torch's threads, and hangs when it frees tensors that other tests have left
    for process in processes:
        process.start()
    gc.unfreeze()
    results = [log.get(timeout=60) for _ in range(22)]
    for process in processes:
        process.join()
    numbers = sorted(one for one in results if isinstance(one, int))
    assert numbers == list(range(20))
    assert [one for one in results if isinstance(one, list)] == 2 * [[[number] * 2 for number in range(20)]]


def test_parts_of_something_else_are_refused(folder, judge, tmp_path):
    clips = open_clips(folder, 9, 16)
    measured(Half(), clips, judge, tmp_path / "parts")
    for other, named in ((FunctionTokenizer(lambda clip: clip), "tokenizer"), (Half(), "clips")):
        there = open_clips(folder, 9, 16) if named == "tokenizer" else open_clips(folder, 8, 16)
        with pytest.raises(InputError, match=f"another evaluation .it differs in: {named}.; give another"):
            measured(other, there, judge, tmp_path / "parts")
    (tmp_path / "parts" / "000001.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"000001\.safetensors is damaged; delete it"):
        measured(Half(), clips, judge, tmp_path / "parts")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file; name a folder"):
        measured(Half(), clips, judge, tmp_path / "file")


def test_memory_does_not_grow_with_the_folder(folder, judge, monkeypatch):
    """However many clips there are, those of one or two batches are alive."""
    alive: list[weakref.ref] = []
    most = 0
    read = FolderClips.clips

    def watched(self, rows):
        nonlocal most
        clips = read(self, rows)
        alive.append(weakref.ref(clips))
        gc.collect()
        most = max(most, sum(reference() is not None for reference in alive))
        return clips

    monkeypatch.setattr(FolderClips, "clips", watched)
    measured(Half(), open_clips(folder, 9, 16), judge)
    assert len(alive) > 4 and most <= 2
