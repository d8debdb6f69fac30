"""Face similarity, TokBench's F-Sim: the cosine of a face's embeddings before and after, by a network that the user names."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.errors import InputError, first_line
from sweettok.regions.measures import RegionMeasure, Regions, Shown
from sweettok.tokenizers.checkpoints import checked_file
from sweettok.video.store import to_float

SIZE = (112, 112)  # pixels of a face as the network takes it, those of ArcFace


def open_faces(path: str, sha256: str | None, faces: Regions | None) -> RegionMeasure:
    """path: ONNX, such as ArcFace: RGB (N, 3, 112, 112) in [-1, 1] -> features (N, ...). faces: of each clip, cut out and
    resized; None: whole frames. Raises InputError: absent, no or another sha256, not such a network."""
    from onnxruntime import InferenceSession

    file = str(checked_file(path, sha256))
    try:
        session = InferenceSession(file, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise InputError(f"{file} is no ONNX file ({first_line(error, 200)}); get it again") from error

    def embedded(frame: np.ndarray, boxes: list[np.ndarray]) -> Tensor:
        cut = [to_float(frame[None, None, top:bottom, left:right])[:, :, 0] for left, top, right, bottom in boxes]
        resized = [F.interpolate(face, SIZE, mode="bilinear", antialias=True, align_corners=False) for face in cut]
        pictures = torch.cat(resized).numpy()
        try:
            (features, *_) = session.run(None, {session.get_inputs()[0].name: pictures})
        except Exception as error:
            raise InputError(f"{file} does not take {pictures.shape}: {first_line(error, 99)}; name another") from error
        return F.normalize(torch.from_numpy(features).flatten(1))

    def compare(frame: np.ndarray, made: np.ndarray, shown: Shown | None) -> list[tuple[float, ...]]:
        whole = np.array([0, 0, *frame.shape[1::-1]])
        rounded = [whole] if shown is None else [box.round().astype(int) for _, box in shown]
        boxes = [box for box in rounded if (box[2:] > box[:2]).all()]  # cropping may leave nothing of one
        if not boxes:
            return []
        cosines = (embedded(frame, boxes) * embedded(made, boxes)).sum(dim=1).tolist()
        return [(float(box[3] - box[1]), True, cosine) for box, cosine in zip(boxes, cosines, strict=True)]

    facts = {"weights_sha256": sha256, "faces": "listed" if faces else "whole frames"}
    return RegionMeasure("face", ("similarity",), compare, faces, facts)
