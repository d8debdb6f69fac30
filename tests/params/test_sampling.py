"""The section `sampling`: candidates of guidance and temperature."""

import pytest
import yaml

from sweettok.errors import InputError
from sweettok.params import Sampling, SamplingSettings, parse_params

SECTION = {
    "samples": 4, "batch_size": 2, "guidance": [1.5, 2.5], "temperature": [0.8, 1.0], "top_k": 3, "top_p": 0.9, "seed": 5,
    "choice_samples": 6,
}  # fmt: skip


def test_candidates_are_all_pairs_in_order():
    candidates = Sampling(**SECTION).candidates
    assert [(one.guidance, one.temperature) for one in candidates] == [(1.5, 0.8), (1.5, 1.0), (2.5, 0.8), (2.5, 1.0)]
    shared = {name: SECTION[name] for name in ("samples", "batch_size", "top_k", "top_p", "seed")}
    assert candidates[0] == SamplingSettings(**shared, guidance=1.5, temperature=0.8)


@pytest.mark.parametrize("number", [2, 2.0, [2.0]])
def test_a_single_number_is_a_list_of_one(number):
    sampling = Sampling(**SECTION | {"guidance": number, "temperature": number})
    assert sampling.guidance == sampling.temperature == (2.0,)
    assert len(sampling.candidates) == 1
    assert Sampling.model_validate(sampling.model_dump()) == sampling


@pytest.mark.parametrize(
    "key, value, named",
    [
        ("guidance", [], "sampling.guidance: .*1 item"),
        ("guidance", [1.0, 1], "sampling.guidance: .*twice"),
        ("guidance", [-1.0], "sampling.guidance.0: .*got -1.0"),
        ("guidance", "2", "sampling.guidance: .*got '2'"),
        ("temperature", 0, "sampling.temperature.0: .*got 0"),
        ("temperature", True, "sampling.temperature: .*got True"),
        ("temperature", [".inf"], "sampling.temperature.0: .*got '.inf'"),
        ("temperature", [float("inf")], "sampling.temperature.0: .*got inf"),
        ("choice_samples", 1, "sampling.choice_samples: .*got 1"),
        ("samples", 1, "sampling.samples: .*got 1"),
        ("top_p", 0.0, "sampling.top_p: .*got 0.0"),
    ],
)
def test_bad_input_is_named(key, value, named):
    content = yaml.safe_load(yaml.safe_dump({"sampling": SECTION | {key: value}}))
    with pytest.raises(InputError, match=named) as raised:
        parse_params(content, "params.yaml")
    assert "\n" not in str(raised.value)


def test_the_choice_needs_its_number_of_samples():
    with pytest.raises(InputError, match="sampling.choice_samples: .*required"):
        parse_params({"sampling": {k: v for k, v in SECTION.items() if k != "choice_samples"}}, "params.yaml")
