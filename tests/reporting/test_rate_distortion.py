"""Rate and distortion: what the table and the figure show of a run with codecs and variants over token budgets."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas
import pytest

from sweettok.reporting.collect import AblationCell, collect
from sweettok.reporting.rate_distortion import RETENTION, SHOWN, points, rate_distortion, rate_distortion_table
from sweettok.reporting.report import write_report
from sweettok.reporting.table import to_csv

LENGTHS = ("ablation full, first tokens", "ablation full, tokens by clip")
SIZES = {  # label -> codec, bits, without headers, PSNR
    "H.264, CRF 51": ("H.264", 3000.0, 2400.0, 20.0),
    "H.264, CRF 30": ("H.264", 9000.0, 8300.0, 26.0),
    "AV1, CRF 63, 5x16x16": ("AV1", 800.0, 600.0, 19.5),
}


@pytest.fixture
def with_codecs(fresh_outputs):
    """Outputs of a run with two codecs, whose metric records are the main model's with another PSNR."""
    records = json.loads((fresh_outputs / "reconstruction/sweettok/summary.json").read_text())["metrics"]
    found = [
        {
            "key": f"key{place}", "codec": title, "title": title, "label": label, "encoder": "lib", "pixel_format": "yuv420p",
            "settings": {"preset": "slow"}, "bits": bits, "bits_without_headers": bare,
            "metrics": records | {"psnr": records["psnr"] | {"value": psnr, "interval": [psnr - 0.5, psnr + 0.5]}},
        }
        for place, (label, (title, bits, bare, psnr)) in enumerate(SIZES.items())
    ]  # fmt: skip
    folder = fresh_outputs / "codecs"
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"points": found}))
    with np.load(fresh_outputs / "reconstruction/sweettok/strips.npz") as strips:
        clips = strips["original"]
        np.savez(folder / "strips.npz", key0=clips, key1=255 - clips, key2=clips[:, ::-1])
    return fresh_outputs


def with_budgets(results, family="full", budgets=(20, 160)):
    """The same with cells of `family` at other numbers of tokens."""
    more = [
        AblationCell(
            f"{family}_tokens{tokens}", cell.seed,
            cell.summary | {"tokens": tokens, "bits": 7.0 * tokens}, cell.per_clip, None,
        )
        for tokens in budgets for cell in results.of_variant(family).values()
    ]  # fmt: skip
    return replace(results, cells=(*results.cells, *more))


def table_of(results):
    return pandas.read_csv(io.StringIO(to_csv(rate_distortion_table(results)))).set_index("row")


def test_without_codecs_and_budgets_there_is_nothing_to_show(complete_outputs):
    results = collect(complete_outputs)
    assert results.codecs is None and "original" in results.strips
    assert rate_distortion_table(results) is None and rate_distortion(results) is None


def test_the_table_holds_every_point_with_its_bits(with_codecs):
    table = table_of(collect(with_codecs))
    for label, (_, bits, bare, psnr) in SIZES.items():
        row = table.loc[label]
        assert row["ours: bits"] == bits and row["ours: bits without headers"] == bare and np.isnan(row["ours: tokens"])
        assert row["ours: PSNR (dB)"] == psnr and row["ours: PSNR (dB) low"] == psnr - 0.5
    assert table.loc["SweetTok", ["ours: tokens", "ours: bits"]].tolist() == [80, 512.5]
    assert np.isnan(table.loc["SweetTok", "ours: bits without headers"])
    assert "frames 17" in table.loc["SweetTok", "protocol"]


def test_a_variant_belongs_to_a_curve_by_its_name(with_codecs):
    results = with_budgets(collect(with_codecs))
    table = table_of(results)
    ablation = [name for name in table.index if name.startswith("ablation full")]
    assert ablation == [
        f"ablation full, {tokens} tokens (3 seeds)" for tokens in (20, 80, 160)
    ]  # by bits: 140, 512, 1120
    values = [cell.summary["metrics"]["psnr"]["value"] for cell in results.of_variant("full_tokens20").values()]
    row = table.loc[ablation[0]]
    assert row["ours: PSNR (dB)"] == pytest.approx(np.mean(values))
    assert row["ours: PSNR (dB) std"] == pytest.approx(np.std(values, ddof=1))


def test_budgets_alone_are_enough(complete_outputs):
    results = with_budgets(collect(complete_outputs), "coupled", (20,))
    lines = {point.line for point in points(results)}
    assert {"SweetTok", "ablation coupled", "ablation full"} <= lines
    assert rate_distortion(results) is not None


def test_a_variant_of_every_length_is_two_curves(complete_outputs):
    """All clips with so many tokens; each clip with its own number. Metrics by length are there where they were measured."""
    results = collect(complete_outputs)
    metrics, kept = results.cells[0].summary["metrics"], results.cells[0].summary["retention"]

    def lengths(seed):
        rows = [
            {"tokens": tokens, "bits": 7.0 * tokens, "psnr": tokens / 4 + seed, "adaptive_tokens": tokens - 1.0,
             "adaptive_bits": 7.0 * tokens - 7, "adaptive_psnr": tokens / 4 + seed + 0.5}
            for tokens in (20, 80)
        ]  # fmt: skip
        return [rows[0], rows[1] | {"metrics": metrics, "retention": kept}]

    cells = [
        replace(cell, summary=cell.summary | {"lengths": lengths(cell.seed)}) if cell.variant == "full" else cell
        for cell in results.cells
    ]
    found = replace(results, cells=tuple(cells))
    curves = {line: [point for point in points(found) if point.line == line] for line in LENGTHS}
    fixed, own = curves.values()
    assert [(point.tokens, point.bits) for point in fixed] == [(20, 140), (80, 560)]
    assert fixed[0].values["psnr"].value == 6 and fixed[0].values["psnr"].std == 1
    assert [(point.tokens, point.bits, point.values["psnr"].value) for point in own] == [
        (19, 133, 6.5),
        (79, 553, 21.5),
    ]
    assert list(fixed[0].values) == ["psnr"] and set(fixed[1].values) == set(SHOWN)
    assert fixed[1].values[RETENTION].value == pytest.approx(np.mean([record["value"] for record in kept.values()]))
    assert rate_distortion(found) is not None and "first 20 tokens" in to_csv(rate_distortion_table(found))


def test_the_figure_draws_each_line_where_it_has_a_size(with_codecs):
    figure = rate_distortion(with_budgets(collect(with_codecs)))
    assert len(figure.axes) == 2 * len(SHOWN)
    over_tokens, over_bits = figure.axes[:2]
    assert {panel.get_xscale() for panel in figure.axes} == {"log"}
    labels = [panel.get_legend_handles_labels()[1] for panel in (over_tokens, over_bits)]
    assert {"SweetTok", "ablation full"} <= set(labels[0]) and not {"H.264", "AV1"} & set(
        labels[0]
    )  # they have no tokens
    drawn = dict(zip(labels[1], over_bits.get_legend_handles_labels()[0], strict=True))
    data_line = drawn["H.264"].lines[0]
    assert data_line.get_xdata().tolist() == [3000, 9000] and data_line.get_ydata().tolist() == [20, 26]


def test_strips_of_codecs_say_their_size(with_codecs):
    strips = collect(with_codecs).strips
    assert {"H.264, CRF 51, 3,000 bits", "AV1, CRF 63, 5x16x16, 800 bits"} < set(strips)
    assert np.array_equal(strips["H.264, CRF 51, 3,000 bits"], strips["original"])  # 9,000 bits are farther from 512


def test_the_report_has_table_figure_and_numbers(with_codecs, tmp_path):
    write_report(with_codecs, tmp_path / "reports", "test")
    reports = tmp_path / "reports"
    assert (reports / "tables/rate_distortion.tex").is_file() and (reports / "figures/rate_distortion.svg").is_file()
    assert "tables/rate_distortion.csv" in (reports / "README.md").read_text()
    page = (reports / "index.html").read_text()
    assert "H.264, CRF 51" in page and "3,000 bits" in page
    assert len(json.loads((reports / "results.json").read_text())["codecs"]["points"]) == 3
