"""The parallel map: in order, lazy, bounded, and it stops."""

import threading
from itertools import count

import pytest

from sweettok.video.ordered_map import ordered_map, usable_cores


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order_whatever_finishes_first(workers):
    last_done = threading.Event()

    def slow_first(number):
        if number == 0 and workers > 1:
            last_done.wait(timeout=10)
        if number == 1:
            last_done.set()
        return number * number

    assert list(ordered_map(slow_first, range(20), workers)) == [number * number for number in range(20)]


def test_inputs_are_taken_only_a_little_ahead():
    taken = []

    def inputs():
        for number in count():
            taken.append(number)
            yield number

    results = ordered_map(lambda number: number, inputs(), 3)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + 2 * 3
    results.close()
    assert len(taken) <= 10 + 2 * 3


def test_an_error_comes_at_its_place():
    def fail(number):
        if number == 3:
            raise KeyError(number)
        return number

    results = ordered_map(fail, range(100), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)


def test_there_is_a_core():
    assert usable_cores() >= 1
