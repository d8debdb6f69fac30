"""Tables of the codebook's words: the most frequent ones of each part of speech, and the strongest edges between them."""

import pandas

from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.table import Content, Number, Row, Table

SHOWN = 10  # of each kind; outputs/codebook lists more


def words_table(results: Results) -> Table:
    """codebook_words: one row a rank, beside each part's words their count. Not in the paper."""
    words = results.codebook.words.rename(columns={"part_of_speech": "kind"}) if results.codebook else None
    return _table(results, "codebook_words", words)


def edges_table(results: Results) -> Table:
    """codebook_edges: the same of pairs of words."""
    edges = None
    if results.codebook:
        edges = results.codebook.edges.rename(columns={"link": "kind"})
        edges["word"] = edges["first"] + " " + edges["second"]
    return _table(results, "codebook_edges", edges)


def _table(results: Results, identity: str, listed: pandas.DataFrame | None) -> Table:
    """listed: columns kind, rank (from 1), word, count; None: not run."""
    rows = [Row("rank", remark="not run" if listed is None else "none")]
    first: list[str] = []
    if listed is not None and len(listed):
        first = [column for kind in listed["kind"].unique() for column in (kind, f"{kind} count")]
        ranks: dict[int, dict[str, Content]] = {}
        for entry in listed[listed["rank"] <= SHOWN].sort_values("rank").itertuples():
            columns = {entry.kind: entry.word, f"{entry.kind} count": Number(int(entry.count))}
            ranks.setdefault(entry.rank, {}).update(columns)
        rows = [Row(str(rank), columns) for rank, columns in ranks.items()]
    codebook, source = results.codebook, "codebook not built"
    notes: list[str] = []
    if codebook:
        parts = ", ".join(f"{part} {size:,}" for part, size in codebook.sizes.items())
        notes = [f"Words: {parts}; together {sum(codebook.sizes.values()):,}."]
        source = f"codebook of {codebook.captions:,} captions, word vectors of {codebook.provider}"
    setting = f"profile {results.profile}; {source}"
    return declared_table(identity, rows, setting, first=first, notes=notes, SHOWN=SHOWN)
