"""outputs/checkpoints: what `sweettok evaluate` and `sweettok metrics` wrote of checkpoints, as rows of T1, T2 and T3."""

import json
from pathlib import Path
from typing import Any

from sweettok.errors import InputError
from sweettok.metrics.record import is_record
from sweettok.metrics.registry import kind_of, title_of
from sweettok.reporting.table import CHECKPOINT, Content, Number, Row

KINDS = {"T1": ("video",), "T2": ("video", "image"), "T3": ("image",)}  # of metrics
OF_TOKENIZER, OF_SAMPLES = {"metrics", "folder", "tokenizer"}, {"metrics", "real", "generated"}


def read_checkpoints(folder: Path) -> dict[str, dict[str, Any]]:
    """Name of each .json file -> the result in it. Raises InputError (damaged, something else)."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_bytes())
            whole = result.keys() >= OF_TOKENIZER or result.keys() >= OF_SAMPLES
            whole = whole and all(map(is_record, result["metrics"].values()))
        except (ValueError, AttributeError):
            whole = False
        if not whole:
            writers = "`sweettok evaluate -o` or `sweettok metrics -o`"
            raise InputError(f"{path} is damaged, or not what {writers} writes; measure again, or move it away")
        found[path.stem] = result
    return found


def checkpoint_rows(results: dict[str, dict[str, Any]], table: str, sizes: tuple[str, ...] = ()) -> list[Row]:
    """Of T1 and T3 a row for each evaluated tokenizer, with these `sizes` of a clip; of T2 one for each folder of samples."""
    rows = []
    for name, result in results.items():
        records = {key: one for key, one in result["metrics"].items() if kind_of(key) in KINDS[table]}
        tokenizer: dict[str, Any] = result.get("tokenizer", {})
        if not records or bool(tokenizer) == (table == "T2"):
            continue
        if tokenizer:
            facts = {"folder": result["folder"], "tokenizer": tokenizer["name"], "sha256": tokenizer["fingerprint"]}
        else:
            facts = {"folder": result["real"], "samples": result["generated"]}
        ours: dict[str, Content] = {
            title_of(key): Number.of(one | {"protocol": one["protocol"] | facts}) for key, one in records.items()
        }
        ours |= {size: Number(tokenizer[size]) for size in sizes}
        rows.append(Row(name, ours, block=CHECKPOINT, data=facts["folder"]))
    return rows
