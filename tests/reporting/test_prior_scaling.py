"""Priors of several sizes in the report: what is read, the table, the figure."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from sweettok.metrics.record import record
from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.claims import verdicts
from sweettok.reporting.collect import AblationCell, Results, collect
from sweettok.reporting.numbers import all_numbers, headline_numbers
from sweettok.reporting.prior_scaling import by_size, scaling_curves, scaling_table, variants_table
from sweettok.reporting.table import to_markdown

DISTANCES = {"large": (40.0, 44.0, 42.0), "base": (50.0, 49.0, 54.0), "tiny_one": (90.0, 70.0, 80.0)}
PARAMETERS = {"tiny_one": 98_304, "base": 1_200_000, "large": 7_654_321}


def write_priors(outputs: Path) -> None:
    """Three sizes with three seeds, of which the profile lists two sizes with two seeds."""
    folder = outputs / "prior_scaling"
    for size, distances in DISTANCES.items():
        for seed, distance in enumerate(distances):
            of_seed = folder / size / str(seed)
            of_seed.mkdir(parents=True)
            metrics = {
                "frechet_video/judge": record(distance, 32, "test", seed, extractor="judge", weights_sha256="ab" * 32),
                "loss": record(distance / 20, 16, "val", seed, unit="nats a token"),
            }
            summary = {"size": size, "seed": seed, "parameters": PARAMETERS[size], "metrics": metrics, "steps": 9}
            summary["metrics"]["class_consistency"] = record(0.5, 32, "test", seed, (0.4, 0.6))
            (of_seed / "summary.json").write_text(json.dumps(summary))


@pytest.fixture
def results(tmp_path: Path) -> Results:
    write_priors(tmp_path)
    return collect(tmp_path)


def test_only_what_the_profile_lists(tmp_path: Path):
    write_priors(tmp_path)
    (tmp_path / "prior_scaling" / "listed.json").write_text('{"sizes": ["large", "tiny_one"], "seeds": [0, 2]}')
    found = [(run.size, run.seed) for run in collect(tmp_path).prior_scaling]
    assert found == [("large", 0), ("large", 2), ("tiny_one", 0), ("tiny_one", 2)]
    (tmp_path / "prior_scaling" / "listed.json").write_text('{"sizes": [], "seeds": [0]}')
    assert collect(tmp_path).prior_scaling == ()


def test_the_smallest_comes_first(results: Results):
    assert list(by_size(results)) == ["tiny_one", "base", "large"]
    assert [run.seed for run in by_size(results)["base"]] == [0, 1, 2]


def test_table_has_ours_over_seeds_beside_the_published_row(results: Results):
    table = scaling_table(results)
    rows = {row.name: row for row in table.rows}
    assert list(rows) == ["SweetTok 650M", "SweetTok 1.9B", "tiny one", "base", "large"]
    assert [rows[name].published["gFVD"].value for name in ("SweetTok 650M", "SweetTok 1.9B")] == [84.0, 65.0]
    ours = rows["base"].ours
    number = ours["frechet_video/judge"]
    assert (number.value, number.std) == pytest.approx(mean_and_std(DISTANCES["base"]))
    assert ours["validation loss (nats per token)"].value == pytest.approx(np.mean(DISTANCES["base"]) / 20)
    assert ours["parameters"].value == 1_200_000 and ours["seeds"] == "0, 1, 2"
    text = to_markdown(table)
    assert "n = 32, split test, extractor judge" in text and "unit nats a token" in text and "seed 0" not in text


def test_figure_has_a_dot_a_seed_and_the_means(results: Results):
    for panel, scale in zip(scaling_curves(results).axes, (1, 1 / 20), strict=True):
        dots = np.concatenate([np.asarray(drawn.get_offsets()) for drawn in panel.collections])
        expected = [(PARAMETERS[size], value * scale) for size in by_size(results) for value in DISTANCES[size]]
        np.testing.assert_allclose(dots, expected)
        np.testing.assert_allclose(
            panel.lines[0].get_ydata(), [np.mean(DISTANCES[s]) * scale for s in by_size(results)]
        )
        assert panel.get_xticklabels()[2].get_text() == "large\n7.65M"


def test_numbers(results: Results):
    stored = all_numbers(results, verdicts(results))["prior_scaling"]
    assert stored["large"]["1"]["metrics"]["frechet_video/judge"]["value"] == 44.0
    flat = headline_numbers(results)
    assert flat["prior_scaling.large.frechet_video/judge"] == pytest.approx(42.0)
    assert flat["prior_scaling.tiny_one.loss"] == pytest.approx(4.0)


def test_without_sizes_there_is_neither_table_nor_figure():
    nothing = Results("test")
    assert scaling_table(nothing) is None and scaling_curves(nothing) is None
    assert all_numbers(nothing, verdicts(nothing))["prior_scaling"] == "not run"


def test_a_row_for_each_variant_with_samples():
    def cell(variant: str, seed: int, distance: float | None) -> AblationCell:
        values = {"frechet_video/judge": distance, "class_consistency": 0.5, "loss": 2.0}
        facts = {"tokens": 80}
        metrics = {
            name: record(value, 32, "test", seed, **facts) for name, value in values.items() if value is not None
        }
        summary = {"generation": {"metrics": metrics}} if distance else {}
        return AblationCell(variant, seed, summary, pandas.DataFrame(), None)

    given = {("coupled", 0): 50.0, ("coupled", 1): 54.0, ("full", 0): 40.0, ("full", 1): 44.0, ("lc", 0): None}
    cells = tuple(cell(variant, seed, distance) for (variant, seed), distance in given.items())
    table = variants_table(Results("test", cells=cells))
    found = {row.name: row.ours["frechet_video/judge"].value for row in table.rows}
    assert list(found.values()) == [42.0, 52.0] and table.rows[1].ours["seeds"] == "0, 1"
    assert table.rows[0].ours["perplexity per token"].value == pytest.approx(np.exp(2))
    assert table.rows[0].ours["bits per clip by the prior"].value == pytest.approx(80 * np.log2(np.exp(2)))
    assert variants_table(Results("test", cells=cells[4:])) is None
