"""Tables of the codebook's words: the most frequent ones of each part of speech, and the strongest edges between them."""

import pandas

from sweettok.reporting.collect import Results
from sweettok.reporting.table import Number, Row, Table

SHOWN = 10  # of each kind; outputs/codebook lists more


def codebook_tables(results: Results) -> tuple[Table, Table]:
    """codebook_words and codebook_edges: one row a rank, beside each kind's words their count. Not in the paper."""
    codebook = results.codebook
    words = edges = None
    if codebook is not None:
        words = codebook.words[["part_of_speech", "rank", "word", "count"]]
        edges = codebook.edges.assign(pair=codebook.edges["first"] + " " + codebook.edges["second"])
        edges = edges[["link", "rank", "pair", "count"]]
    return (
        _table(
            results,
            "codebook_words",
            f"the {SHOWN} most frequent words of each part of speech (not in the paper)",
            words,
            "Count: occurrences in the captions, repeats included.",
        ),
        _table(
            results,
            "codebook_edges",
            f"the {SHOWN} strongest edges of each kind (not in the paper)",
            edges,
            "Count: captions that hold both words, repeats included; it is the edge's strength.",
        ),
    )


def _table(results: Results, identity: str, title: str, listed: pandas.DataFrame | None, counted: str) -> Table:
    """listed: columns kind, rank (from 1), name, count, in this order; None: not run."""
    kinds: dict[str, None] = {}  # in the order of the list
    ranks: dict[int, dict[str, Number | str]] = {}  # rank -> cells
    for kind, rank, name, count in () if listed is None else listed.itertuples(index=False, name=None):
        kinds[kind] = None
        if rank <= SHOWN:
            ranks.setdefault(rank, {}).update({kind: name, _count(kind): Number(int(count))})
    rows = tuple(Row(str(rank), {}, cells) for rank, cells in sorted(ranks.items()))
    return Table(
        identity=identity,
        title=title,
        published_columns=(),
        our_columns=tuple(column for kind in kinds for column in (kind, _count(kind))),
        rows=rows or (Row("rank", remark="not run" if listed is None else "none"),),
        setting=_setting(results),
        notes=(counted, *_sizes(results)),
    )


def _count(kind: str) -> str:
    return f"{kind} count"


def _setting(results: Results) -> str:
    """What the codebook was made of, e.g. "profile default; codebook of 2,048 captions, word vectors of minilm"."""
    codebook = results.codebook
    if codebook is None:
        return f"profile {results.profile}; codebook not built"
    made = f"{codebook.captions:,} captions, word vectors of {codebook.provider}"
    return f"profile {results.profile}; codebook of {made}"


def _sizes(results: Results) -> tuple[str, ...]:
    """A note of how many words there are, e.g. "Words: adjective 90, noun 89, adverb 40, verb 75; together 294."."""
    if results.codebook is None:
        return ()
    sizes = results.codebook.sizes
    parts = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    return (f"Words: {parts}; together {sum(sizes.values()):,}.",)
