"""Regions by their labels, and what is counted of them."""

import json

import numpy as np
import pytest
import torch

from sweettok.api.evaluate import open_clips
from sweettok.errors import InputError
from sweettok.regions.measures import RegionMeasure, regions_of


@pytest.fixture
def folder(tmp_path, write_video, scene):
    """a.mkv of 3 frames 24 x 32, b.mkv; lines -> the folder with these in captions.jsonl."""
    write_video(tmp_path / "a.mkv", scene(3, 24, 32))
    write_video(tmp_path / "b.mkv", scene(4, 24, 32, seed=1))

    def labelled(*lines):
        (tmp_path / "captions.jsonl").write_text("\n".join(lines))
        return tmp_path

    return labelled


def test_boxes_follow_the_clip_that_is_made_of_a_file(folder):
    """Shorter side 24 -> 12: halved, and 2 pixels less on the left."""
    boxes = [[8, 4, 10, 6], [10, 4, 10, 6], [0, 0, 2, 6]]
    words = [{"text": "SUN", "height": 5, "boxes": boxes}, {"text": "SKY", "boxes": boxes[:1]}]
    path = folder(json.dumps({"clip": "a.mkv", "caption": "other fields are for others", "words": words}))
    clips = open_clips(path, 3, 12)
    one, other = (found := list(regions_of(clips, path, "words").values()))[0]
    assert one.boxes.tolist() == [[2, 2, 7, 5], [3, 2, 8, 5], [0, 0, 0, 3]] and (one.text, one.height) == ("SUN", 2.5)
    assert other.boxes.tolist() == [[2, 2, 7, 5]] * 3 and other.height == 3 and found[1] == []
    assert regions_of(clips, path, "faces") is None


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 1: JSONDecodeError"),
        ("[]", "line 1: AttributeError"),
        ('{"clip": "a.mkv", "words": [{"text": "SUN"}]}', "line 1: KeyError.*boxes"),
        ('{"clip": "a.mkv", "words": [{"boxes": [[1, 2, 3]]}]}', "line 1: ValueError"),
        ('{"clip": "a.mkv", "words": [{"boxes": []}]}', "line 1: IndexError"),
        ('{"words": [{"boxes": [[1, 2, 3, 4]]}]}', "line 1: KeyError.*clip"),
        ('{"clip": "c.mkv", "words": [{"boxes": [[1, 2, 3, 4]]}]}', "lists words of none of the clips"),
    ],
)
def test_labels_of_another_form(folder, line, named):
    path = folder(line)
    with pytest.raises(InputError, match=f"captions.jsonl.*{named}") as refused:
        regions_of(open_clips(path, 3, 12), path, "words")
    assert "\n" not in str(refused.value)


def measure(seen):
    """Of the clip with value v: regions seen[v] in each frame."""
    return RegionMeasure(
        "text", ("accuracy", "ease"), lambda frame, made, shown: seen[int(frame[0, 0, 0])], None, {"a": 1}
    )


def clips(*values):
    return torch.tensor(values).view(-1, 1, 1, 1, 1).expand(-1, 3, 1, 4, 4) / 127.5 - 1


def test_what_counts_is_averaged_over_regions_and_by_height():
    seen = {10: [(6.0, True, 1, 0.5), (12.5, True, 0, 0.0)], 20: [(12.0, True, 1, 1.0), (6.0, False, 1, 1.0)], 30: []}
    given = clips(10.0, 20.0, 30.0)
    tables = measure(seen).scorer.compute(given, given)
    assert tables.shape[0] == 3 and tables.dtype == torch.float64
    found = measure(seen).records(tables.numpy(), 0, frames=1)
    accuracy, ease = found["text/accuracy"], found["text/ease"]
    assert accuracy["value"] == pytest.approx(2 / 3) and ease["value"] == 0.5 and accuracy["n"] == 3
    assert accuracy["interval"] == [0.5, 1.0]  # of draws of either clip alone
    assert accuracy["protocol"].items() >= {"a": 1, "frames": 1, "regions": 4, "clips": 2}.items()
    assert ease["protocol"]["by_height"] == [
        {"height": 6.0, "n": 1, "value": 0.5},
        {"height": 12.25, "n": 2, "value": 0.5},
    ]
    assert json.dumps(found)


def test_where_nothing_counts_there_is_no_number():
    given = clips(10.0)
    tables = measure({10: [(6.0, False, 1, 1.0)]}).scorer.compute(given, given)
    assert measure({}).records(tables.numpy(), 0) == {} and tables.sum() == 1


def test_the_first_the_middle_and_the_last_frame_are_looked_at():
    looked = []
    given = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(1, 3, 5, 4, 4) / 127.5 - 1
    RegionMeasure("text", (), lambda frame, made, shown: looked.append(frame[0, 0, 0]) or [], None, {}).scorer.compute(
        given, given
    )
    assert np.array_equal(looked, [0, 2, 4])
