"""`sweettok compare` on runs in MLflow, and on two reports."""

import json

import numpy as np
import pytest
from scipy import stats

from sweettok.params import Params
from sweettok.reporting.paired import paired_difference
from sweettok.tracking import tracked_run

PSNR = {"full": (20.0, 21.0, 22.0, 90.0), "lc": (19.0, 20.5, 20.7), "coupled": (18.0,)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with finished ablation runs."""
    root = tmp_path_factory.mktemp("project")
    for variant, values in PSNR.items():
        for seed, psnr in enumerate(values):
            with tracked_run("ablation", Params(profile="test"), {"variant": variant, "seed": seed}, root) as run:
                run.log_metrics({"psnr": psnr, "seconds": 60.0})
    return root


@pytest.fixture
def there(project, monkeypatch):
    monkeypatch.chdir(project)


def test_differences_to_the_first_are_paired_by_seed(there, sweettok):
    status, out, _ = sweettok("compare", "full", "lc", "coupled", "--metric", "psnr", "--json")
    assert status == 0
    shown = json.loads(out)
    assert len(shown["runs"]) == 8
    full, lc, coupled = shown["compared"]
    assert (full["variant"], full["difference"], full["seeds"]) == ("full", None, [0, 1, 2, 3])
    paired = np.array(PSNR["lc"]) - np.array(PSNR["full"][:3])
    reference = stats.ttest_1samp(paired, 0).confidence_interval(0.95)
    assert lc["difference"]["interval"] == pytest.approx([reference.low, reference.high])
    assert lc["difference"]["mean"] == pytest.approx(paired.mean())
    assert (coupled["std"], coupled["difference"]["interval"]) == (None, None)
    assert (coupled["difference"]["seeds"], coupled["difference"]["per_seed"]) == ([0], [-2.0])


def test_differences_are_the_reports_where_runs_kept_their_values_by_clip(tmp_path, monkeypatch, sweettok):
    rng = np.random.default_rng(0)
    values = {"full": rng.normal(20, 1, (2, 6)), "lc": rng.normal(19, 1, (2, 6))}
    for variant, of_seeds in values.items():
        for seed, of_clips in enumerate(of_seeds):
            with tracked_run("ablation", Params(profile="test"), {"variant": variant, "seed": seed}, tmp_path) as run:
                run.log_metrics({"psnr": of_clips.mean()})
                rows = [f"{clip},{value}" for clip, value in enumerate(of_clips)]
                run.log_text("\n".join(["clip,psnr", *(reversed(rows) if seed else rows)]), "per_clip.csv")
    monkeypatch.chdir(tmp_path)
    _, shown = json.loads(sweettok("compare", "full", "lc", "--metric", "psnr", "--json")[1])["compared"]
    expected = paired_difference(values["lc"], values["full"], [0, 1])
    assert shown["difference"]["clips"] == 6
    assert shown["difference"]["interval"] == pytest.approx(expected.interval)


def test_text_has_a_line_a_variant_in_the_order_asked_for(there, sweettok):
    status, out, _ = sweettok("compare", "lc", "full", "--metric", "psnr", "--metric", "seconds")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["lc", "full"]
    assert "psnr (profile test)" in out and "seconds (profile test)" in out and "minus the first" in out


def test_without_names_all_variants_and_no_difference(there, sweettok):
    status, out, _ = sweettok("compare", "--metric", "psnr")
    assert status == 0
    assert all(variant in out for variant in PSNR) and "minus" not in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("full", "nothing"), "nothing; known variants: coupled, full, lc"),
        (("full", "full"), "full"),
        (("full", "--metric", "fvd"), "fvd; choose from psnr, seconds"),
    ],
)
def test_refusals(there, sweettok, arguments, named):
    status, _, err = sweettok("compare", *arguments)
    assert status == 1 and named in err


def test_no_store(tmp_path, monkeypatch, sweettok):
    monkeypatch.chdir(tmp_path)
    status, _, err = sweettok("compare")
    assert status == 1 and "make repro" in err


def entry(claim, verdict, estimate=0.5):
    found = {"estimate": estimate, "low": estimate - 0.2, "high": estimate + 0.2, "seeds": [0, 1], "clips": 8}
    return {"claim": claim, "unit": "dB", "verdict": verdict, "discovery": None if verdict == "not run" else found}


@pytest.fixture
def report(tmp_path):
    """(name, verdicts by claim) -> a report's folder."""

    def write(name, **verdicts):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "claims.json").write_text(json.dumps([entry(*pair) for pair in verdicts.items()]))
        return folder

    return write


FIRST = {"a": "supported", "b": "inconclusive", "c": "contradicted", "d": "supported", "e": "not run"}


def test_verdicts_that_changed_are_named(report, sweettok):
    first = report("first", **FIRST)
    second = report("second", **(FIRST | {"b": "equivalent", "c": "inconclusive", "e": "supported"}))
    status, out, _ = sweettok("compare", str(first), str(second / "claims.json"))
    lines = out.splitlines()
    assert status == 0 and len(lines) == 3
    assert lines[0] == "b: inconclusive 0.500 [0.300, 0.700] -> equivalent 0.500 [0.300, 0.700]"
    assert lines[1].startswith("c: contradicted") and lines[2] == "4 claims in both; decided: 3, of which 2 repeat"


def test_a_report_against_itself_changes_nothing(report, sweettok):
    first = str(report("first", **FIRST))
    assert sweettok("compare", first, first)[:2] == (0, "4 claims in both; decided: 3, of which 3 repeat\n")


def test_a_contradiction_is_status_1(report, sweettok):
    first, second = report("first", **FIRST), report("second", **(FIRST | {"d": "contradicted"}))
    status, out, _ = sweettok("compare", str(first), str(second), "--json")
    (changed,) = json.loads(out)["changed"]
    assert status == 1 and changed["claim"] == "d" and changed["contradiction"] is True
    assert "CONTRADICTION: d: contradicted" in sweettok("compare", str(second), str(first))[1]


def test_more_reports_are_a_table(report, sweettok):
    names = [
        str(report(name, **verdicts))
        for name, verdicts in (("easy", FIRST), ("hard", {"b": "equivalent"}), ("real", {}))
    ]
    status, out, _ = sweettok("compare", *names)
    head, rule, *rows = out.partition("\n\n")[0].splitlines()
    assert status == 0 and head == f"| claim | unit | {' | '.join(names)} |" and rule == "|---|---|---|---|---|"
    assert [row.split(" | ")[0] for row in rows] == ["| a", "| b", "| c", "| d"]
    assert rows[1] == "| b | dB | inconclusive 0.500 [0.300, 0.700] | equivalent 0.500 [0.300, 0.700] | - |"
    assert "- c: contradicted. Reason: data open" in out
    listed = json.loads(sweettok("compare", *names, "--json")[1])
    assert [bool(row["reasons"]) for row in listed] == [False, False, True, False]
    assert listed[1]["reports"][names[1]]["verdict"] == "equivalent" and names[2] not in listed[1]["reports"]


def test_results_json_says_what_claims_json_does(report, tmp_path, sweettok):
    first = report("first", a="contradicted", b="not run")
    primary = {"mean": 0.5, "interval": [0.3, 0.7], "seeds": [0, 1]}
    tested = {
        "statement": "a",
        "table": "T4",
        "rule": {"unit": "dB"},
        "verdict": "contradicted",
        "discovery": {"primary": primary},
    }
    untested = {
        "statement": "b",
        "table": "T4",
        "rule": {"unit": "dB"},
        "verdict": "not run",
        "discovery": {"primary": None},
    }
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"verdicts": [tested, untested]}))
    assert sweettok("compare", str(first), str(folder))[:2] == (0, "1 claim in both; decided: 1, of which 1 repeat\n")
    (row,) = sweettok("compare", str(first), str(folder), str(folder))[1].partition("\n\n")[0].splitlines()[2:]
    assert row.count("contradicted 0.500 [0.300, 0.700]") == 2


@pytest.mark.parametrize(
    ("content", "named"),
    [("{}", "holds no verdicts"), ('[{"claim": "a"}]', "holds no verdicts"), ("[", "claims.json")],
)
def test_no_report(report, tmp_path, sweettok, content, named):
    first = report("first", **FIRST)
    (tmp_path / "claims.json").write_text(content)
    status, _, err = sweettok("compare", str(first), str(tmp_path / "claims.json"))
    assert status == 1 and named in err
    status, _, err = sweettok("compare", str(first), "full")
    assert status == 1 and "two or more reports" in err
