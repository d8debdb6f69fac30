"""Which words the tokenizer uses most, by part of speech: the ranked bars of the web page."""

from dataclasses import dataclass

from sweettok.reporting.collect import Results

SHOWN = 15
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
    health = (results.reconstruction or {}).get("methods", {}).get("sweettok", {}).get("codebook") or {}
    lists = []
    for group, found in health.items():
        labels = found.get("labels")
        names = labels or [f"code {index}" for index in range(len(found["counts"]))]
        parts = [_part(word, group, results) if labels else "learned" for word in names]
        tokens = sum(found["counts"])
        used = sorted(zip(names, parts, found["counts"], strict=True), key=lambda entry: (-entry[2], entry[0]))
        for part in dict.fromkeys(sorted(parts)):
            top = [(word, times) for word, of, times in used if of == part and times > 0][:SHOWN]
            words = tuple(UsedWord(word, times, times / tokens, times / top[0][1]) for word, times in top)
            lists.append(WordList(group, part, words))
    return tuple(lists)


def _part(word: str, group: str, results: Results) -> str:
    """Of a word with several parts of speech the one that its token group is made of."""
    known = results.codebook.parts.get(word, ()) if results.codebook else ()
    fitting = [part for part in known if part in PARTS.get(group, ())]
    return next(iter([*fitting, *known]), "other")
