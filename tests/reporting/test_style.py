"""Saved figures: the same bytes each time, vectors within their size."""

from pathlib import Path

import numpy as np
import pytest

from sweettok.reporting import style


def chart(points: int = 20):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.subplots().plot(np.random.default_rng(0).normal(size=points))
    return figure


def saved(tmp_path: Path, name: str, points: int = 20) -> Path | None:
    with style.shared_style():
        return style.save_vector(chart(points), tmp_path / f"{name}.png")


@pytest.mark.parametrize("limit", [300_000, 100])
def test_vectors_are_the_same_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int):
    monkeypatch.setattr(style, "LARGEST_SVG", limit)
    first, again = saved(tmp_path, "first"), saved(tmp_path, "again")
    assert first.suffix == again.suffix == (".svg" if limit > 100 else ".pdf")
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes().startswith(b"<?xml" if limit > 100 else b"%PDF")
    assert {path.suffix for path in tmp_path.iterdir()} == {first.suffix}


def test_a_picture_has_no_vector_form(tmp_path: Path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    figure.figimage(np.zeros((10, 10, 3), dtype=np.uint8))
    assert style.save_vector(figure, tmp_path / "a.png") is None
    assert not list(tmp_path.iterdir())
