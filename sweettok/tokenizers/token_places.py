"""Where a clip's tokens lie, which the report shows over the clip's frames."""

import math
from typing import Any

import numpy as np

from sweettok.models.tokenizer import VideoTokenizer


def token_places(model: VideoTokenizer) -> dict[str, Any]:
    """The same for all clips of the model.

    frames: of each latent frame the clip's first frame in it, and the one after its last. groups: token group -> its
    square grids in the order of its tokens: side, and latent_frames, those that the grid stands for.
    """
    step, latent = model.patches.temporal, model.latent_frames(model.frames)
    frames = [[0, 1], *([1 + step * time, 1 + step * (time + 1)] for time in range(latent - 1))]
    groups = {}
    for group, tokens in model.groups.items():
        times, grids = range(1) if group == "spatial" else range(1, latent), model.token_frames[group]
        side = math.isqrt(tokens // grids)
        groups[group] = [{"side": side, "latent_frames": part.tolist()} for part in np.array_split(times, grids)]
    return {"frames": frames, "groups": groups}
