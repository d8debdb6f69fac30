"""Clips of the configured data set -> the clip store outputs/data."""

from pathlib import Path

from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.prepare import prepare


def body(params: Params, run: Run) -> None:
    summary = prepare(params.data, Path("outputs/data"))
    print(summary)


if __name__ == "__main__":
    run_stage("prepare_data", body)
