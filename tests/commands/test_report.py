"""`sweettok report`: ten lines on what a reproduction found."""

import json

import pytest

from sweettok.commands.report import SHOWN, lines


def claims(*verdicts):
    return [{"claim": f"Claim {n}", "table": "T1", "verdict": verdict} for n, verdict in enumerate(verdicts)]


@pytest.fixture
def folder(work):
    (work / "mine").mkdir()
    (work / "mine" / "claims.json").write_text(json.dumps(claims("supported", "not run", "contradicted")))
    return work / "mine"


def test_the_page_and_the_verdicts(sweettok, folder):
    status, out, _ = sweettok("report", folder)
    first, *rest = out.splitlines()
    assert status == 0 and str(folder / "index.html") in first
    assert [line.split()[0] for line in rest] == ["supported", "contradicted", "1"] and "not tested" in rest[-1]
    answer = json.loads(sweettok("report", folder, "--json")[1])
    assert answer["verdicts"]["Claim 1"] == "not run" and answer["page"] == str(folder / "index.html")


def test_many_claims_stay_ten_lines():
    shown = lines(claims(*["supported"] * 30, "not run"))
    assert len(shown) == SHOWN + 1 <= 9 and "22 more verdicts" in shown[-1] and "1 claims were not" in shown[-1]
    assert len(lines(claims("supported"))) == 1


def test_no_report(sweettok, work):
    status, _, err = sweettok("report", work)
    assert status == 1 and "has no report; make one with `dvc repro`" in err
    status, _, err = sweettok("report")
    assert status == 1 and "params.yaml" in err
