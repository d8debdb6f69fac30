"""Fingerprints of what params name outside the project: outputs/sources. Always runs, so that DVC sees it change."""

from pathlib import Path

from sweettok.errors import one_line
from sweettok.params import Params
from sweettok.sources import write_sources
from sweettok.stage import run_stage

FOLDER = Path("outputs/sources")


def body(params: Params) -> None:
    gone = write_sources(FOLDER / "data.json", params.data) + write_sources(FOLDER / "codebook.json", params.codebook)
    for source in gone:
        print(f"{one_line(source)} is not here now: what was prepared from it before is kept, changes are not seen")


if __name__ == "__main__":
    run_stage("list_sources", lambda params, _: body(params), tracked=False)
