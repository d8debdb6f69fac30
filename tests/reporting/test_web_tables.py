"""Tables for the page: units, the better direction, and how each number was measured."""

from sweettok.metrics.record import record
from sweettok.reporting.report_text import report_text
from sweettok.reporting.table import Entry, Number, Row, Table
from sweettok.reporting.web_tables import Cell, web_table


def test_headings_have_units_and_say_which_way_is_better():
    names = ("frechet_video/judge", "PSNR (dB)", "PSNR (dB), minus full", "tokens", "gain over mean colour (dB)")
    table = Table("T4", "", (Row("full", dict.fromkeys(names, Number(1.0)), {"rFVD": Number(2.0)}),), "here")
    shown = web_table(table)
    assert [(one.name, one.unit, one.better) for one in shown.headings] == [
        ("", "", ""),
        ("rFVD", "", "lower"),
        ("frechet_video/judge", "", "lower"),
        ("PSNR", "dB", "higher"),
        ("PSNR minus full", "dB", "higher"),
        ("tokens", "", ""),
        ("gain over mean colour", "dB", "higher"),
    ]
    assert shown.groups == (("published", 1), ("ours", 5))
    assert all(heading.numeric for heading in shown.headings[1:])


def test_what_a_table_says_of_all_its_columns():
    table = Table("T1_retention", "", (Row("SweetTok", {"shape": Number(0.8), "why": "text"}),), "here")
    shape, why = web_table(table).headings[1:]
    assert (shape.unit, shape.better) == ("share", "higher") and (why.unit, why.better) == ("", "")


def test_a_number_leads_to_its_protocol():
    one, other = (record(1.5, 8, split, 0, (1.0, 2.0)) for split in ("test", "val"))
    rows = (Row("a", {"x": Number.of(one), "y": Number.of(other)}), Row("b", {"x": Number.of(one), "y": Number(3)}))
    shown = web_table(Table("T1", "", rows, "here"))
    assert [[cell.how for cell in row] for row in shown.blocks[0][2]] == [[0, 1, 2], [0, 1, 0]]
    assert ["split test" in shown.protocols[0], "split val" in shown.protocols[1]] == [True, True]
    assert shown.blocks[0][2][0][1] == Cell("1.500", "[1.000, 2.000]", 1.5, how=1)


def test_text_stays_whole():
    rows = (Row("a", {"x": Number(None, remark="says nothing"), "y": Entry("not run", strong=True), "z": "two words"}),)
    cells = web_table(Table("facts-1", "", rows, head="fact")).blocks[0][2][0]
    assert [(cell.text, cell.below, cell.strong) for cell in cells[1:]] == [
        ("says nothing", "", False),
        ("not run", "", True),
        ("two words", "", False),
    ]


def test_every_table_and_figure_has_a_name_for_its_tab():
    texts = report_text()
    assert [name for name, text in texts.tables.items() if not text.tab] == ["claims"]  # lines, not a tab
    shown = {name for name, text in texts.figures.items() if not text.under}
    assert {name for name in shown if not texts.figures[name].tab} == {
        "samples.png",
        "samples.gif",
        "reconstruction.gif",
    }  # clips that move
