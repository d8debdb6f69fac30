"""The tables of the codebook, against the lists that the stage wrote."""

import io
from pathlib import Path

import pandas
import pytest

from sweettok.reporting.codebook_tables import SHOWN, edges_table, words_table
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.table import Table, to_csv, to_markdown


@pytest.fixture(scope="module")
def tables(complete_outputs: Path) -> tuple[Table, Table]:
    results = collect(complete_outputs, "small")
    return words_table(results), edges_table(results)


def csv_of(table: Table) -> pandas.DataFrame:
    return pandas.read_csv(io.StringIO(to_csv(table)), index_col="row", keep_default_na=False)


def test_words_stand_beside_their_counts_by_rank(tables: tuple[Table, Table], complete_outputs: Path):
    rows = csv_of(tables[0])
    stored = pandas.read_csv(complete_outputs / "codebook" / "words.csv", na_filter=False)
    adjectives = stored[stored["part_of_speech"] == "adjective"].head(SHOWN)
    assert list(rows.index) == list(range(1, SHOWN + 1)) and len(stored) > SHOWN
    assert rows["ours: adjective"].tolist() == adjectives["word"].tolist()
    assert rows["ours: adjective count"].tolist() == adjectives["count"].tolist()
    assert [column for column in rows if column.endswith("count")] == [
        f"ours: {part} count" for part in ("adjective", "noun", "adverb", "verb")
    ]


def test_a_word_that_looks_like_no_value_and_kinds_of_unequal_length(tables: tuple[Table, Table]):
    rows = csv_of(tables[0])
    assert rows["ours: noun"].tolist() == ["null"] + [""] * (SHOWN - 1)
    assert "| 1 | red1 | 999 | null | 800 | slowly | 70 | turn | 60 | - |" in to_markdown(tables[0])
    assert "| 2 | red2 | 998 | - | - | - | - | - | - | - |" in to_markdown(tables[0])


def test_edges_name_both_words(tables: tuple[Table, Table]):
    rows = csv_of(tables[1])
    assert rows["ours: adjective-noun"].tolist() == ["red1 null", "red2 null"]
    assert rows["ours: adjective-noun count"].tolist() == [42, 41]
    assert rows.loc[1, ["ours: adverb-verb", "ours: adverb-verb count"]].tolist() == ["slowly turn", "7"]


def test_both_say_what_the_codebook_is_made_of(tables: tuple[Table, Table]):
    for table in tables:
        text = to_markdown(table)
        assert "Ours: profile small; codebook of 1,234 captions, word vectors of hashed." in text
        assert "Words: adjective 90, noun 60, adverb 20, verb 30; together 200." in text


def test_without_edges(fresh_outputs: Path):
    (fresh_outputs / "codebook" / "edges.csv").write_text("link,rank,first,second,count\n")
    results = collect(fresh_outputs)
    words, edges = words_table(results), edges_table(results)
    assert len(words.rows) == SHOWN and "| rank (none) | - |" in to_markdown(edges)


def test_not_run_is_said():
    for table in (words_table(Results("test")), edges_table(Results("test"))):
        assert "| rank (not run) | - |" in to_markdown(table) and "codebook not built" in to_markdown(table)
