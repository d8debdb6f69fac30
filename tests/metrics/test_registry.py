"""Metrics declared once: what follows from a declaration, and those of other packages."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics import registry
from sweettok.metrics.registry import (
    METRICS,
    Metric,
    frechet_of,
    higher_is_better,
    kind_of,
    metric_of,
    metrics,
    title_of,
)
from sweettok.metrics.scorers import open_scorers

MAE = Metric("mae", lambda a, b: (a - b).abs().mean(dim=(1, 2, 3, 4)), "pairs", False, label="MAE", unit="of 2")


@pytest.fixture
def offered(monkeypatch):
    """Objects -> packages that offer them as metrics; raises what each raises on import."""

    def offer(*objects):
        class Point(EntryPoint):
            def load(self):
                found = objects[int(self.value)]
                if isinstance(found, Exception):
                    raise found
                return found

        points = [Point(f"metric{place}", str(place), registry.GROUP) for place in range(len(objects))]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.metrics.cache_clear()

    yield offer
    registry.metrics.cache_clear()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_says_where_its_function_is(metric):
    assert callable(metric.function())
    assert (metric.needs == "weights") == bool(metric.networks)
    assert (metric.interval == "distance") == (metric.compares == "sets")


def test_names_are_unique_and_titles_have_units():
    assert len(metrics()) == len(METRICS)
    assert title_of("nearest_train_psnr") == "PSNR to the nearest training clip (dB)"
    assert title_of("psnr") == "PSNR (dB)" and title_of("frechet_video/judge") == "frechet_video/judge"


def test_records_lead_to_their_metric():
    assert metric_of("fvd@larp").name == metric_of("fvd:limit").name == "fvd" and metric_of("loss") is None
    assert higher_is_better("psnr") and not higher_is_better("fvd@larp") and not higher_is_better("loss")
    assert (
        frechet_of("i3d").name == frechet_of("i3d-videogpt").name == "fvd" and frechet_of("inception").kind == "image"
    )


def test_records_are_of_clips_or_of_images():
    kinds = {"psnr": "video", "fid": "image", "fvd@larp": "video", "frechet_image/inception-unverified": "image"}
    assert {record: kind_of(record) for record in kinds} == kinds


def test_a_metric_of_another_package_is_measured_like_the_others(offered):
    offered(MAE)
    assert title_of("mae") == "MAE (of 2)" and not higher_is_better("mae")
    found, _ = open_scorers(None, None, 16)
    scorer = next(scorer for scorer in found if scorer.name == "mae")
    assert scorer.column == "mae" and scorer.compute(
        torch.zeros(2, 3, 1, 16, 16), torch.ones(2, 3, 1, 16, 16)
    ).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (ImportError("no module named x"), "'metric0': 0 .*no module named x"),
        (7, r"'metric0': 0 .*sweettok\.metrics\.registry\.Metric"),
        (METRICS[1], "'psnr' .*twice, .* 0"),
        (replace(MAE, name="a:b"), "'a:b' of 0: a name is"),
        (replace(MAE, name="a@b"), "'a@b' of 0: a name is"),
        (replace(MAE, name="my metric"), "'my metric' of 0: a name is"),
        (replace(MAE, name=""), "'' of 0: a name is"),
        (replace(MAE, compute=7), "'mae' of 0: compute is 7; .*package.module:function"),
        (
            replace(MAE, compares="nonsense"),
            "'mae' of 0: compares is 'nonsense'; choose from 'pairs', 'sets', 'samples'",
        ),
        (replace(MAE, kind="sound"), "'mae' of 0: kind is 'sound'; choose from 'video', 'image'"),
    ],
)
def test_one_that_cannot_be_had_is_named(offered, found, named):
    offered(found)
    with pytest.raises(InputError, match=named):
        metrics()


@pytest.mark.parametrize(
    ("compute", "named"),
    [
        ("nowhere:f", "metric mae: compute='nowhere:f' .*ModuleNotFoundError"),
        ("math:pi", "metric mae: compute='math:pi' is not a function"),
    ],
)
def test_a_function_that_is_not_there_is_refused_before_any_is_measured(offered, compute, named):
    offered(replace(MAE, compute=compute))
    with pytest.raises(InputError, match=named):
        open_scorers(None, None, 16)
