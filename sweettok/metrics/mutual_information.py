"""How much a clip's words tell about its caption's words, in bits.

Draw a clip, one of its tokens' words W and one content word L of its caption, each evenly: I(W; L) of that pair. Counted
on few clips it is far above zero for unrelated words too, so what is reported is its excess over the same number with
the captions shuffled over the clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from torch import Tensor

from sweettok.language.tagging import PARTS, tag_captions
from sweettok.metrics.probes import token_features
from sweettok.metrics.record import record
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Semantics
from sweettok.video.store import ClipStore

HALVES = 50  # half-samples for the interval
PERMUTATIONS_OF_A_HALF = 2
MIN_CLIPS = 2  # of a caption's word: one clip alone cannot show a dependence


@dataclass(frozen=True)
class ExcessInformation:
    """Mutual information over what chance gives, in bits.

    information  of the words as they are (plug-in estimate);  null: mean of it over shuffles
    value        information - null;  interval: 95 %, normal, its spread from half-samples of the clips
    p_value      share of shuffles (and the words as they are) with at least this information
    """

    information: float
    null: float
    value: float
    interval: tuple[float, float]
    p_value: float


def mutual_information(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """I(W; L) in bits of p(w, l) = mean over clips of first[clip, w] * second[clip, l]; rows (n, V) and (n, U) sum to 1."""
    joint = first.T @ second / len(first)  # (V, U)
    parts = (xlogy(p, p).sum() for p in (joint, joint.sum(1), joint.sum(0)))
    of_joint, of_first, of_second = parts
    return float((of_joint - of_first - of_second) / np.log(2))


def excess_information(first: ArrayLike, second: ArrayLike, permutations: int, seed: int) -> ExcessInformation:
    """`mutual_information` of (n, V) and (n, U) over its mean with the rows of `second` shuffled; set by `seed`.

    The interval is that of the delete-half jackknife (Shao & Wu 1989): the spread of the excess over halves of the clips,
    each with shuffles of its own. A bootstrap would repeat clips, and a repeated clip looks like a dependence.
    Raises ValueError (shapes, rows that do not sum to 1, fewer than 4 clips).
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) < 4:
        raise ValueError(f"expected (n, V) and (n, U) of at least 4 clips, got {first.shape} and {second.shape}")
    if not (np.allclose(first.sum(1), 1, atol=1e-4) and np.allclose(second.sum(1), 1, atol=1e-4)):
        raise ValueError("expected shares of words: rows that sum to 1")
    generator = np.random.default_rng(seed)
    found = mutual_information(first, second)
    shuffled = _shuffled(first, second, permutations, generator)
    excess = found - float(shuffled.mean())
    halves = [generator.permutation(len(first))[: len(first) // 2] for _ in range(HALVES)]
    of_halves = [
        mutual_information(first[rows], second[rows])
        - _shuffled(first[rows], second[rows], PERMUTATIONS_OF_A_HALF, generator).mean()
        for rows in halves
    ]
    margin = 1.96 * float(np.std(of_halves, ddof=1))
    return ExcessInformation(
        information=found,
        null=float(shuffled.mean()),
        value=excess,
        interval=(excess - margin, excess + margin),
        p_value=float((1 + (shuffled >= found).sum()) / (1 + permutations)),
    )


def _shuffled(
    first: NDArray[np.float64], second: NDArray[np.float64], permutations: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    return np.array(
        [mutual_information(first, second[generator.permutation(len(second))]) for _ in range(permutations)]
    )


def caption_features(captions: Sequence[str], part: str) -> NDArray[np.float64]:
    """Shares of a part of speech's lemmas in each caption, (n, lemmas); rows without such a lemma are zero.

    Lemmas of fewer than MIN_CLIPS captions are left out. part: see sweettok.language.tagging.PARTS.
    """
    tagged = {caption: tag_captions([caption]) for caption in dict.fromkeys(captions)}
    lemmas = [
        [lemma for found in tagged[caption] for lemma, of in found.mentions if of == part] for caption in captions
    ]
    column = {lemma: place for place, lemma in enumerate(sorted({lemma for row in lemmas for lemma in row}))}
    counts = np.zeros((len(captions), len(column)))
    for clip, row in enumerate(lemmas):
        for lemma in row:
            counts[clip, column[lemma]] += 1
    counts = counts[:, (counts > 0).sum(0) >= MIN_CLIPS]
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def mutual_information_rows(
    model: VideoTokenizer, tokens: dict[str, Tensor], store: ClipStore, settings: Semantics
) -> list[dict[str, Any]]:
    """Excess information of each token group's words (codes) on each part of speech of the captions.

    tokens: see `sweettok.metrics.semantics.tokens_by_group`. Clips whose caption has no such word are left out (n says how
    many are in); a part of speech with fewer than two words, or in fewer than 4 clips, has no row.
    """
    rows = []
    for part in PARTS:
        lemmas = caption_features(store.captions, part)
        with_words = lemmas.sum(1) > 0
        if lemmas.shape[1] < 2 or with_words.sum() < 4:
            continue
        for group, of_group in tokens.items():
            words = token_features(of_group, model.quantizers[group].size)
            found = excess_information(words[with_words], lemmas[with_words], settings.permutations, settings.seed)
            excess = record(
                found.value, int(with_words.sum()), store.split, settings.seed, found.interval, metric="mutual information",
                unit="bits", permutations=settings.permutations, null="captions shuffled over clips", half_samples=HALVES,
            )  # fmt: skip
            rows.append(
                {
                    "tokens": group,
                    "part_of_speech": part,
                    "lemmas": lemmas.shape[1],
                    "information": found.information,
                    "null": found.null,
                    "excess": excess,
                    "p_value": found.p_value,
                }
            )
    return rows
