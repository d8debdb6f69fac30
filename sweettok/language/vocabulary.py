"""Vocabulary by part of speech: which words of the captions become codes."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sweettok.errors import InputError
from sweettok.language.tagging import PARTS, TaggedCaption

SPATIAL_PARTS = ("adjective", "noun")
TEMPORAL_PARTS = ("adverb", "verb")


@dataclass(frozen=True)
class Vocabulary:
    """Words (lemmas) by part of speech, each word in exactly one.

    counts: part of speech -> {word: occurrences as that part}; parts in the order of `PARTS`, words within a part by
    falling count, then alphabetically. A word's place in `words` is its index in graph and codebook.
    """

    counts: dict[str, dict[str, int]]

    @property
    def words(self) -> list[str]:
        """All words: adjectives, nouns, adverbs, verbs."""
        return [word for part in PARTS for word in self.counts[part]]

    @property
    def part_of_speech(self) -> list[str]:
        """Part of speech of each of `words`."""
        return [part for part in PARTS for _ in self.counts[part]]

    @property
    def spatial(self) -> list[str]:
        """Words that quantise spatial tokens: adjectives, then nouns (docs/paper.md, Codebook)."""
        return [word for part in SPATIAL_PARTS for word in self.counts[part]]

    @property
    def temporal(self) -> list[str]:
        """Words that quantise temporal tokens: adverbs, then verbs."""
        return [word for part in TEMPORAL_PARTS for word in self.counts[part]]


def build_vocabulary(
    tagged: list[TaggedCaption], min_count: int | Mapping[str, int], max_words: Mapping[str, int] | None = None
) -> Vocabulary:
    """Assign every lemma to the part of speech it occurs as most often; a tie goes to the earlier of `PARTS`.

    Only occurrences as that part count, weighted by how often their caption occurs. (The authors' lists drop a noun
    that is also listed as an adjective: docs/paper.md, C20. By majority a noun tagged as adjective once stays a noun,
    and verbs are told from nouns by the same rule.)

    min_count: lemmas that occur less often are left out; one number for all, or one for each part of speech.
    max_words: how many words a part keeps at most, the most frequent (the earlier in the alphabet of equals).

    Raises InputError where a part of speech ends up without a word: the codebook needs all four.
    """
    least = dict.fromkeys(PARTS, min_count) if isinstance(min_count, int) else min_count
    occurrences: dict[str, Counter[str]] = defaultdict(Counter)  # lemma -> part -> occurrences
    for caption in tagged:
        for lemma, part in caption.mentions:
            occurrences[lemma][part] += caption.times

    kept: dict[str, dict[str, int]] = {part: {} for part in PARTS}
    for lemma, by_part in occurrences.items():
        part = max(PARTS, key=lambda part: by_part[part])  # max keeps the first of equals
        if by_part[part] >= least[part]:
            kept[part][lemma] = by_part[part]

    if empty := [f"no {part} occurs at least {least[part]} times" for part in PARTS if not kept[part]]:
        raise InputError(
            f"{' and '.join(empty)} in {sum(caption.times for caption in tagged)} captions; "
            "lower codebook.min_count or give captions that say what is seen and how it moves"
        )
    by_count = {part: sorted(words.items(), key=lambda item: (-item[1], item[0])) for part, words in kept.items()}
    most = max_words or {}
    return Vocabulary({part: dict(by_count[part][: most.get(part)]) for part in PARTS})
