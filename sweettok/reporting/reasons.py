"""Why a verdict differs from the paper's: data, scale or method. Reports that differ in one of them can exclude it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweettok.storage import read_json

UNLIKE_THE_PAPER = ("contradicted", "equivalent")


@dataclass(frozen=True)
class Setting:
    """What a report was measured with. data: of its training clips; scale: frames and size, parameters and steps of a cell."""

    data: str
    scale: tuple[Any, ...]


def setting_of(results_file: Path) -> Setting | None:
    """From a report's results.json; None where it is not there or has neither clips nor ablation cells."""
    if not results_file.is_file():
        return None
    results = read_json(results_file)
    if not results.get("data") or not results.get("ablation"):
        return None
    train = results["data"]["splits"]["train"]
    variants = results["ablation"].values()
    cell = next(iter(next(iter(variants))["cells"].values()))
    return Setting(train["clips_sha256"], (*train["shape"][1:], cell.get("parameters"), cell.get("steps")))


def reasons(verdicts: Mapping[str, str], settings: Mapping[str, Setting | None]) -> dict[str, str] | None:
    """Of one claim: data, scale and method -> whether the reports exclude it as the reason for the first one's verdict.

    verdicts: report -> verdict, the first one's first. None where that agrees with the paper, or decides nothing.
    """
    (first, verdict), *others = verdicts.items()
    if verdict not in UNLIKE_THE_PAPER:
        return None
    found = {
        "data": "open: no report with other data decides it",
        "scale": "open: no report at another scale decides it",
    }
    for cause in found:
        unlike = [name for name, _ in others if _differ(settings.get(first), settings.get(name), cause)]
        same = [name for name in unlike if verdicts[name] == verdict]
        other = [name for name in unlike if verdicts[name] == "supported"]
        if other:
            found[cause] = f"possible: supported in {', '.join(other)}"
        elif same:
            found[cause] = f"excluded: the same in {', '.join(same)}"
    return found | {"method": "open: all reports here share one recipe (docs/recipe.md)"}


def reasons_in_words(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each claim that has reasons."""
    lines = []
    for row in rows:
        if row["reasons"]:
            verdict = next(iter(row["reports"].values()))["verdict"]
            found = "; ".join(f"{cause} {text}" for cause, text in row["reasons"].items())
            lines.append(f"- {row['claim']}: {verdict}. Reason: {found}.")
    return "\n".join(lines)


def _differ(first: Setting | None, second: Setting | None, cause: str) -> bool:
    return bool(first and second and getattr(first, cause) != getattr(second, cause))
