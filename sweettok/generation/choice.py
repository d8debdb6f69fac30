"""Which guidance and temperature: the pair whose samples are nearest to validation clips."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.generation.prior import Prior
from sweettok.generation.sampling import decode_in_batches, sample_classes_in_turn
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.frechet import FeatureMoments, frechet_distance, too_few_clips
from sweettok.models.judge import Judge
from sweettok.models.processes import gathered_objects, over_processes
from sweettok.params import Sampling, SamplingSettings
from sweettok.video.store import ClipStore

if TYPE_CHECKING:
    from sweettok.models.tokenizer import VideoTokenizer


@dataclass(frozen=True)
class Choice:
    """The chosen settings, and a row of every candidate: guidance, temperature, frechet, class_consistency, n, split.

    Without a choice, as there is but one candidate, no rows.
    """

    settings: SamplingSettings
    table: list[dict[str, Any]]


def choose_settings(
    prior: Prior, tokenizer: "VideoTokenizer", judge: Judge, val: ClipStore, sampling: Sampling, seed: int
) -> Choice:
    """The candidate of the lowest Frechet distance to validation clips; of equals, the one truest to its class.

    `sampling.choice_samples` clips of each candidate, with the same noise, drawn with `seed`. Each process measures its
    share, and all choose the same.
    Raises InputError where there is a choice, but fewer than two validation clips.
    """
    first, *others = sampling.candidates
    if not others:
        return Choice(first, [])
    if len(val) < 2:
        raise InputError(
            f"choosing among {len(sampling.candidates)} candidates of sampling.guidance and sampling.temperature needs at "
            f"least 2 validation clips, but there is {len(val)}; give one value of each, or more clips"
        )
    (distance,) = judge_distances(judge, val, kinds=("video",))
    real = FeatureMoments.of(distance.real)

    def features_of(part: Tensor) -> Tensor:
        return torch.from_numpy(distance.generated_features(decode_in_batches(tokenizer, part, len(part))))

    def row(settings: SamplingSettings) -> dict[str, Any]:
        drawn = settings.model_copy(update={"samples": sampling.choice_samples})
        tokens, labels = sample_classes_in_turn(prior, drawn, seed)
        features = over_processes(features_of, tokens.split(settings.batch_size)).numpy()
        reason = too_few_clips(min(features.shape[0], real.n), real.dims)
        return {
            "guidance": settings.guidance,
            "temperature": settings.temperature,
            "frechet": frechet_distance(FeatureMoments.of(features), real),
            "class_consistency": float((judge.classify(features) == labels.numpy()).mean()),
            "n": len(labels),
            "split": val.split,
        } | ({"says_nothing": reason} if reason else {})

    # The first process's table in all of them: where the machines differ, so may the last bits of the distances.
    table = gathered_objects([row(settings) for settings in sampling.candidates])[0]
    return Choice(sampling.candidates[_best(table)], table)


def _best(table: list[dict[str, Any]]) -> int:
    return min(range(len(table)), key=lambda place: (table[place]["frechet"], -table[place]["class_consistency"]))
