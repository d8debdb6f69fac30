"""Which clips a process reads, and that reading ahead changes nothing."""

import multiprocessing
import time

import pytest
import torch

from sweettok.errors import InputError
from sweettok.training import loading
from sweettok.training.loading import micro_batches, prefetched

CPU = torch.device("cpu")


def read(indices):
    return {"indices": indices, "square": indices.double() ** 2}


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
    found = list(prefetched(read, parts, CPU, workers))
    assert [batch["indices"].tolist() for batch in found] == [[3, 1], [2, 2], [0, 5]]
    assert [batch["square"].tolist() for batch in found] == [[9, 1], [4, 4], [0, 25]]


@pytest.mark.parametrize("workers", [0, 1])
def test_reading_draws_nothing(workers):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(prefetched(read, [torch.arange(2)], CPU, workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_without_workers_nothing_is_read_before_it_is_needed():
    asked = []

    def watched(indices):
        asked.append(indices.tolist())
        return read(indices)

    batches = prefetched(watched, iter([torch.tensor([1]), torch.tensor([2])]), CPU, 0)
    assert asked == []
    next(batches)
    assert asked == [[1]]


def test_workers_read_ahead_of_the_step():
    """The second part is read although only the first has been asked for."""
    begun = multiprocessing.get_context().Value("i", 0)

    def counted(indices):
        with begun.get_lock():
            begun.value += 1
        return read(indices)

    batches = prefetched(counted, [torch.tensor([number]) for number in range(3)], CPU, 1)
    assert next(batches)["indices"].tolist() == [0]
    patience = time.monotonic() + 60
    while begun.value < 2 and time.monotonic() < patience:
        time.sleep(0.01)
    assert begun.value >= 2


@pytest.mark.parametrize("device, pinned", [("cpu", False), ("cuda", True)])
def test_memory_is_pinned_where_the_device_copies_from_it(monkeypatch, device, pinned):
    asked = {}

    def loader(dataset, **settings):
        asked.update(settings)
        return iter([])

    monkeypatch.setattr(loading, "DataLoader", loader)
    assert list(prefetched(read, [], torch.device(device), 3)) == []
    assert asked["pin_memory"] is pinned and asked["num_workers"] == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_while_reading_is_reported(workers):
    def broken(indices):
        raise InputError("clips.npy is damaged")

    with pytest.raises(InputError, match="clips.npy"):
        list(prefetched(broken, [torch.arange(2)], CPU, workers))
