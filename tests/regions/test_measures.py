"""Regions by their labels, and what is counted of them."""

import json

import pytest
import torch

from sweettok.api.evaluate import open_clips
from sweettok.errors import InputError
from sweettok.regions.measures import RegionMeasure, regions_of


@pytest.fixture
def found(tmp_path, write_video, scene):
    """Lines of captions.jsonl -> the regions of a.mkv and b.mkv, 24 x 32, as clips of 3 frames and 12 x 12."""
    for name in ("a.mkv", "b.mkv"):
        write_video(tmp_path / name, scene(3, 24, 32, seed=ord(name[0])))

    def find(line, kind="words"):
        (tmp_path / "captions.jsonl").write_text(line)
        return regions_of(open_clips(tmp_path, 3, 12), tmp_path, kind)

    return find


def test_boxes_follow_the_clip_that_is_made_of_a_file(found):
    """Half as large, and 2 pixels less on the left."""
    boxes = [[8, 4, 10, 6], [10, 4, 10, 6], [0, 0, 2, 6]]
    words = [{"text": "SUN", "height": 5, "boxes": boxes}, {"text": "SKY", "boxes": boxes[:1]}]
    line = json.dumps({"clip": "a.mkv", "caption": "others read this", "words": words})
    (one, other), none = found(line).values()
    assert one.boxes.tolist() == [[2, 2, 7, 5], [3, 2, 8, 5], [0, 0, 0, 3]] and (one.text, one.height) == ("SUN", 2.5)
    assert other.boxes.tolist() == [[2, 2, 7, 5]] * 3 and other.height == 3 and none == []
    assert found(line, "faces") is None


@pytest.mark.parametrize("changed", [{"height": 29}, {"text": "MOON"}, {"boxes": [[8, 4, 10, 7]]}, {"clip": "b.mkv"}])
def test_what_was_measured_of_other_labels_is_not_used_again(found, changed):
    """As `--parts` tells by the scorer's facts."""
    word = {"text": "SUN", "height": 5, "boxes": [[8, 4, 10, 6]]}
    hashes = set()
    for one in ({}, changed):
        line = json.dumps({"clip": one.get("clip", "a.mkv"), "words": [word | one]})
        hashes.add(RegionMeasure("text", (), lambda a, b, shown: [], found(line), {}).scorer.facts["regions_sha256"])
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 1: JSONDecodeError"),
        ('{"clip": "a.mkv", "words": [{"text": "SUN"}]}', "line 1: KeyError.*boxes"),
        ('{"clip": "a.mkv", "words": [{"boxes": [[1, 2, 3]]}]}', "line 1: ValueError"),
        ('{"words": [{"boxes": [[1, 2, 3, 4]]}]}', "line 1: KeyError.*clip"),
        ('{"clip": "c.mkv", "words": [{"boxes": [[1, 2, 3, 4]]}]}', "lists words of none of the clips"),
    ],
)
def test_labels_of_another_form(found, line, named):
    with pytest.raises(InputError, match=f"captions.jsonl.*{named}"):
        found(line)


def records(seen, *values, frames=1):
    """Of clips whose pixels are `values`; seen: of each value the regions in its frames."""
    clips = torch.tensor(values).view(-1, 1, 1, 1, 1).expand(-1, 3, frames, 4, 4) / 127.5 - 1
    measure = RegionMeasure("text", ("accuracy", "ease"), lambda a, b, shown: seen[int(a[0, 0, 0])], None, {"a": 1})
    return measure.records(measure.scorer.compute(clips, clips).numpy(), 0)


def test_what_counts_is_averaged_over_regions_and_by_height():
    seen = {10: [(6.0, True, 1, 0.5), (12.5, True, 0, 0.0)], 20: [(12.0, True, 1, 1.0), (6.0, False, 1, 1.0)], 30: []}
    accuracy, ease = records(seen, 10.0, 20.0, 30.0).values()
    assert accuracy["value"] == pytest.approx(2 / 3) and ease["value"] == 0.5 and accuracy["n"] == 3
    assert accuracy["interval"] == [0.5, 1.0]  # of draws of either clip alone
    assert accuracy["protocol"].items() >= {"a": 1, "regions": 4, "clips": 2}.items()
    assert [[*row.values()] for row in ease["protocol"]["by_height"]] == [[6, 1, 0.5], [12.25, 2, 0.5]]
    assert records(seen, 30.0) == {} and records(seen, 20.0, frames=17)["text/ease"]["n"] == 3  # of three frames
