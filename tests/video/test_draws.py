"""Seeded draws: uniform, independent of order and of other names."""

import numpy as np

from sweettok.video.draws import draw, shuffled


def test_draws_are_uniform_and_depend_on_seed_and_names():
    values = np.array([draw(0, "crop", str(number)) for number in range(4000)])
    assert values.min() >= 0 and values.max() < 1
    assert np.abs(np.histogram(values, 10, (0, 1))[0] - 400).max() < 100
    assert len({draw(seed, *names) for seed in (0, 1) for names in (("a", "b"), ("ab",), ("b", "a"))}) == 6


def test_order_does_not_depend_on_the_names_order_or_on_others():
    names = [f"clip{number}" for number in range(50)]
    order = shuffled(names, 3, "files")
    assert sorted(order) == sorted(names) and order != names
    assert shuffled(reversed(names), 3, "files") == order
    assert [name for name in order if name != "clip7"] == shuffled([n for n in names if n != "clip7"], 3, "files")
    assert shuffled(names, 4, "files") != order
