"""Text fidelity, TokBench's T-ACC and T-NED: whether OCR reads on a reconstruction what it reads on the original."""

from importlib.metadata import version

import numpy as np
import torch

from sweettok.regions.measures import RegionMeasure, Regions, Shown

MARGIN = 0.25  # around a listed box, as a share of the letters' height: recognisers are trained on boxes with some
SURE = 0.5  # least confidence of a reading that nothing confirms: RapidOCR's default


def open_text(words: Regions | None) -> RegionMeasure:
    """words: of each clip; None: lines that OCR finds. What counts is read as listed on the original, or else surely."""
    from rapidfuzz.distance import Levenshtein
    from rapidocr_onnxruntime import RapidOCR

    ocr = RapidOCR(intra_op_num_threads=torch.get_num_threads())

    def read(frame: np.ndarray, boxes: list[np.ndarray]) -> list[tuple[str, float]]:
        """The text in each box, corners (4, 2) clockwise from the upper left one, and how sure it is."""
        crops = ocr.get_crop_img_list(np.ascontiguousarray(frame[..., ::-1]), boxes)  # it wants blue first
        return [(text.strip(), float(sure)) for text, sure, *_ in ocr.text_rec(crops)[0]]

    def compare(frame: np.ndarray, made: np.ndarray, shown: Shown | None) -> list[tuple[float, ...]]:
        if shown is None:
            found, _ = ocr(frame[..., ::-1], use_det=True, use_cls=False, use_rec=False)
            boxes = [np.array(corners, np.float32) for corners in found or ()]
            known = [(float(np.linalg.norm(corners[3] - corners[0])), "") for corners in boxes]
        else:
            wide = [box + MARGIN * word.height * np.array([-1, -1, 1, 1]) for word, box in shown]
            boxes = [box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2).astype(np.float32) for box in wide]
            known = [(word.height, word.text) for word, _ in shown]
        seen = list[tuple[float, ...]]()
        readings = zip(known, read(frame, boxes), read(made, boxes), strict=True)
        for (height, text), (before, sure), (after, _) in readings:
            counts = before == text if text else before != "" and sure >= SURE
            seen.append((height, counts, before == after, Levenshtein.normalized_similarity(before, after)))
        return seen

    facts = {"ocr": f"rapidocr_onnxruntime {version('rapidocr_onnxruntime')}", "words": "listed" if words else "by OCR"}
    return RegionMeasure("text", ("accuracy", "edit_similarity"), compare, words, facts)
