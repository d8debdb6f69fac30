"""Real clips, images and weights that some tests need and skip without: the folder of the profiles of real clips."""

import os
from pathlib import Path

SAMPLES = Path(os.environ.get("SWEETTOK_TEST_DATA", Path(__file__).parents[1] / "data")).resolve()
SQUEEZENET = SAMPLES / "weights" / "squeezenet1_0_imagenet.npz"


def why_skipped(path: Path) -> str:
    """For pytest.skip."""
    return f"{path} is not here (see SWEETTOK_TEST_DATA in CONTRIBUTING.md)"
