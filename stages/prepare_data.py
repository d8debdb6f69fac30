"""Clips of the configured data set -> the clip store outputs/data."""

from pathlib import Path

from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.prepare import prepare

OUT = Path("outputs/data")


def body(params: Params, run: Run) -> None:
    summary = prepare(params.data, OUT)
    print(summary)
    if skipped := sum(summary.get("skipped", {}).values()):
        print(f"{skipped} files skipped; outputs/data/skipped.csv names each with the reason, the first are:")
        print("".join((OUT / "skipped.csv").read_text(encoding="utf-8").splitlines(keepends=True)[1:11]), end="")


if __name__ == "__main__":
    run_stage("prepare_data", body)
