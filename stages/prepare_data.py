"""Clips of the configured data set -> the clip store outputs/data."""

import csv
from itertools import islice
from pathlib import Path

from sweettok.errors import counted, one_line
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.prepare import prepare

OUT = Path("outputs/data")


def body(params: Params, run: Run) -> None:
    summary = prepare(params.data, OUT)
    print(summary)
    if skipped := sum(summary.get("skipped", {}).values()):
        print(
            f"{counted(skipped, 'file')} skipped; outputs/data/skipped.csv names each with the reason, the first are:"
        )
        with open(OUT / "skipped.csv", newline="", encoding="utf-8") as file:
            for row in islice(csv.reader(file), 1, 11):
                print(one_line(", ".join(row)))


if __name__ == "__main__":
    run_stage("prepare_data", body)
