"""Find the nouns, adjectives, verbs and adverbs of a caption, offline.

Two sources are reconciled. textblob's PatternTagger gives every word of a sentence one Penn Treebank tag; it knows
little context, so that a third-person verb it has not listed becomes a plural noun ("the square orbits"). lemminflect's
dictionary says which classes a word can take at all, and its lemma in each. A few rules on the neighbouring tags
(`_corrected`) decide where the two disagree or where the tagger is known to err.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

PARTS = ("adjective", "noun", "adverb", "verb")  # also the order of words in a codebook

# Too general to describe what is seen; the auxiliaries and words like "other" would link to almost everything.
_TOO_GENERAL = """
    be have do can will shall may must would could should might get
    thing something someone somebody anything anyone everything everyone nothing other another one ones lot
    such same own many much more most few several some any all each every both
    not never also just so too very then there here now when where how why as even only still
    well yet else ever however rather quite really etc don
"""
STOP_WORDS = frozenset(_TOO_GENERAL.split())

_PART_OF_TAG = {
    "NN": "noun", "NNS": "noun", "NNP": "noun", "NNPS": "noun",
    "JJ": "adjective", "JJR": "adjective", "JJS": "adjective",
    "RB": "adverb", "RBR": "adverb", "RBS": "adverb",
    "VB": "verb", "VBD": "verb", "VBG": "verb", "VBN": "verb", "VBP": "verb", "VBZ": "verb",
}  # fmt: skip
_TAG_OF_PART = {"adjective": "JJ", "noun": "NN", "adverb": "RB", "verb": "VB"}
_PART_OF_UPOS = {"ADJ": "adjective", "NOUN": "noun", "ADV": "adverb", "VERB": "verb"}
_UPOS_OF_PART = {part: upos for upos, part in _PART_OF_UPOS.items()}

_BE = frozenset(("is", "are", "was", "were", "be", "been", "being", "am", "'s", "'re"))
_BEFORE_A_NOUN = frozenset(("DT", "JJ", "JJR", "JJS", "PRP$", "POS"))
_CLAUSE_STARTS = frozenset(("CC", ",", ".", ":", "WDT", "WP", "WRB"))
_CLAUSE_WORDS = frozenset(("while", "as", "before", "after", "until", "because", "that"))
_WORD = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]+)*")


@dataclass(frozen=True)
class TaggedCaption:
    """The content words of one distinct caption.

    mentions: (lemma, part of speech) of each word, in sentence order, repeats kept; parts as in `PARTS`.
    times: how often the caption occurs in the collection.
    """

    mentions: tuple[tuple[str, str], ...]
    times: int


def tag_captions(captions: Iterable[str]) -> list[TaggedCaption]:
    """Tag every distinct caption once (letter case ignored), in order of first occurrence.

    Stop words and tokens that are not words (numbers, single letters, punctuation) are left out.
    """
    distinct = Counter(" ".join(caption.lower().split()) for caption in captions)
    return [TaggedCaption(tuple(_mentions(caption)), times) for caption, times in distinct.items()]


def _mentions(caption: str) -> Iterator[tuple[str, str]]:
    from textblob.en import parser  # what textblob's PatternTagger calls, here without its detour over a string

    tagged = [
        word_and_tag for sentence in parser.parse(caption, chunks=False, collapse=False) for word_and_tag in sentence
    ]
    previous, clause_has_verb = "", False
    for position, (word, tag) in enumerate(tagged):
        following = tagged[position + 1][1] if position + 1 < len(tagged) else ""
        tag = _corrected(word, tag, previous, following, clause_has_verb)
        if tag in _CLAUSE_STARTS or word in _CLAUSE_WORDS:
            clause_has_verb = False
        elif tag.startswith("VB"):
            clause_has_verb = True
        still_after_be = previous == "BE" and tag.startswith("RB")  # "is slowly sliding"
        previous = "BE" if word in _BE or still_after_be else tag
        mention = _mention(word, tag)
        if mention is not None:
            yield mention


@lru_cache(maxsize=1 << 18)
def _corrected(word: str, tag: str, previous: str, following: str, clause_has_verb: bool) -> str:
    """The tag, or a better one. `previous` is the corrected tag before ("BE" for a form of be); "" where none."""
    if tag not in _PART_OF_TAG:
        return tag
    possible = _lemmas(word)
    inside = _inside_noun_phrase(word, tag, following, possible) if previous in _BEFORE_A_NOUN else None
    if inside:
        return inside
    part = _PART_OF_TAG[tag]
    if part == "noun" and "verb" in possible:
        if previous == "BE" and word.endswith("ing"):
            return "VBG"  # "a man is cooking"
        after_subject = previous in ("NN", "NNP", "RB") and not clause_has_verb and not following.startswith("VB")
        if after_subject and word.endswith("s") and possible["verb"] != word:
            return "VBZ"  # "the square orbits", "the circle slowly slides"
    if not possible:
        return "NN" if part == "verb" and not word.endswith("ing") else tag  # an unknown name: "ted"
    if part in possible or (tag == "JJ" and (word.endswith("ed") or word in _colours())):
        return tag  # the dictionary has participles ("rimmed") under the verb alone, some colours under the noun
    return _TAG_OF_PART[_likely_part(possible, previous, following)]


def _inside_noun_phrase(word: str, tag: str, following: str, possible: dict[str, str]) -> str | None:
    """A better tag for a content word that follows a determiner, possessive or adjective, or None."""
    noun_follows = following.startswith(("NN", "JJ"))
    if tag in ("NN", "NNP") and word in _colours() and (noun_follows or following == "VBN"):
        return "JJ"  # "a salmon wall": dictionaries list most such colours as the thing only
    if tag == "NN" and following == "JJ" and "adjective" in possible:
        return "JJ"  # "a giant red ball"
    if tag in ("VBN", "VBD") and (noun_follows or following in ("VB", "VBN")):
        return "JJ"  # "a dotted cross"; "cross" alone is a verb to the tagger
    if tag == "VBG" and "adjective" in possible and noun_follows:
        return "JJ"  # "an interesting game"
    if tag in ("VB", "VBD", "VBP", "VBZ") and "noun" in possible:
        return "NN"  # "the cross"
    if tag.startswith("RB") and "adjective" in possible and following.startswith("NN"):
        return "JJ"  # "a pretty girl"
    return None


@cache
def _colours() -> frozenset[str]:
    """One-word colour names of the xkcd survey ("salmon", "navy", "mustard")."""
    from matplotlib.colors import XKCD_COLORS

    return frozenset(name.removeprefix("xkcd:") for name in XKCD_COLORS)


def _likely_part(possible: dict[str, str], previous: str, following: str) -> str:
    """The class of a word that cannot be what the tagger says it is."""
    if previous in _BEFORE_A_NOUN:
        order = ("adjective", "noun") if following.startswith("NN") else ("noun", "adjective")
    elif previous == "BE" or previous.startswith("NN"):
        order = ("verb", "adjective")
    else:
        order = ("noun", "verb")
    return next(part for part in (*order, *PARTS) if part in possible)


@lru_cache(maxsize=1 << 18)
def _mention(word: str, tag: str) -> tuple[str, str] | None:
    part = _PART_OF_TAG.get(tag)
    if part is None or not _WORD.fullmatch(word):
        return None
    lemma = _lemmas(word).get(part) or _lemma_by_rule(word, part)
    return None if lemma in STOP_WORDS or word in STOP_WORDS else (lemma, part)


@lru_cache(maxsize=1 << 18)
def _lemmas(word: str) -> dict[str, str]:
    """Part of speech -> lemma for every class the dictionary allows; empty for a word it does not know."""
    import lemminflect

    found = lemminflect.getAllLemmas(word)
    return {_PART_OF_UPOS[upos]: lemmas[0] for upos, lemmas in found.items() if upos in _PART_OF_UPOS}


def _lemma_by_rule(word: str, part: str) -> str:
    """Lemma of a word outside the dictionary; an adjective made from a participle ("dotted") stays as it is."""
    import lemminflect

    if part in ("adjective", "adverb"):
        return word
    lemmas = lemminflect.getAllLemmasOOV(word, _UPOS_OF_PART[part])
    return next(iter(lemmas.values()))[0] if lemmas else word
