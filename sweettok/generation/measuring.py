"""A prior trained on a tokenizer's tokens and measured by its samples: sizes of priors, ablation variants."""

from dataclasses import dataclass
from typing import Any

from sweettok.generation.choice import choose_settings
from sweettok.generation.sampling import decode_in_batches, sample_classes_in_turn
from sweettok.generation.training import TokenizedClips, train_prior, validation_loss
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.generation import sample_records
from sweettok.metrics.record import record
from sweettok.models.judge import Judge
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Generator, Machine, Sampling
from sweettok.training.loop import PLAIN
from sweettok.video.store import ClipStore


@dataclass(frozen=True)
class MeasuredPrior:
    """metrics: records of `frechet_video/judge`, of class_consistency and of the validation loss, in nats a token."""

    metrics: dict[str, Any]
    facts: dict[str, Any]  # parameters, steps, the chosen sampling settings and what they were chosen from
    history: list[dict[str, Any]]


def train_and_measure(
    settings: Generator,
    sampling: Sampling,
    tokenizer: VideoTokenizer,
    clips: TokenizedClips,
    judge: Judge,
    test: ClipStore,
    name: str,
    run: Any = None,
    machine: Machine = PLAIN,
) -> MeasuredPrior:
    """Train as `train_prior`, choose how to sample on validation clips, and compare samples with the clips of `test`.

    The noise of the samples is drawn with sampling.seed + settings.seed, so the spread over seeds is also that of
    sampling. tokenizer: the one whose tokens `clips` holds; it and the prior stay on its device.
    """
    prior, history = train_prior(settings, clips, name, run, machine)
    loss, noise = validation_loss(prior, clips), sampling.seed + settings.seed
    choice = choose_settings(prior, tokenizer, judge, clips.val, sampling, noise + 1)
    tokens, labels = sample_classes_in_turn(prior, choice.settings, noise)
    samples = decode_in_batches(tokenizer, tokens, sampling.batch_size)
    distances = judge_distances(judge, test, kinds=("video",))
    records, _ = sample_records(judge, distances, samples, labels.numpy(), test, settings.seed)
    protocol: dict[str, Any] = {"unit": "nats a token", "tokens": clips.layout.tokens, "data": clips.val.fingerprint}
    records["loss"] = record(loss, len(clips.val), "val", settings.seed, metric="loss", **protocol)
    facts = {
        "parameters": prior.parameter_count(),
        "sampling": choice.settings.model_dump(mode="json"),
        "choice": choice.table,
        "steps": settings.optimiser.steps,
    }
    return MeasuredPrior(records, facts, history)
