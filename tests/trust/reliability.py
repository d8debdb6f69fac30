"""`make reliability`: what the tests of trust have tried, from pytest's JUnit file -> reports/reliability.md.

python -m trust.reliability JUNIT.xml [JUNIT.xml ...] REPORT.md: of a test that was run again, the last run counts
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from scratch_project import ROOT

from sweettok.provenance import code_and_machine
from sweettok.storage import atomic_file

AREAS = {
    "test_interruption": "Interruption",
    "test_corruption": "Corruption",
    "test_memory": "Under load",
    "test_verify": "Repetition",
    "test_services": "Disk and services",
    "test_security": "Security",
    "test_audit": "Security",
    "test_params": "Params",
    "test_extremes": "Params",
}
# Tests elsewhere, whose names are sentences: each case is an attempt, each failure a loss.
ELSEWHERE = {
    "test_storage": "Disk and services",
    "test_tracking": "Disk and services",
    "test_divergence": "Corruption",
    "test_weights": "Security",
    "test_listing": "Security",
}


@dataclass(frozen=True)
class Trial:
    """A test that has counted: what it tried, how often, what was lost; None where it ended before it could count."""

    area: str
    what: str
    tried: int | None
    lost: int | None
    facts: str
    outcome: str  # passed, failed, skipped, or known: fails as it is expected to (xfail), for the reason given
    reason: str

    @property
    def result(self) -> str:
        """passed, or what went wrong and why, for an entry of a table."""
        said = {"known": "known defect", "failed": "**FAILED**"}.get(self.outcome, self.outcome)
        return f"{said}: {self.reason}" if self.reason else said


def trials(*junit: Path) -> list[Trial]:
    """The tests of JUnit files that record, in their order, then those `ELSEWHERE`; of all others only the failed."""
    cases = {
        (case.get("classname"), case.get("name")): case
        for path in junit
        for case in ElementTree.parse(path).iter("testcase")
    }
    found, elsewhere = [], {}
    for case in cases.values():
        noted = {entry.get("name"): entry.get("value", "") for entry in case.iter("property")}
        outcome, reason = _outcome(case)
        module = case.get("classname", "").rpartition(".")[2]
        if module in ELSEWHERE:
            elsewhere.setdefault((module, case.get("name", "").partition("[")[0]), []).append((outcome, reason))
            continue
        if "what" not in noted and outcome != "failed":
            continue
        counts = (int(noted[name]) if name in noted else None for name in ("tried", "lost"))
        what = noted.get("what") or case.get("name", "")
        found.append(Trial(AREAS.get(module, module), what, *counts, noted.get("facts", ""), outcome, reason))
    return [*found, *(_of_cases(module, test, cases) for (module, test), cases in elsewhere.items())]


def _of_cases(module: str, test: str, cases: list[tuple[str, str]]) -> Trial:
    what = test.removeprefix("test_").replace("_", " ").capitalize()
    failed = sum(outcome == "failed" for outcome, _ in cases)
    tried = sum(outcome != "skipped" for outcome, _ in cases)
    worst = next((case for case in cases if case[0] == "failed"), cases[0])
    return Trial(ELSEWHERE[module], what, tried, failed, "", *worst)


def _outcome(case: ElementTree.Element) -> tuple[str, str]:
    for kind in ("failure", "error"):
        if (entry := case.find(kind)) is not None:
            return "failed", entry.get("message", "").splitlines()[0][:200]
    if (entry := case.find("skipped")) is not None:
        return "known" if entry.get("type") == "pytest.xfail" else "skipped", entry.get("message", "")
    return "passed", ""


def markdown(found: list[Trial], machine: dict[str, str], when: str) -> str:
    """The report: the sums first, then a table for each area."""
    tried, lost = (sum(getattr(one, name) or 0 for one in found) for name in ("tried", "lost"))
    defects, failed = (sum(one.outcome == outcome for one in found) for outcome in ("known", "failed"))
    dirty = ", with uncommitted changes" if machine["git_dirty"] == "true" else ""
    lines = [
        "# Reliability",
        "",
        f"Written by `make reliability` from what the tests counted; nothing here is typed by hand. {when}, "
        f"commit {machine['git_commit'][:12]}{dirty}; {machine['machine.cpu']}, {machine['machine.cores']} cores, torch "
        f"{machine['machine.torch']}, Python {machine['machine.python']}.",
        "",
        f"**{tried:,} attempts, {lost:,} lost.** Tests: {len(found)}, failed {failed}, known defects {defects}. Lost is "
        "what was wrong, half-written, silently used or refused without naming the file; it must be 0.",
    ]
    for area in dict.fromkeys([*AREAS.values(), *(one.area for one in found)]):
        rows = [one for one in found if one.area == area]
        table = ["| tried | times | lost | result | counted |", "|---|--:|--:|---|---|", *map(_row, rows)]
        lines += ["", f"## {area}", "", *(table if rows else ["Not run for this report."])]
    return "\n".join(lines) + "\n"


def _row(one: Trial) -> str:
    counts = ("not counted" if count is None else f"{count:,}" for count in (one.tried, one.lost))
    entries = (one.what, *counts, one.result, one.facts)
    return "| " + " | ".join(" ".join(entry.replace("|", "\\|").split()) for entry in entries) + " |"


def main(*paths: str) -> int:
    """Write the report. Status 1 where anything failed, was lost, or nothing was tried."""
    *junit, report = map(Path, paths)
    found = trials(*junit)
    suite = next(ElementTree.parse(junit[-1]).iter("testsuite"))
    with atomic_file(report) as temporary:
        when = suite.get("timestamp", "")[:10]
        temporary.write_text(markdown(found, code_and_machine(ROOT), when), encoding="utf-8")
    bad = [one for one in found if one.outcome == "failed" or one.lost]
    print(f"{report}: {len(found)} tests, {len(bad)} of them failed or lost something")
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
