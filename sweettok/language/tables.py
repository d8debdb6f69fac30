"""Tables of a codebook for people: its most frequent words and its strongest edges."""

from collections.abc import Sequence

import pandas

from sweettok.language.codebook import Codebook
from sweettok.language.graph import LINKED_PARTS
from sweettok.language.tagging import PARTS


def frequent_words(codebook: Codebook, most: int) -> pandas.DataFrame:
    """The `most` most frequent words of each part of speech: part_of_speech, rank (from 1), word, count.

    count: occurrences in the captions, repeats included. Words of equal count in the order of the alphabet.
    """
    words = pandas.DataFrame(
        {"part_of_speech": codebook.part_of_speech, "word": codebook.words, "count": codebook.counts.numpy()}
    )
    return _ranked(words, "part_of_speech", PARTS, ["word"], most)


def strongest_edges(codebook: Codebook, most: int) -> pandas.DataFrame:
    """The `most` most frequent edges of each kind: link ("adjective-noun", "adverb-verb"), rank, first, second, count.

    count: captions that hold both words, repeats included.
    """
    first, second = codebook.edges.T.tolist()
    edges = pandas.DataFrame(
        {
            "link": [f"{codebook.part_of_speech[i]}-{codebook.part_of_speech[j]}" for i, j in codebook.edges.tolist()],
            "first": [codebook.words[i] for i in first],
            "second": [codebook.words[j] for j in second],
            "count": codebook.edge_counts.numpy(),
        }
    )
    return _ranked(edges, "link", ["-".join(link) for link in LINKED_PARTS], ["first", "second"], most)


def _ranked(rows: pandas.DataFrame, group: str, order: Sequence[str], names: list[str], most: int) -> pandas.DataFrame:
    """The `most` rows of highest count in each group, groups in the given order, with a column `rank` after `group`."""
    rows = rows.sort_values(["count", *names], ascending=[False, *[True] * len(names)])
    rows = pandas.concat([rows[rows[group] == name].head(most) for name in order], ignore_index=True)
    rows.insert(1, "rank", rows.groupby(group).cumcount() + 1)
    return rows
