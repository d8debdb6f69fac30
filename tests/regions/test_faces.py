"""Face similarity, with a small network that RapidOCR's wheel ships: pictures -> 2 features."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sweettok.errors import InputError
from sweettok.regions.faces import open_faces
from sweettok.regions.measures import Region
from sweettok.storage import sha256_of

ocr = pytest.importorskip("rapidocr_onnxruntime")
NETWORK = Path(ocr.__file__).parent / "models" / "ch_ppocr_mobile_v2.0_cls_infer.onnx"


@pytest.mark.parametrize("listed", [True, False])
def test_only_what_is_in_the_boxes_counts(listed):
    clip = torch.rand(1, 3, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    below = torch.cat([clip[..., :32, :], -clip[..., 32:, :]], dim=3)
    faces = [Region(np.array([edges]), 32, "") for edges in ([0, 0, 64, 32], [64, 0, 64, 32])]  # one is cropped away
    measure = open_faces(str(NETWORK), sha256_of(NETWORK), {hash(clip[0].numpy().tobytes()): faces} if listed else None)
    for made, alike in ((clip, True), (below, listed)):
        found = measure.records(measure.scorer.compute(clip, made).numpy(), 0)["face/similarity"]
        assert found["n"] == 1 and (found["value"] == pytest.approx(1, abs=1e-6)) == alike
        assert found["protocol"]["by_height"][0]["height"] == (32 if listed else 64)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("absent.onnx", "absent.onnx does not exist"),
        ("config.yaml", "config.yaml is no ONNX file"),
        ("models/ch_PP-OCRv4_rec_infer.onnx", r"does not take \(1, 3, 112, 112\)"),  # but pictures of another height
    ],
)
def test_other_files(name, named):
    path, clip = NETWORK.parents[1] / name, torch.zeros(1, 3, 1, 8, 8)
    with pytest.raises(InputError, match=named):
        open_faces(str(path), sha256_of(path) if path.exists() else None, None).scorer.compute(clip, clip)
