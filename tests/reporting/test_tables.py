"""Tables: content against the outputs, and the two renderings against each other."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest

from sweettok.metrics.presets import PRESETS
from sweettok.metrics.record import record
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.protocol import describe
from sweettok.reporting.published import all_published, published
from sweettok.reporting.report_text import report_text
from sweettok.reporting.table import (
    CHECKPOINT,
    PUBLISHED,
    TRAINED,
    Number,
    Row,
    Table,
    decimals_of,
    to_csv,
    to_markdown,
)
from sweettok.reporting.tables import all_tables


@pytest.fixture(scope="module")
def tables(complete_outputs: Path) -> dict[str, Table]:
    return {table.identity: table for table in all_tables(collect(complete_outputs))}


def csv_of(table: Table, block: str = "") -> pandas.DataFrame:
    rows = pandas.read_csv(io.StringIO(to_csv(table)), index_col="row")
    return rows[rows["block"] == block] if block else rows


def markdown_rows(table: Table) -> list[list[str]]:
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    return [[entry.strip() for entry in line.strip("|").split(" | ")] for line in lines]


def test_seven_tables_stability_the_probes_and_the_codebook(tables: dict[str, Table]):
    further = ["T6_stability", "T7", "T7_probes", "T7_words", "codebook_words", "codebook_edges"]
    assert list(tables) == ["T1", "T1_retention", *(f"T{n}" for n in range(2, 7)), *further]


@pytest.mark.parametrize("identity", ["T1", "T2", "T3", "T4", "T5", "T6", "T7"])
@pytest.mark.parametrize("has_run", [True, False])
def test_every_published_number_is_in_its_table(tables: dict[str, Table], identity: str, has_run: bool):
    table = tables[identity] if has_run else {t.identity: t for t in all_tables(Results("test"))}[identity]
    rows = csv_of(table)
    metric = published(identity)[0].metric
    shown = sorted(rows[f"published: {metric}"].dropna())
    assert shown == sorted(row.value for row in published(identity) if row.value is not None)
    assert rows["published: source"].notna().sum() == len(published(identity))


def test_published_and_ours_never_share_a_column(tables: dict[str, Table]):
    for table in tables.values():
        kinds = {column.split(":")[0] for column in csv_of(table).columns}
        assert kinds <= {"published", "ours", "protocol", "remark", "block"}


def test_a_distance_of_too_few_clips_is_marked_wherever_it_stands():
    def method(seed: int, value: float = 1.0) -> dict:
        marked = record(value, 3, "test", seed, (0.5, 2.0), says_nothing="3 clips for 64 features")
        return {"metrics": {"frechet_video/judge": marked}, "tokens": 1, "bits": 2.0}

    mark = "not meaningful: 3 clips for 64 features"
    results = Results("test", reconstruction={"methods": {"sweettok": method(0)}}, generation=method(0))
    by_name = {table.identity: table for table in all_tables(results)}
    for identity in ("T1", "T2"):
        assert f"1.000 [0.500, 2.000] ({mark})" in to_markdown(by_name[identity])
        assert to_csv(by_name[identity]).count(mark) == 1 and "says_nothing" not in to_markdown(by_name[identity])
    spread = Number.over_seeds(method(seed, seed + 1.0)["metrics"]["frechet_video/judge"] for seed in range(2))
    assert spread.text() == f"1.500 ± 0.707 ({mark})"


def test_published_and_trained_rows_stand_in_blocks_of_their_own(tables: dict[str, Table]):
    assert csv_of(tables["T1"], PUBLISHED).loc["SweetTok", "published: rFVD"] == 20.46
    row = csv_of(tables["T1"], TRAINED).loc["SweetTok"]
    assert row["ours: PSNR (dB)"] == 24.1
    assert (row["ours: PSNR (dB) low"], row["ours: PSNR (dB) high"]) == pytest.approx((23.7, 24.5))
    assert (row["ours: tokens"], row["ours: indices"], row["ours: bits"]) == (80, 80, 512.5)
    assert "PSNR (dB), SSIM: n = 32, split test" in row["protocol"]
    assert "sprites, 17 frames of 32x32" in row["ours: data"]


def test_ours_without_published_and_published_without_ours(tables: dict[str, Table]):
    rows = csv_of(tables["T1"])
    assert pandas.isna(rows.loc["mean colour", "published: rFVD"])
    assert pandas.isna(rows.loc["LARP-L", "ours: PSNR (dB)"])
    assert rows.loc["LARP-L", "protocol"] == "rFVD: protocol not stated"
    stated = {row.protocol for row in all_published() if row.table in ("T1", "T2", "T3")}
    assert stated - {"not stated"} <= PRESETS.keys() and "" not in stated


@pytest.mark.parametrize("identity", ["T1", "T2", "T3"])
def test_blocks_in_order_and_how_the_empty_one_is_filled(tables: dict[str, Table], identity: str):
    headings = [row[0] for row in markdown_rows(tables[identity]) if row[0].startswith("**")]
    assert [heading.split("**")[1] for heading in headings] == [PUBLISHED, CHECKPOINT, TRAINED]
    assert "outputs/checkpoints/NAME.json` and `dvc repro report`" in headings[1]
    assert list(dict.fromkeys(csv_of(tables[identity])["block"])) == [PUBLISHED, TRAINED]


def test_ablation_cells(tables: dict[str, Table]):
    rows = csv_of(tables["T4"])
    full, coupled = rows.loc["decoupled queries (DQAE, full)"], rows.loc["coupled queries"]
    minus_full = "ours: PSNR (dB), minus full"
    assert coupled[minus_full] == pytest.approx(coupled["ours: PSNR (dB)"] - full["ours: PSNR (dB)"])
    assert coupled[f"{minus_full} low"] < coupled[minus_full] < coupled[f"{minus_full} high"] < 0
    assert coupled["ours: frechet_video/judge, minus full"] > 0
    assert pandas.isna(full[minus_full])
    assert coupled["ours: seeds"] == "0, 1, 2"


def test_cell_that_has_not_learned_is_flagged(tables: dict[str, Table]):
    rows = csv_of(tables["T6"])
    remark = "ours: gain over mean colour (dB) remark"
    assert rows.loc["end to end", remark] == "says nothing"
    assert pandas.isna(rows.loc["three trainings (full)", remark])
    assert "(says nothing)" in to_markdown(tables["T6"])


def test_probes_and_few_shot(tables: dict[str, Table]):
    probes = csv_of(tables["T7_probes"])
    assert probes.loc["motion", ["ours: spatial", "ours: temporal", "ours: kind"]].tolist() == [0.25, 0.7, "motion"]
    low_high = ["ours: spatial - temporal low", "ours: spatial - temporal high"]
    assert probes.loc["all motion", low_high].tolist() == pytest.approx([-0.55, -0.35])
    few_shot = csv_of(tables["T7"])
    assert few_shot.loc["image, 4-way 1-shot", "ours: chance"] == 0.25
    beside = few_shot.loc["few-shot, images (average)", ["published: accuracy, %", "ours: words", "ours: chance"]]
    assert beside.tolist() == [90.8, 0.51, 0.25]


def test_answers_of_a_language_model_name_it(tables: dict[str, Table]):
    row = csv_of(tables["T7"]).loc["action, 4-way 1-shot"]
    assert row["ours: in context"] == 0.31
    assert "in context: n = 50, split test, seed 0, language_model some/model" in row["protocol"]
    shown = to_markdown(tables["T7"])
    assert "not the paper's model" in shown and "4-way 1-shot: the prompt is too long" in shown


def test_words_and_captions(tables: dict[str, Table]):
    row = csv_of(tables["T7_words"]).loc["spatial tokens, caption's nouns"]
    assert row[["ours: excess", "ours: excess low", "ours: p"]].tolist() == pytest.approx([0.25, 0.2, 0.01])


def test_what_the_variants_tokens_know(complete_outputs, tables: dict[str, Table]):
    """Means and deviations over the seeds of what cells measured; without any, no table."""
    assert "T7_variants" not in tables
    results = collect(complete_outputs, "test")

    def measured(seed: int) -> dict:
        accuracy, difference = record(0.5 + 0.1 * seed, 20, "test", 0), record(-0.2, 20, "test", 0)
        average = {"task": "action", "representation": "temporal", "accuracy": accuracy, "chance": 0.35}
        return {
            "few_shot_average": [average],
            "probe_differences": [{"factor": "all motion", "difference": difference}],
        }

    cells = [
        replace(cell, summary=cell.summary | {"semantics": measured(cell.seed)}) if cell.variant != "coupled" else cell
        for cell in results.cells
    ]
    (table,) = (each for each in all_tables(replace(results, cells=tuple(cells))) if each.identity == "T7_variants")
    rows = csv_of(table)
    assert "full" in rows.index and "coupled" not in rows.index
    seeds = [cell.seed for cell in results.cells if cell.variant == "full"]
    values = [0.5 + 0.1 * seed for seed in seeds]
    assert rows.loc["full", "ours: action: codes (chance 0.35)"] == pytest.approx(np.mean(values))
    assert rows.loc["full", "ours: action: codes (chance 0.35) std"] == pytest.approx(np.std(values, ddof=1))
    assert rows.loc["full", "ours: all motion: spatial - temporal"] == pytest.approx(-0.2)
    assert rows.loc["full", "ours: seeds"] == len(seeds)


def test_not_run_is_said():
    for table in all_tables(Results("test")):
        assert "not run" in to_markdown(table)
        assert "not run" in to_csv(table)


def test_generation_floors(tables: dict[str, Table]):
    column = csv_of(tables["T2"])["ours: frechet_video/judge"]
    assert column["floor: reconstructed test clips"] == 33.3
    assert column["floor: train against test clips"] == 4.2


def test_judge_distances_are_never_called_fvd(tables: dict[str, Table]):
    for table in tables.values():
        ours = [column for column in csv_of(table).columns if column.startswith("ours")]
        assert not any(name in column for column in ours for name in ("FVD", "FID", "LPIPS"))


@pytest.fixture
def further(fresh_outputs: Path) -> dict[str, Table]:
    """Tables of a run that also measured FVD, by LARP's protocol too, FID, LPIPS and curves, and went without VGG."""
    larp = {"name": "larp", "extractor": "i3d", "split": "train", "clips": None, "frames": 16, "source": "LARP's code"}
    curve = {"sizes": [8, 16], "means": [50.0, 40.0], "spreads": [2.0, None], "limit": 30.0, "slope": 160.0, "fit": 1.0}
    network = {"weights_sha256": "cd" * 32, "covariance": "biased"}
    measured = {
        "fvd": record(40.0, 32, "test", 0, extractor="i3d", **network),
        "fvd@larp": record(41.0, 64, "train", 0, extractor="i3d", protocol=larp, **network),
        "fid": record(7.5, 32, "test", 0, extractor="inception", **network),
        "lpips/alex": record(0.25, 32, "test", 0, (0.2, 0.3), extractor="lpips/alex 0.1"),
        "fvd:limit": record(30.0, 16, "test", 0, extractor="i3d", curve=curve | {"full_rank": False}),
    }
    skipped = [
        {"metric": "lpips/vgg", "kind": "video", "why": "weights of vgg: not here"},
        {"metric": "frechet_image/squeezenet1_0", "kind": "image", "why": "weights of squeezenet: not here"},
    ]
    for stage in ("reconstruction/sweettok", "generation"):
        path = fresh_outputs / stage / "summary.json"
        content = json.loads(path.read_text())
        if stage != "generation":
            content["metrics"] |= measured
        else:
            content["metrics"] |= {"fvd": measured["fvd"], "fvd:reconstruction": record(12.0, 32, "test", 0)}
        path.write_text(json.dumps(content | {"left_out": skipped}))
    return {table.identity: table for table in all_tables(collect(fresh_outputs))}


def test_further_metrics_get_columns_by_their_records_names(further: dict[str, Table]):
    t1, t2, t3 = (csv_of(further[name]) for name in ("T1", "T2", "T3"))
    t1 = t1[t1["block"] == TRAINED]
    assert t1.loc["SweetTok", ["ours: fvd", "ours: fvd@larp", "ours: lpips/alex"]].tolist() == [40.0, 41.0, 0.25]
    assert pandas.isna(t1.loc["mean colour", "ours: fvd"])
    assert "ours: fid" not in t1 and 7.5 in t3.loc["SweetTok", "ours: fid"].tolist() and "ours: fvd" not in t3
    assert t2.loc["floor: reconstructed test clips", "ours: fvd"] == 12.0
    assert not any(":limit" in column for table in (t1, t2, t3) for column in table)


def test_foot_notes_print_a_published_protocol_whole(further: dict[str, Table]):
    note = next(line for line in to_markdown(further["T1"]).splitlines() if "fvd@larp: n = 64" in line)
    assert "protocol larp (clips all, extractor i3d, split train, frames 16, source LARP's code)" in note


def test_what_was_left_out_stands_under_the_table_it_is_missing_from(further: dict[str, Table]):
    of_clips, of_images = "Left out: lpips/vgg: weights of vgg: not here.", "Left out: frechet_image/squeezenet1_0: "
    t1, t2, t3 = (to_markdown(further[name]) for name in ("T1", "T2", "T3"))
    assert of_clips in t1 and of_images not in t1 and of_images in t3 and of_clips not in t3
    assert of_clips in t2 and of_images in t2


def test_small_sample_table(further: dict[str, Table], tables: dict[str, Table]):
    assert "small_sample" not in tables
    row = csv_of(further["small_sample"]).loc["reconstructions, fvd"]
    assert row[["ours: n = 8", "ours: n = 16", "ours: limit", "ours: fit"]].tolist() == [50.0, 40.0, 30.0, 1.0]
    assert row["ours: n = 8 std"] == 2.0 and "not to be trusted" in row["ours: limit remark"]
    assert "curve" not in row["protocol"] and "extractor i3d" in row["protocol"]


def test_markdown_is_rectangular_and_explains_its_letters(tables: dict[str, Table]):
    for table in tables.values():
        rows = markdown_rows(table)
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == len(table.rows) + 2 + len(table.said)
        letters = {letter for row in rows[2:] for letter in row[-1].split() if letter.startswith("[")}
        assert all(f"- {letter} " in to_markdown(table) for letter in letters)


def test_number_as_text():
    assert Number(24.0963, (23.7, 24.51)).text() == "24.10 [23.70, 24.51]"
    assert Number(24.0963, std=0.125).text() == "24.10 ± 0.12"
    assert Number(1280).text() == "1,280"
    assert Number(None).text() == "-"
    assert Number(None, remark="statement only").text() == "statement only"
    assert Number(0.7, remark="says nothing").text() == "0.7000 (says nothing)"
    assert Number(0.73, as_printed=True).text() == "0.73"


@pytest.mark.parametrize(("values", "decimals"), [((0.0,), 3), ((0.01234,), 5), ((123456.0,), 0), ((0.1, -12.0), 2)])
def test_decimals(values: tuple[float, ...], decimals: int):
    assert decimals_of(*values) == decimals


def test_entries_cannot_break_the_table():
    table = Table("T0", "t", (Row("x | y", {"a": "b|c"}),), "here")
    assert "x \\| y" in to_markdown(table)
    assert "b\\|c" in to_markdown(table)


def test_protocol_in_words():
    entry = record(1.0, 256, "test", 3, extractor="judge", weights_sha256="0" * 64)
    assert describe(entry) == "n = 256, split test, seed 3, extractor judge, weights_sha256 000000000000"


def test_published_rows_are_unique_and_unknown_table_is_refused():
    assert len({(row.table, row.method) for row in all_published()}) == len(all_published())
    with pytest.raises(KeyError, match="T8"):
        published("T8")


def test_every_variant_has_a_row_in_t1_and_t3_and_in_the_table_of_what_it_changes(complete_outputs: Path):
    results = collect(complete_outputs, table_of={"fsq": "T5", "larp": "", "lfq": "T5"})
    named = [replace(cell, variant=name) for name in ("fsq", "larp") for cell in results.cells if cell.variant == "lc"]
    rows = {t.identity: csv_of(t) for t in all_tables(replace(results, cells=(*results.cells, *named)))}
    ours = rows["T1"].loc["larp (ablation)"]
    values = [cell.summary["metrics"]["psnr"]["value"] for cell in results.of_variant("lc").values()]
    assert ours["ours: PSNR (dB)"] == pytest.approx(np.mean(values))
    assert ours["ours: PSNR (dB) std"] == pytest.approx(np.std(values, ddof=1))
    assert ours["ours: bits":"ours: operations (millions)"].tolist() == [512.0, 123456, 1.5]
    assert ours["ours: steps to 1.5 dB above mean colour"] in (240, 320)
    assert rows["T3"].loc["larp (ablation)", "ours: frechet_image/judge"] > 0 and "ours: bits" not in rows["T3"]
    assert "fsq" in rows["T5"].index and not {"larp", "lfq"} & set(rows["T5"].index)


def test_a_method_that_only_the_summary_names_has_a_row(complete_outputs: Path):
    results = collect(complete_outputs)
    methods = results.methods | {"their_tokenizer": results.methods["proxy"]}
    named = replace(
        results, reconstruction=results.reconstruction | {"methods": methods}, pretrained=frozenset({"their_tokenizer"})
    )
    tables = {table.identity: csv_of(table) for table in all_tables(named)}
    for identity, column in (("T1", "PSNR (dB)"), ("T3", "frechet_image/judge"), ("T1_retention", "motion")):
        assert tables[identity].loc["their tokenizer", f"ours: {column}"] > 0
    assert tables["T1"].loc["their tokenizer", "block"] == tables["T3"].loc["their tokenizer", "block"] == CHECKPOINT
    assert list(dict.fromkeys(tables["T1"]["block"])) == [PUBLISHED, CHECKPOINT, TRAINED]


def test_every_table_has_a_title_and_no_text_is_left_over(tables: dict[str, Table], further: dict[str, Table]):
    shown = {*tables, *further, "T2_scaling", "T2_variants", "T7_variants", "rate_distortion", "claims", "learned"}
    assert shown == set(report_text().tables)
    assert not any(brace in note for table in tables.values() for note in table.notes for brace in "{}")
