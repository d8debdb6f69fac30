"""The report says what pytest's JUnit file says: counts, losses, known defects, and tests that ended before counting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scratch_project import ROOT
from trust import reliability

CONFTEST = Path(__file__).with_name("conftest.py")
TESTS = '''
import pytest

def test_good(record):
    """Good things. More of it."""
    record(40, 0, MB_grown=1.5, MB_allowed=4)

@pytest.mark.parametrize("name", ["a|b"])
def test_bad(record, name):
    """Bad things."""
    record(3, 2)
    assert False, "two are gone\\nand more"

def test_ends_early(record):
    """Things that end early."""
    raise OSError("gone")

@pytest.mark.xfail(strict=True, reason="not mended yet")
def test_known(record):
    """Known things."""
    record(5, 1)
    assert False

def test_of_no_count():
    pass
'''

TESTS_ELSEWHERE = """
import pytest

@pytest.mark.parametrize("byte", [0, 1, 2])
def test_a_full_disk_is_one_line(byte):
    assert byte < 2, "it is two lines"
"""


@pytest.fixture(scope="module")
def junit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_memory.py").write_text(TESTS)
    (folder / "test_storage.py").write_text(TESTS_ELSEWHERE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=out.xml", "."]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    assert subprocess.run(command, cwd=folder, env=os.environ | paths, capture_output=True).returncode == 1
    return folder / "out.xml"


def test_what_is_read(junit):
    good, bad, early, known, elsewhere = reliability.trials(junit)
    assert (good.what, good.tried, good.lost, good.result) == ("Good things. More of it", 40, 0, "passed")
    assert good.facts == "MB grown 1.5; MB allowed 4" and good.area == "Under load"
    assert (bad.what, bad.tried, bad.lost, bad.outcome) == ("Bad things: a|b", 3, 2, "failed")
    assert "two are gone" in bad.reason
    assert (early.what, early.tried, early.lost, early.outcome) == ("Things that end early", None, None, "failed")
    assert (known.tried, known.lost, known.result) == (5, 1, "known defect: not mended yet")
    assert (elsewhere.area, elsewhere.what) == ("Disk and services", "A full disk is one line")
    assert (elsewhere.tried, elsewhere.lost, elsewhere.outcome) == (3, 1, "failed")


def test_of_a_test_that_was_run_again_the_last_run_counts(junit, tmp_path):
    again = tmp_path / "again.xml"
    suite = '<testsuite><testcase classname="test_memory" name="test_bad[a|b]"><properties><property name="what" value="Bad"/>'
    counts = '<property name="tried" value="3"/><property name="lost" value="0"/></properties></testcase></testsuite>'
    again.write_text(suite + counts)
    assert len(reliability.trials(junit, again)) == len(reliability.trials(junit))
    assert [one.outcome for one in reliability.trials(junit, again)][1] == "passed"


def test_what_is_written(junit, tmp_path, capsys):
    assert reliability.main(str(junit), str(tmp_path / "report.md")) == 1
    text = (tmp_path / "report.md").read_text()
    assert "**51 attempts, 4 lost.** Tests: 5, failed 3, known defects 1." in text
    assert "| Good things. More of it | 40 | 0 | passed | MB grown 1.5; MB allowed 4 |" in text
    assert "| Bad things: a\\|b | 3 | 2 | **FAILED**: " in text
    assert "## Corruption\n\nNot run for this report.\n" in text
    assert "| Things that end early | not counted | not counted | **FAILED**: " in text
    assert "5 tests, 4 of them failed or lost something" in capsys.readouterr().out
