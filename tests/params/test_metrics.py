"""The section `metrics`: what it refuses, and that it names what the code knows."""

import typing
from pathlib import Path

import pytest
import yaml

from sweettok.errors import InputError
from sweettok.metrics.extractors import EXTRACTORS
from sweettok.metrics.networks import BACKBONES, FILES
from sweettok.metrics.protocol import PRESETS
from sweettok.metrics.registry import METRICS
from sweettok.params import parse_params
from sweettok.params.metrics import ExtractorName, PerceptualName, ProtocolName

CONTENT = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
HERE = {"path": "weights.pt", "sha256": None, "download": False}


def parsed(**changes):
    return parse_params(CONTENT | {"metrics": CONTENT["metrics"] | changes}, "here").metrics


def test_the_default_needs_nothing():
    assert parsed().networks == ()


def test_the_names_are_those_of_the_code():
    of_sets = {name for metric in METRICS if metric.compares == "sets" for name in metric.networks}
    assert set(typing.get_args(ExtractorName)) == set(EXTRACTORS) == of_sets
    assert set(typing.get_args(PerceptualName)) == {*BACKBONES, "squeezenet1_0"}
    assert set(typing.get_args(ProtocolName)) == {"own", *PRESETS}
    assert {preset.extractor for preset in PRESETS.values()} <= set(EXTRACTORS)
    assert set(FILES) == set(EXTRACTORS) | set(BACKBONES)


def test_a_network_of_both_kinds_is_named_once():
    both = parsed(extractors=["squeezenet1_0"], perceptual=["squeezenet1_0", "alex"],
                  weights={"squeezenet1_0": HERE, "alex": HERE})  # fmt: skip
    assert both.networks == ("squeezenet1_0", "alex")


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"extractors": ["c3d"]}, "'i3d', 'i3d-videogpt', 'inception' or 'squeezenet1_0'; got 'c3d'"),
        ({"protocols": ["fvd"]}, "'own', 'omnitokenizer'"),
        ({"extractors": ["i3d"]}, "i3d: {path: null"),
        ({"weights": {"i3d": HERE}}, "weights .*i3d, .*extractors .*perceptual"),
        ({"perceptual": ["alex"], "weights": {"alex": HERE | {"sha256": "ab"}}}, ".weights.alex.sha256"),
        ({"extractors": ["i3d"], "weights": {"i3d": HERE}, "protocols": []}, "`own` .*protocols"),
        (
            {"extractors": ["i3d", "i3d-videogpt"], "weights": {"i3d": HERE, "i3d-videogpt": HERE}},
            "i3d .*i3d-videogpt .*`fvd` .*own",
        ),
        ({"sizes": [64]}, "sizes .*two "),
        ({"sizes": [64, 64]}, "sizes .*two "),
        ({"sizes": [1, 64]}, "sizes .* 2,"),
        ({"sizes": [0, 64]}, "sizes.0: .*got 0"),
        ({"judge": True}, "judge: .*: extractors, perceptual, protocols, weights, sizes"),
    ],
)
def test_refused(changes, named):
    with pytest.raises(InputError, match=f"^here: metrics.*{named}") as refused:
        parsed(**changes)
    assert "\n" not in str(refused.value)


def test_two_i3ds_under_their_own_protocols():
    weights = {"i3d": HERE, "i3d-videogpt": HERE}
    both = parsed(extractors=["i3d", "i3d-videogpt"], weights=weights, protocols=["larp", "omnitokenizer"])
    assert both.protocols == ("larp", "omnitokenizer")
