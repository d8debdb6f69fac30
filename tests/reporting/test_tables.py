"""Tables: content against the outputs, and the two renderings against each other."""

import io
from pathlib import Path

import pandas
import pytest

from sweettok.metrics.record import record
from sweettok.reporting.cells import describe
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.published import PUBLISHED, published
from sweettok.reporting.table import Number, Row, Table, decimals_of, to_csv, to_markdown
from sweettok.reporting.tables import all_tables


@pytest.fixture(scope="module")
def tables(complete_outputs: Path) -> dict[str, Table]:
    return {table.identity: table for table in all_tables(collect(complete_outputs))}


def csv_of(table: Table) -> pandas.DataFrame:
    return pandas.read_csv(io.StringIO(to_csv(table)), index_col="row")


def markdown_rows(table: Table) -> list[list[str]]:
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_seven_tables_and_the_probes(tables: dict[str, Table]):
    assert list(tables) == ["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T7_probes"]


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
        assert kinds <= {"published", "ours", "protocol", "remark"}


def test_reconstruction_row_beside_its_published_row(tables: dict[str, Table]):
    row = csv_of(tables["T1"]).loc["SweetTok"]
    assert row["published: rFVD"] == 20.46
    assert row["ours: PSNR (dB)"] == 24.1
    assert (row["ours: PSNR (dB) low"], row["ours: PSNR (dB) high"]) == pytest.approx((23.7, 24.5))
    assert (row["ours: tokens"], row["ours: indices"], row["ours: bits"]) == (80, 80, 512.5)
    assert "PSNR (dB), SSIM: n = 32, split test" in row["protocol"]
    assert "sprites, 17 frames of 32x32" in row["ours: data"]


def test_ours_without_published_and_published_without_ours(tables: dict[str, Table]):
    rows = csv_of(tables["T1"])
    assert pandas.isna(rows.loc["mean colour", "published: rFVD"])
    assert pandas.isna(rows.loc["LARP-L", "ours: PSNR (dB)"])
    assert pandas.isna(rows.loc["LARP-L", "protocol"])


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
    assert csv_of(tables["T7_probes"]).loc["motion", ["ours: spatial", "ours: temporal"]].tolist() == [0.25, 0.7]
    few_shot = csv_of(tables["T7"])
    assert few_shot.loc["image, 4-way 1-shot", "ours: chance"] == 0.25
    assert few_shot.loc["few-shot, images (average)", "published: accuracy, %"] == 90.8


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


def test_markdown_is_rectangular_and_explains_its_letters(tables: dict[str, Table]):
    for table in tables.values():
        rows = markdown_rows(table)
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == len(table.rows) + 2
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


def test_cells_cannot_break_the_table():
    table = Table("T0", "t", (), ("a",), (Row("x | y", {}, {"a": "b|c"}),), "here")
    assert "x \\| y" in to_markdown(table)
    assert "b\\|c" in to_markdown(table)


def test_protocol_in_words():
    made = record(1.0, 256, "test", 3, extractor="judge", weights_sha256="0" * 64)
    assert describe(made) == "n = 256, split test, seed 3, extractor judge, weights_sha256 000000000000"


def test_published_rows_are_unique_and_unknown_table_is_refused():
    assert len({(row.table, row.method) for row in PUBLISHED}) == len(PUBLISHED)
    with pytest.raises(KeyError, match="T8"):
        published("T8")
