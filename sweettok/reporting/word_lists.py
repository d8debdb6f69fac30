"""Which words the tokenizer uses, by part of speech: the ranked bars of the web page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweettok.reporting.collect import Results

SHOWN = 15
LEARNED = "learned"  # the "part of speech" of a learned codebook's codes
PARTS = {"spatial": ("adjective", "noun"), "temporal": ("adverb", "verb")}  # of whose words a token group is made


@dataclass(frozen=True)
class UsedWord:
    """times: how often; share: of all tokens of its group, in [0, 1]; length: of its bar, in [0, 1], the longest is 1."""

    word: str
    times: int
    share: float
    length: float


@dataclass(frozen=True)
class WordList:
    """The words of a part of speech that one token group uses most, most frequent first."""

    group: str
    part: str
    words: tuple[UsedWord, ...]


def word_lists(results: Results) -> tuple[WordList, ...]:
    """Up to 15 words a part of speech, from SweetTok's tokens of the validation clips.

    Words of a learned codebook have no part of speech: they are "code 0", "code 1", ... of the part "learned".
    Empty where reconstruction has not been measured.
    """
    lists: list[WordList] = []
    for group, health in _health(results).items():
        names = health.get("labels") or [f"code {index}" for index in range(len(health["counts"]))]
        counts: Counter[str] = Counter()
        for word, times in zip(names, health["counts"], strict=True):  # one that is adjective and noun stands twice
            counts[word] += times
        lists += _ranked(group, counts, results)
    return tuple(lists)


def _health(results: Results) -> dict[str, dict[str, Any]]:
    return results.methods.get("sweettok", {}).get("codebook") or {}


def _ranked(group: str, counts: Mapping[str, int], results: Results) -> list[WordList]:
    """One list a part of speech, up to 15 words each."""
    health, tokens = _health(results), sum(counts.values())
    learned = group in health and health[group].get("labels") is None
    parts = {word: LEARNED if learned else _part(word, group, results) for word in counts}
    used = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    lists = []
    for part in sorted(set(parts.values())):
        top = [(word, times) for word, times in used if parts[word] == part and times > 0][:SHOWN]
        words = tuple(UsedWord(word, times, times / tokens, times / top[0][1]) for word, times in top)
        lists.append(WordList(group, part, words))
    return lists


def _part(word: str, group: str, results: Results) -> str:
    """Of a word with several parts of speech the one that its token group is made of."""
    known = results.codebook.parts.get(word, ()) if results.codebook else ()
    fitting = [part for part in known if part in PARTS.get(group, ())]
    return next(iter([*fitting, *known]), "other")
