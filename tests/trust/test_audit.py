"""The record of the last audit is of the pinned versions, and knows no vulnerability; no network is needed."""

import pytest
from trust.audit import CONSTRAINTS, RECORD, listed, pins, record_of

from sweettok.storage import read_json, sha256_of


def test_the_record_is_of_what_is_installed(record):
    """Pinned versions that the last audit (.ci/audit.json) was of, and what it found."""
    found = read_json(RECORD)
    packages, offline = pins(), found["offline"]
    bad = len(found["vulnerabilities"]) + len(offline["vulnerabilities"])
    record(
        len(packages),
        bad,
        audited_on=found["date"],
        of_these_known_to_pip_audit=found["answered"],
        of_these_known_to_safety_db=offline["packages_with_advisories"],
        whose_last_advisory_is_of=offline["advisories_until"],
    )
    assert found["constraints_sha256"] == sha256_of(CONSTRAINTS), "constraints.txt has changed: run `make audit`"
    assert found["packages"] == len(packages) and not bad


def test_what_is_kept_of_an_audit():
    answer = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    kept = record_of(answer)
    assert (kept["packages"], kept["answered"]) == (3, 2) and kept["vulnerabilities"] == {"b==2": ["PYSEC-1"]}


def test_advisories_are_compared_by_version():
    advisories = {
        "$meta": {"timestamp": 1625119202},
        "A_b": [{"id": "one", "specs": ["<1.5"]}, {"id": "two", "specs": [">=3,<4", "==1.4"]}],
        "c": [{"id": "three", "specs": ["<2"]}],
    }
    kept = listed({"a-b": "1.4", "C": "2.0", "d": "1"}, advisories)
    assert kept["vulnerabilities"] == {"a-b==1.4": ["one", "two"]}
    assert kept["packages_with_advisories"] == 2 and kept["advisories_until"] == "2021-07-01"


def test_a_version_that_is_not_pinned_is_refused(tmp_path):
    (tmp_path / "c.txt").write_text("a==1\nb>=2\n")
    with pytest.raises(ValueError, match="does not pin b>=2"):
        pins(tmp_path / "c.txt")
