"""What long work shows on a terminal and in a file. Time is tqdm's, which the tests move."""

import io
import sys

import pytest

from sweettok.progress import MINUTE, progress


@pytest.fixture
def clock(monkeypatch):
    """A list whose only entry is the time that tqdm sees; its monitor thread stays away."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    return now


@pytest.fixture
def shown(monkeypatch):
    """terminal -> the stream that standard error is now."""

    def make(terminal):
        stream = io.StringIO()
        stream.isatty = lambda: terminal
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return make


def work(bar, clock, steps, seconds):
    for _ in range(steps):
        clock[0] += seconds
        bar.update()
    bar.close()


def test_a_file_gets_a_line_a_minute(clock, shown):
    stream = shown(False)
    work(progress(name="joint", total=300, unit="step"), clock, 300, seconds=1)
    text = stream.getvalue()
    lines = text.splitlines()
    assert "\r" not in text and "\n\n" not in text
    assert len(lines) in (6, 7)  # at the start, after 1 to 4 minutes, at the end, maybe twice
    assert lines[1].startswith("joint: 60 of 300 (20 %), 1.00step/s, 04:00 left") and "300 of 300 (100 %)" in lines[-1]


def test_values_stand_at_the_end_of_a_line(clock, shown):
    stream = shown(False)
    bar = progress(name="joint", total=2, unit="step")
    bar.set_postfix({"loss": "0.5"}, refresh=False)
    work(bar, clock, 2, seconds=1)
    assert stream.getvalue().splitlines()[-1].endswith("left, loss=0.5")


def test_short_work_may_be_silent_in_a_file(clock, shown):
    stream = shown(False)
    work(progress(name="encode", total=3, delay=MINUTE), clock, 3, seconds=5)
    assert stream.getvalue() == ""
    work(progress(name="encode", total=3, delay=MINUTE), clock, 3, seconds=50)
    assert stream.getvalue().splitlines()[-1].startswith("encode: 3 of 3")


def test_without_a_known_end_it_counts(clock, shown):
    stream = shown(False)
    for _ in progress(iter("abc"), "prepare", unit="clip"):
        clock[0] += 1
    assert stream.getvalue().splitlines()[-1].startswith("prepare: 3, ") and "left" not in stream.getvalue()


def test_a_terminal_gets_a_bar(clock, shown):
    stream = shown(True)
    work(progress(name="joint", total=3, unit="step", delay=MINUTE), clock, 3, seconds=2)
    assert "\rjoint: 100%|" in stream.getvalue()
