"""Fingerprints of what params name outside the project, and of outputs/checkpoints. Always runs: DVC sees what changes."""

from pathlib import Path

from sweettok.errors import one_line
from sweettok.params import Params
from sweettok.sources import fingerprint, write_sources
from sweettok.stage import run_stage
from sweettok.storage import write_json

FOLDER, CHECKPOINTS = Path("outputs/sources"), Path("outputs/checkpoints")


def body(params: Params) -> None:
    gone = write_sources(FOLDER / "data.json", params.data) + write_sources(FOLDER / "codebook.json", params.codebook)
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    write_json(FOLDER / "checkpoints.json", fingerprint(CHECKPOINTS, "contents"))
    for source in gone:
        print(f"{one_line(source)} is not here now: what was prepared from it before is kept, changes are not seen")


if __name__ == "__main__":
    run_stage("list_sources", lambda params, _: body(params), tracked=False)
