"""The verdicts of two reports side by side: which changed, and whether one contradicts the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweettok.errors import InputError
from sweettok.storage import read_json

DECIDED = ("supported", "contradicted", "equivalent")


def report_file(name: str) -> Path | None:
    """The verdicts that a command line names: a claims.json, or a report's folder; None: it names neither."""
    path = Path(name)
    if path.suffix == ".json":
        return path
    return path / "claims.json" if (path / "claims.json").is_file() else None


def changed_verdicts(first: Path, second: Path) -> dict[str, Any]:
    """Of the claims that both reports tested: claims, decided (in the first), repeated (of these, in the second), changed.

    changed: {claim, first, second, contradiction}, each side {verdict, estimate, low, high, seeds}. Raises InputError.
    """
    ours, theirs = (_verdicts(path) for path in (first, second))
    both = [claim for claim in ours if claim in theirs]
    decided = [claim for claim in both if ours[claim]["verdict"] in DECIDED]
    changed = [claim for claim in both if ours[claim]["verdict"] != theirs[claim]["verdict"]]
    return {
        "claims": len(both),
        "decided": len(decided),
        "repeated": sum(claim not in changed for claim in decided),
        "changed": [
            {"claim": claim, "first": _side(ours[claim]), "second": _side(theirs[claim]),
             "contradiction": {ours[claim]["verdict"], theirs[claim]["verdict"]} == {"supported", "contradicted"}}
            for claim in changed
        ],
    }  # fmt: skip


def in_words(compared: Mapping[str, Any]) -> str:
    """A line a change, then how many verdicts repeat."""
    lines = [
        f"{'CONTRADICTION: ' if one['contradiction'] else ''}{one['claim']}: {_line(one['first'])} -> {_line(one['second'])}"
        for one in compared["changed"]
    ]
    counts = (
        f"{compared['claims']} claims in both; {compared['repeated']} of {compared['decided']} decided verdicts repeat"
    )
    return "\n".join([*lines, counts])


def _verdicts(path: Path) -> dict[str, dict[str, Any]]:
    """claim -> its entry, of those that were tested."""
    entries = read_json(path)
    keys = {"claim", "verdict", "discovery"}
    if not isinstance(entries, list) or not all(isinstance(one, dict) and keys <= set(one) for one in entries):
        raise InputError(f"{path} is no list of verdicts; give the claims.json of a report, or its folder")
    return {one["claim"]: one for one in entries if one["verdict"] != "not run"}


def _side(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = entry["discovery"] or {}
    return {"verdict": entry["verdict"], **{name: found.get(name) for name in ("estimate", "low", "high", "seeds")}}


def _line(side: Mapping[str, Any]) -> str:
    interval = "" if side["low"] is None else f" [{side['low']:.3f}, {side['high']:.3f}]"
    return f"{side['verdict']} {side['estimate']:.3f}{interval}"
