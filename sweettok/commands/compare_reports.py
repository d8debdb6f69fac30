"""The verdicts of reports side by side: of two, which changed and whether one contradicts the other; of more, a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweettok.errors import InputError, counted
from sweettok.storage import read_json

DECIDED = ("supported", "contradicted", "equivalent")


def report_file(name: str | Path) -> Path | None:
    """The verdicts that a command line names: a claims.json or results.json, or a report's folder (of most profiles git has
    results.json alone); None: it names none of them."""
    path = Path(name)
    if path.suffix == ".json":
        return path
    return next((path / file for file in ("claims.json", "results.json") if (path / file).is_file()), None)


def read_claims(path: Path) -> list[dict[str, Any]]:
    """claim, table, unit, verdict, discovery of each claim in a claims.json, which has more, or a results.json. Raises InputError."""
    entries = read_json(path)
    if isinstance(entries, dict) and "verdicts" in entries:  # results.json
        entries = [_as_claim(one) for one in entries["verdicts"]]
    keys = {"claim", "verdict", "discovery"}
    if not isinstance(entries, list) or not all(isinstance(one, dict) and keys <= set(one) for one in entries):
        raise InputError(f"{path} holds no verdicts; give the claims.json or results.json of a report, or its folder")
    return entries


def _as_claim(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What claims.json says of an entry of results.json."""
    primary = entry["discovery"]["primary"]
    low, high = (primary and primary["interval"]) or (None, None)
    found = primary and {"estimate": primary["mean"], "low": low, "high": high, "seeds": primary["seeds"]}
    names = {"claim": entry["statement"], "table": entry["table"], "unit": entry["rule"]["unit"]}
    return names | {"verdict": entry["verdict"], "discovery": found or None}


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


def across_reports(reports: Mapping[str, Path]) -> list[dict[str, Any]]:
    """A row for each claim that at least one report tested: claim, unit, and by report's name {verdict, estimate, low, high, seeds}.

    Reports that did not test it are left out of its row. Raises InputError.
    """
    found = {name: _verdicts(path) for name, path in reports.items()}
    claims = dict.fromkeys(claim for verdicts in found.values() for claim in verdicts)
    return [
        {
            "claim": claim,
            "unit": next(verdicts[claim].get("unit") for verdicts in found.values() if claim in verdicts),
            "reports": {name: _side(verdicts[claim]) for name, verdicts in found.items() if claim in verdicts},
        }
        for claim in claims
    ]


def across_in_words(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A Markdown table, one column a report."""
    lines = [["claim", "unit", *names]]
    for row in rows:
        sides = row["reports"]
        lines.append([row["claim"], row["unit"], *(_line(sides[name]) if name in sides else "-" for name in names)])
    head, *body = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(lines[0]), *body])


def in_words(compared: Mapping[str, Any]) -> str:
    """A line a change, then how many verdicts repeat."""
    lines = [
        f"{'CONTRADICTION: ' if one['contradiction'] else ''}{one['claim']}: {_line(one['first'])} -> {_line(one['second'])}"
        for one in compared["changed"]
    ]
    counts = f"{counted(compared['claims'], 'claim')} in both; decided: {compared['decided']}, of which {compared['repeated']} repeat"
    return "\n".join([*lines, counts])


def _verdicts(path: Path) -> dict[str, dict[str, Any]]:
    """claim -> its entry, of those that were tested."""
    return {one["claim"]: one for one in read_claims(path) if one["verdict"] != "not run"}


def _side(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = entry["discovery"] or {}
    return {"verdict": entry["verdict"], **{name: found.get(name) for name in ("estimate", "low", "high", "seeds")}}


def _line(side: Mapping[str, Any]) -> str:
    interval = "" if side["low"] is None else f" [{side['low']:.3f}, {side['high']:.3f}]"
    estimate = "" if side["estimate"] is None else f" {side['estimate']:.3f}"
    return f"{side['verdict']}{estimate}{interval}"
