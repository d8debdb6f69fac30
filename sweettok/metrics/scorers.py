"""The metrics of pairs that can be measured here: with the judge and the weights that are at hand."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.foreign import held_to_pairs
from sweettok.metrics.networks import Skipped
from sweettok.metrics.registry import METRICS, Metric, metrics
from sweettok.models.judge import Judge
from sweettok.params import Metrics

NO_JUDGE = "no trained judge here; give --judge"


@dataclass(frozen=True)
class Scorer:
    """A metric of pairs, ready to use.

    name      key of its records, which of unverified weights is another than the metric's
    column    of per-clip tables
    compute   clips a, b (B, 3, T, H, W) in [-1, 1] -> (B,)
    facts     what the record says of it
    """

    name: str
    column: str
    compute: Callable[[Tensor, Tensor], Tensor]
    facts: dict[str, Any] = field(default_factory=dict)


def open_scorers(
    judge: Judge | None, settings: Metrics | None, size: int, wanted: Collection[str] | None = None
) -> tuple[list[Scorer], list[Skipped]]:
    """Scorers of all metrics of pairs, those of published networks where settings list these, and what is left out.

    size: of the clips, in pixels. wanted: names of metrics; None: all.
    Those of other packages are held to what they declare (`foreign.held_to_pairs`). Raises InputError where the function
    of one cannot be imported.
    """
    found: list[Scorer] = []
    skipped: list[Skipped] = []
    for metric in metrics().values():
        listed = metric.needs != "weights" or (settings and set(metric.networks) & set(settings.perceptual))
        if metric.compares != "pairs" or not listed or (wanted is not None and metric.name not in wanted):
            continue
        function = metric.function()
        try:
            scorer = _opened(metric, function, judge, settings, size)
        except InputError as reason:
            skipped.append(Skipped(metric.name, metric.kind, str(reason)))
            continue
        ours = metric in METRICS
        found.append(scorer if ours else replace(scorer, compute=held_to_pairs(scorer.name, scorer.compute)))
    return found, skipped


def _opened(
    metric: Metric, function: Callable[..., Any], judge: Judge | None, settings: Metrics | None, size: int
) -> Scorer:
    if size < metric.min_size:
        raise InputError(f"it needs frames of at least {metric.min_size} pixels, these have {size}")
    if metric.needs == "judge":
        if judge is None:
            raise InputError(NO_JUDGE)
        facts = {"extractor": judge.name, "weights_sha256": judge.fingerprint}
        return Scorer(metric.name, metric.per_clip, torch.no_grad()(partial(function, judge)), facts)
    if metric.needs == "weights":
        assert settings
        (name,) = metric.networks
        network = function(name, settings.weights[name])
        return Scorer(network.metric, network.metric, network.distance, network.facts)
    return Scorer(metric.name, metric.per_clip, torch.no_grad()(function))
