"""Pictures of generated clips: which classes they show."""

import numpy as np
import pytest

from sweettok.reporting.pictures import FRAME_GAP, TILE, classes_in_words, sample_frames, sample_grid, shown_classes


def samples(labels, classes):
    """A clip of one grey a sample, as dark as its label says."""
    clips = np.zeros((len(labels), 3, 8, 8, 3), dtype=np.uint8) + np.array(labels, dtype=np.uint8)[:, *[None] * 4]
    return {"samples": clips, "labels": np.array(labels), "classes": np.array([f"game {n}" for n in range(classes)])}


def test_few_classes_are_all_shown():
    few = samples([2, 0, 1, 2], 3)
    assert shown_classes(few) == {0: "game 0", 1: "game 1", 2: "game 2"}
    assert classes_in_words(few) == "3 classes"


@pytest.mark.parametrize("sampled", [list(range(90)), [8 * n for n in range(12)]])
def test_of_many_classes_twelve_are_shown_evenly_spaced(sampled):
    many = samples(sampled, 90)
    shown = list(shown_classes(many))
    assert len(shown) == 12 and shown[0] == sampled[0] and shown[-1] == sampled[-1]
    assert {round(step / 8) for step in np.diff(shown)} == {1}
    assert classes_in_words(many) == "12 of 90 classes, evenly spaced in their list"
    names = [text.get_text() for text in sample_grid(many).texts if text.get_text().startswith("game")]
    assert names == [f"game {label}" for label in shown]
    frame = sample_frames(many)[0]
    columns = frame[TILE // 2, TILE // 2 :: TILE + FRAME_GAP, 0]
    assert columns.tolist() == shown


def test_classes_without_a_sample_are_not_shown():
    assert classes_in_words(samples([0, 1], 4)) == "2 of 4 classes"
