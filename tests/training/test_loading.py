"""Which clips a process reads, and that reading ahead changes nothing."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from number_datasets import Broken, Noted, Parents, Squares

from sweettok.errors import InputError
from sweettok.training import loading
from sweettok.training.loading import ClipDataset, micro_batches, prefetched
from sweettok.video.store import to_float

CPU = torch.device("cpu")
TESTS = Path(__file__).parents[1]
PATIENCE = 60  # seconds until what should happen counts as not happening


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("frames, shown", [(None, 9), (1, 1), (0, 0)])
def test_clips_with_what_is_known_of_them(stores, frames, shown):
    """Here, and where a worker opens the store anew."""
    store = stores["val"]
    numbers = torch.arange(len(store)) * 10
    dataset = ClipDataset(store, {"number": numbers}, frames)
    indices = torch.tensor([3, 1])
    sent = pickle.dumps(dataset)
    assert len(sent) < 2000
    for each in (dataset, pickle.loads(sent)):
        batch = each[indices]
        assert batch["indices"] is indices and batch["number"].tolist() == [30, 10]
        if shown:
            assert batch["pixels"].is_contiguous()
            assert torch.equal(to_float(batch["pixels"]), store.clips(indices)[:, :, :shown])
        else:
            assert "pixels" not in batch


@pytest.mark.parametrize("processes, accumulate", [(1, 1), (2, 1), (1, 3), (2, 3), (4, 3)])
def test_the_shares_of_all_processes_are_the_batch(processes, accumulate):
    batches = [torch.arange(12), torch.arange(12, 24).flip(0)]
    shares = [list(micro_batches(batches, accumulate, rank, processes)) for rank in range(processes)]
    assert all(len(share) == 2 * accumulate for share in shares)
    assert all(len(part) == 12 // processes // accumulate for share in shares for part in share)
    for number, batch in enumerate(batches):
        theirs = [torch.cat(share[number * accumulate : (number + 1) * accumulate]) for share in shares]
        assert torch.equal(torch.cat(theirs), batch)


@pytest.mark.parametrize("processes, accumulate", [(5, 1), (1, 5), (4, 2)])
def test_a_batch_that_cannot_be_shared_out_equally(processes, accumulate):
    with pytest.raises(
        InputError, match=rf"batch_size 12 .*{processes} .*{accumulate} .*machine\.processes"
    ) as refused:
        list(micro_batches([torch.arange(12)], accumulate, 0, processes))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_and_as_they_were_read(workers):
    parts = [torch.tensor([3, 1]), torch.tensor([2, 2]), torch.tensor([0, 5])]
    found = list(prefetched(Squares(), parts, CPU, workers))
    assert [batch["indices"].tolist() for batch in found] == [[3, 1], [2, 2], [0, 5]]
    assert [batch["square"].tolist() for batch in found] == [[9, 1], [4, 4], [0, 25]]


@pytest.mark.parametrize("workers", [0, 1])
def test_reading_draws_nothing(workers):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(prefetched(Squares(), [torch.arange(2)], CPU, workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_without_workers_nothing_is_read_before_it_is_needed(tmp_path):
    batches = prefetched(Noted(tmp_path), iter([torch.tensor([1]), torch.tensor([2])]), CPU, 0)
    assert not list(tmp_path.iterdir())
    next(batches)
    assert [note.name for note in tmp_path.iterdir()] == ["1"]


def test_workers_read_ahead_of_the_step(tmp_path):
    """The second part is read although only the first has been asked for."""
    batches = prefetched(Noted(tmp_path), [torch.tensor([number]) for number in range(3)], CPU, 1)
    assert next(batches)["indices"].tolist() == [0]
    assert wait_until((tmp_path / "1").exists)


def test_workers_are_no_forks_of_a_process_with_threads():
    """All are of one other process, which so imports torch once, in this training and in the next."""
    parts = [torch.arange(1)] * 4
    found = {int(batch["parent"]) for _ in range(2) for batch in prefetched(Parents(), parts, CPU, 2)}
    assert len(found) == 1 and found != {os.getpid()}
    assert psutil.Process(*found).num_threads() == 1


def test_workers_do_not_outlive_a_killed_training(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "run.py").write_text(
        "import torch\n"
        "from number_datasets import Noted\n"
        "from sweettok.training.loading import prefetched\n"
        "if __name__ == '__main__':\n"
        "    parts = [torch.tensor([number]) for number in range(100)]\n"
        f"    for batch in prefetched(Noted({str(tmp_path / 'notes')!r}, 1), parts, torch.device('cpu'), 2): pass\n"
    )
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    training = subprocess.Popen([sys.executable, tmp_path / "run.py"], env=os.environ | {"PYTHONPATH": path})
    notes = [tmp_path / "notes" / name for name in "01"]
    assert wait_until(lambda: all(note.is_file() for note in notes))
    workers = [psutil.Process(int(note.read_text())) for note in notes]
    server = workers[0].parent()
    training.kill()
    training.wait()
    assert wait_until(lambda: not any(process.is_running() for process in (*workers, server)))


@pytest.mark.parametrize("device, pinned", [("cpu", False), ("cuda", True)])
def test_memory_is_pinned_where_the_device_copies_from_it(monkeypatch, device, pinned):
    asked = {}

    def loader(dataset, **settings):
        asked.update(settings)
        return iter([])

    monkeypatch.setattr(loading, "DataLoader", loader)
    assert list(prefetched(Squares(), [], torch.device(device), 3)) == []
    assert asked["pin_memory"] is pinned and asked["num_workers"] == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_while_reading_is_reported(workers):
    with pytest.raises(InputError, match="clips.npy"):
        list(prefetched(Broken(), [torch.arange(2)], CPU, workers))
