"""The README includes the numbers and verdicts of the committed report, and is short."""

import re
from pathlib import Path

from sweettok.cli import main
from sweettok.reporting.readme import INCLUDED, with_included

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_numbers_and_verdicts_are_those_of_the_report():
    assert [found["path"] for found in INCLUDED.finditer(README)] == ["reports/summary.md", "reports/verdicts.md"]
    assert with_included(README, ROOT) == README, "run `make readme`"


def test_reports_side_by_side_are_those_that_are_committed(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    others = sorted(str(file.parent.relative_to(ROOT)) for file in ROOT.glob("reports/*/results.json"))
    main(["compare", "reports", *(name for name in others if name != "reports/bench")])
    assert capsys.readouterr().out == (ROOT / "reports/across.md").read_text(encoding="utf-8"), "run `make readme`"


def test_its_pictures_are_in_the_report():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures and all((ROOT / picture).is_file() for picture in pictures)


def test_it_takes_three_minutes_to_read():
    assert len(README.splitlines()) <= 150
