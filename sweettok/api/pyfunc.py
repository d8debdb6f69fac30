"""An exported model as `mlflow.pyfunc.load_model("models:/sweettok/1")` gives it; its MLmodel names this module."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweettok.api.model import WINDOWS_AT_ONCE, SweetTok


class Encoder:
    """Frames of clips -> their tokens."""

    def __init__(self, tok: SweetTok) -> None:
        self.tok = tok

    def predict(self, clips: NDArray[np.uint8], params: dict[str, Any] | None = None) -> NDArray[np.int64]:
        """uint8 (N, T, H, W, 3) -> tokens int64 (N, tokens), spatial first; with composed words (N, tokens, 3).

        There are no params; MLflow passes some all the same. Raises ValueError where there is no clip, or as `SweetTok.encode`.
        """
        starts = range(0, len(clips), WINDOWS_AT_ONCE)
        return np.concatenate([self.tok.encode(clips[at : at + WINDOWS_AT_ONCE]).numpy() for at in starts])


def _load_pyfunc(folder: str | Path) -> Encoder:
    """MLflow's name for what opens a model."""
    return Encoder(SweetTok.from_pretrained(folder))
