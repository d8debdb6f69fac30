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
    """Six clips, and their words."""
    folder = tmp_path_factory.mktemp("text") / "words"
    write_word_clips(folder, clips=6, frames=3, size=64, seed=0)
    clips = open_clips(folder, 3, 64)
    return clips.clips(range(6)), regions_of(clips, folder, "words")


def blurred(clips, factor):
    small = F.avg_pool3d(clips, (1, factor, factor))
    return F.interpolate(small, clips.shape[2:], mode="trilinear", align_corners=False)


@pytest.mark.parametrize("listed", [True, False])
def test_a_perfect_reconstruction_reads_alike_and_a_blur_does_not(words, listed):
    clips, regions = words
    measure = open_text(regions if listed else None)
    perfect, soft = (
        measure.records(measure.scorer.compute(clips, made).numpy(), 0) for made in (clips, blurred(clips, 8))
    )
    assert {name: entry["value"] for name, entry in perfect.items()} == {"text/accuracy": 1, "text/edit_similarity": 1}
    assert soft["text/accuracy"]["value"] < 0.5 and soft["text/edit_similarity"]["value"] < 0.7
    facts = perfect["text/accuracy"]["protocol"]
    assert facts["words"] == ("listed" if listed else "by OCR") and facts["ocr"].startswith("rapidocr_onnxruntime 1.")
    assert perfect["text/accuracy"]["n"] == soft["text/accuracy"]["n"] >= 9 and (not listed or facts["regions"] == 18)


def test_a_word_that_ocr_does_not_read_on_the_original_does_not_count(words):
    clips, regions = words
    measure = open_text(regions)
    wrong = open_text({clip: [one._replace(text="WRONG") for one in found] for clip, found in regions.items()})
    assert wrong.records(wrong.scorer.compute(clips, clips).numpy(), 0) == {}
    assert (
        measure.records(measure.scorer.compute(clips, torch.zeros_like(clips)).numpy(), 0)["text/accuracy"]["value"]
        == 0
    )
