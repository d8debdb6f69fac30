"""How numbers were measured, in words, and what a summary says was skipped."""

from collections.abc import Collection, Mapping
from typing import Any

SHOWN_BESIDE = ("by_factor", "curve", "accuracy", "real", "chance", "says_nothing")  # in columns or remarks


def describe(record: Mapping[str, Any]) -> str:
    """A record without its value, in words: "n = 256, split test, seed 0, extractor judge, ..."."""
    details = [f"n = {record['n']}", f"split {record['split']}"]
    details += [f"seed {record['seed']}"] if record["seed"] is not None else []
    known = {key: value for key, value in sorted(record["protocol"].items()) if key not in SHOWN_BESIDE}
    return ", ".join(details + [f"{key} {_brief(value)}" for key, value in known.items()])


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return _protocol(value)
    text = str(value)
    is_digest = len(text) == 64 and not set(text) - set("0123456789abcdef")
    return text[:12] if is_digest else text


def _protocol(fields: Mapping[str, Any]) -> str:
    """A Frechet protocol by name; a published one with all its fields (`own` is what the record says anyway)."""
    if fields["name"] == "own":
        return "own"
    shown = {"clips": "all"} | {key: value for key, value in fields.items() if key != "name" and value is not None}
    return f"{fields['name']} ({', '.join(f'{key} {value}' for key, value in shown.items())})"


def skipped_notes(summary: Mapping[str, Any] | None, kinds: Collection[str]) -> tuple[str, ...]:
    """A line for each metric that params ask for and the run went on without. kinds: "video", "image"."""
    entries = (summary or {}).get("left_out", [])
    return tuple(f"Left out: {entry['metric']}: {entry['why']}." for entry in entries if entry["kind"] in kinds)
