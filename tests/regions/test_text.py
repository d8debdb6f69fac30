"""Text fidelity, by the real OCR."""

import pytest
import torch.nn.functional as F

pytest.importorskip("rapidocr_onnxruntime")

from sweettok.api.evaluate import open_clips
from sweettok.regions.measures import regions_of
from sweettok.regions.moving_words import write_word_clips
from sweettok.regions.text import open_text


@pytest.mark.parametrize("listed", [True, False])
def test_a_perfect_reconstruction_reads_alike_and_a_blur_does_not(tmp_path, listed):
    write_word_clips(tmp_path / "words", clips=4, frames=3, size=64, seed=0)
    folder = open_clips(tmp_path / "words", 3, 64)
    clips, regions = folder.clips(range(4)), regions_of(folder, tmp_path / "words", "words")
    blurred = F.interpolate(F.avg_pool3d(clips, (1, 8, 8)), clips.shape[2:], mode="trilinear", align_corners=False)
    measure = open_text(regions if listed else None)
    perfect, soft = (measure.records(measure.scorer.compute(clips, made).numpy(), 0) for made in (clips, blurred))
    assert [entry["value"] for entry in perfect.values()] == [1, 1]
    assert soft["text/accuracy"]["value"] < 0.5 and soft["text/edit_similarity"]["value"] < 0.7
    assert perfect["text/accuracy"]["n"] == soft["text/accuracy"]["n"] >= 6
    if listed:  # what OCR does not read on the original does not count
        assert perfect["text/accuracy"]["protocol"]["regions"] == 12
        other = open_text({clip: [one._replace(text="OTHER") for one in found] for clip, found in regions.items()})
        assert other.records(other.scorer.compute(clips, clips).numpy(), 0) == {}
