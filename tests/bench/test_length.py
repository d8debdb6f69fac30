"""Quality against length of the trained default model, where one lies in outputs/pixels: sprites that go on moving."""

from pathlib import Path

import numpy as np
import pytest
from bench.length import psnr_by_length

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import load_params
from sweettok.video.sprites import draw_sprite
from sweettok.video.store import to_float

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODEL = ROOT / "outputs" / "pixels"
LENGTHS, OVERLAPS, CLIPS = [9, 17, 33, 65, 129], [0, 4], 32


@pytest.mark.skipif(not (MODEL / "config.json").exists(), reason="no trained model in outputs/pixels")
def test_quality_by_length(benchmark):
    params = load_params(ROOT / "params.yaml")
    if params.data.name != "sprites":
        pytest.skip("only sprites can be drawn at any length")
    model = VideoTokenizer.load(MODEL)
    data = params.data.model_copy(update={"frames": max(LENGTHS)})
    clips = to_float(np.stack([draw_sprite(data, "test", index).frames for index in range(CLIPS)]))
    rows = benchmark.pedantic(psnr_by_length, (model, clips, LENGTHS, OVERLAPS), rounds=1)
    assert [row["frames"] for row in rows] == LENGTHS
    benchmark.extra_info.update(quality=rows, overlaps=OVERLAPS, clips=CLIPS, built_for=model.frames)
