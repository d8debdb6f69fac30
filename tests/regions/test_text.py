"""Text fidelity, by the real OCR."""

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("rapidocr_onnxruntime")

from sweettok.api.evaluate import open_clips
from sweettok.regions.measures import regions_of
from sweettok.regions.moving_words import write_word_clips
from sweettok.regions.text import open_text


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Clips (4, 3, 3, 64, 64), and their words."""
    folder = tmp_path_factory.mktemp("text") / "words"
    write_word_clips(folder, clips=4, frames=3, size=64, seed=0)
    clips = open_clips(folder, 3, 64)
    return clips.clips(range(4)), regions_of(clips, folder, "words")


def measured(regions, clips, made):
    measure = open_text(regions)
    return measure.records(measure.scorer.compute(clips, made).numpy(), 0)


@pytest.mark.parametrize("listed", [True, False])
def test_a_perfect_reconstruction_reads_alike_and_a_blur_does_not(words, listed):
    clips, regions = words[0], words[1] if listed else None
    blurred = F.interpolate(F.avg_pool3d(clips, (1, 8, 8)), clips.shape[2:], mode="trilinear", align_corners=False)
    perfect, soft = (measured(regions, clips, made) for made in (clips, blurred))
    assert [entry["value"] for entry in perfect.values()] == [1, 1]
    assert soft["text/accuracy"]["value"] < 0.5 and soft["text/edit_similarity"]["value"] < 0.7
    assert perfect["text/accuracy"]["n"] == soft["text/accuracy"]["n"] >= 6
    facts = perfect["text/accuracy"]["protocol"]
    assert facts["words"] == ("listed" if listed else "by OCR") and (not listed or facts["regions"] == 12)


def test_a_word_that_ocr_does_not_read_on_the_original_does_not_count(words):
    clips, regions = words
    others = {clip: [one._replace(text="OTHER") for one in found] for clip, found in regions.items()}
    assert measured(others, clips, clips) == {}
    assert measured(regions, clips, torch.zeros_like(clips))["text/accuracy"]["value"] == 0
