"""LaTeX tables: balanced, rectangular, special characters escaped."""

import re
from pathlib import Path

import pytest

from sweettok.reporting.collect import collect
from sweettok.reporting.latex import escaped, to_latex
from sweettok.reporting.table import Number, Row, Table
from sweettok.reporting.tables import all_tables

NASTY = Table(
    "T0",
    r"50 % of a_b & c# \x",
    (
        Row(
            "[first] ~ {x}",
            {"x^2": Number(-1.25, (-2.0, 0.5), protocol="$")},
            {"rFVD": Number(1.5), "source": "a-1 & b"},
        ),
        Row("second", {"n": Number(None, remark="not <run>")}),
    ),
    "100 %",
    ("see `a_b` & `c`", "an odd ` one"),
)


@pytest.fixture(scope="module")
def tables(complete_outputs: Path) -> tuple[Table, ...]:
    return (*all_tables(collect(complete_outputs)), NASTY)


def test_environments_and_braces_are_balanced(tables):
    for table in tables:
        text = to_latex(table)
        open_ = []
        for kind, name in re.findall(r"(?<!\\)\\(begin|end)\{(\w+)\}", text):
            if kind == "begin":
                open_.append(name)
            else:
                assert open_.pop() == name
        assert open_ == []
        bare = re.sub(r"\\[{}]", "", text)  # without escaped braces
        depth = 0
        for character in bare:
            depth += (character == "{") - (character == "}")
            assert depth >= 0
        assert depth == 0


def test_every_line_has_as_many_entries_as_columns(tables):
    for table in tables:
        text = to_latex(table)
        columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text).group(1)
        assert len(columns) == len(table.shown_columns)
        body = text.split(r"\midrule" + "\n")[1].split(r"\bottomrule")[0].splitlines()
        lines = [line for line in body if not line.startswith((r"\addlinespace", r"\multicolumn"))]
        assert len(lines) == len(table.rows) and len(body) == len(lines) + 2 * len(table.said)
        for line in lines:
            assert line.endswith(r"\\")
            assert not line.startswith("[")  # \\ would take it for a length
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1


def test_kinds_span_all_columns_but_the_first_and_the_last(tables):
    for table in tables:
        spans = [int(width) for width in re.findall(r"\\multicolumn\{(\d+)\}\{c\}", to_latex(table))]
        assert sum(spans) == len(table.columns)
        rules = [(int(a), int(b)) for a, b in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", to_latex(table))]
        assert [b - a + 1 for a, b in rules] == spans


def test_specials_do_not_survive_bare():
    assert escaped(r"a_b & 50 % #1 $x {y} ~ ^ \n <|> ±") == (
        r"a\_b \& 50 \% \#1 \$x \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}n "
        r"\textless{}\textbar{}\textgreater{} $\pm$"
    )
    text = to_latex(NASTY)
    assert r"\caption{50 \% of a\_b \& c\# \textbackslash{}x}" in text
    assert r"$-$1.250 {[}$-$2.000, 0.500{]}" in text
    assert r"a-1 \& b" in text  # no minus in text
    assert r"see \texttt{a\_b} \& \texttt{c}\par" in text
    assert "an odd ` one" in text
    assert r"not \textless{}run\textgreater{}" in text
