"""Tables of the codebook's words: the most frequent ones of each part of speech, and the strongest edges between them."""

import pandas

from sweettok.reporting.collect import Results
from sweettok.reporting.table import Content, Number, Row, Table

SHOWN = 10  # of each kind; outputs/codebook lists more


def words_table(results: Results) -> Table:
    """codebook_words: one row a rank, beside each part's words their count. Not in the paper."""
    words = results.codebook.words.rename(columns={"part_of_speech": "kind"}) if results.codebook else None
    title = f"the {SHOWN} most frequent words of each part of speech (not in the paper)"
    return _table(results, "codebook_words", title, words, "Count: occurrences in the captions, repeats included.")


def edges_table(results: Results) -> Table:
    """codebook_edges: the same of pairs of words."""
    edges = None
    if results.codebook:
        edges = results.codebook.edges.rename(columns={"link": "kind"})
        edges["word"] = edges["first"] + " " + edges["second"]
    title = f"the {SHOWN} strongest edges of each kind (not in the paper)"
    note = "Count: captions that hold both words, repeats included; it is the edge's strength."
    return _table(results, "codebook_edges", title, edges, note)


def _table(results: Results, identity: str, title: str, listed: pandas.DataFrame | None, counted: str) -> Table:
    """listed: columns kind, rank (from 1), word, count; None: not run."""
    rows = [Row("rank", remark="not run" if listed is None else "none")]
    kinds: list[str] = []
    if listed is not None and len(listed):
        kinds = list(listed["kind"].unique())
        ranks: dict[int, dict[str, Content]] = {}
        for entry in listed[listed["rank"] <= SHOWN].sort_values("rank").itertuples():
            ranks.setdefault(entry.rank, {}).update({entry.kind: entry.word, f"{entry.kind} count": Number(int(entry.count))})
        rows = [Row(str(rank), cells) for rank, cells in ranks.items()]
    codebook = results.codebook
    sizes, made = "", "codebook not built"
    if codebook:
        parts = ", ".join(f"{part} {size:,}" for part, size in codebook.sizes.items())
        sizes = f"Words: {parts}; together {sum(codebook.sizes.values()):,}."
        made = f"codebook of {codebook.captions:,} captions, word vectors of {codebook.provider}"
    return Table(
        identity=identity,
        title=title,
        rows=tuple(rows),
        setting=f"profile {results.profile}; {made}",
        notes=(counted, *([sizes] if sizes else [])),
        first=tuple(column for kind in kinds for column in (kind, f"{kind} count")),
    )
