"""`make verify`: exact on the same machine, within tolerances elsewhere, and nothing absent or extra goes unseen."""

import copy
import json
import math

import pytest
from trust.verify import EXPECTED, differences, numbers, report, tolerance

from sweettok.storage import read_json

FOUND = {
    "machine": {"cpu": "one", "torch": "2"},
    "metrics": {"reconstruction.sweettok.psnr": 20.0, "few_shot.words": 0.5},
    "weights": {"outputs/pixels/model.safetensors": "ab"},
}


def changed(section, name, value):
    other = copy.deepcopy(FOUND)
    other[section][name] = value
    return other


def elsewhere(content):
    return content | {"machine": {"cpu": "another", "torch": "2"}}


def test_equal_numbers_agree_here_and_elsewhere(capsys):
    assert report(FOUND, copy.deepcopy(FOUND)) == 0
    assert "3 numbers compared, to the last bit: all agree" in capsys.readouterr().out
    assert report(FOUND, elsewhere(FOUND)) == 0
    said = capsys.readouterr().out
    assert "cpu: another here, one in the expectation" in said and "2 numbers compared, within their tol" in said


@pytest.mark.parametrize("name", FOUND["metrics"])
def test_the_smallest_difference_counts_here_and_the_tolerance_elsewhere(name, capsys):
    value = FOUND["metrics"][name]
    within, beyond = (value + share * tolerance(name, value) for share in (0.99, 1.01))
    assert not differences(FOUND, elsewhere(changed("metrics", name, within)))
    assert [one.name for one in differences(FOUND, changed("metrics", name, math.nextafter(value, math.inf)))] == [name]
    assert [one.name for one in differences(FOUND, elsewhere(changed("metrics", name, beyond)))] == [name]
    assert report(FOUND, elsewhere(changed("metrics", name, beyond))) == 1
    assert f"{name}: expected {value}, found {beyond}" in capsys.readouterr().out


@pytest.mark.parametrize("place", [lambda content: content, elsewhere])
def test_nan_and_what_is_absent_or_new_differ_everywhere(place):
    for name, value in (("few_shot.words", float("nan")), ("few_shot.words", None), ("new", 1.0)):
        assert [one.name for one in differences(FOUND, place(changed("metrics", name, value)))] == [name]


def test_weights_count_on_the_same_machine_only():
    other = changed("weights", "outputs/pixels/model.safetensors", "cd")
    assert len(differences(FOUND, other)) == 1 and not differences(FOUND, elsewhere(other))


def test_the_committed_expectation_is_whole():
    content = json.loads(EXPECTED.read_text(), parse_constant=pytest.fail)
    assert content["machine"].keys() == {"cores", "cpu", "torch", "python", "instructions", "numpy"}
    assert len(content["metrics"]) > 50 and len(content["weights"]) >= 6
    assert not differences(content, content)


@pytest.mark.slow
def test_the_smoke_profile_gives_the_expected_numbers(undisturbed, record, capsys):
    """The smoke profile once more, its metrics and weights against the committed ones."""
    status = report(read_json(EXPECTED), numbers(undisturbed.folder))
    *lines, last = capsys.readouterr().out.splitlines()
    compared, _, rule = last.partition(" numbers compared, ")
    record(int(compared), sum("may differ by" in line for line in lines), compared=rule)
    assert status == 0, lines
