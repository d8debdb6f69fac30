"""Sampling clips' tokens from the prior: classifier-free guidance, temperature, top-k, top-p, key/value cache.

Order of operations: guidance u + s (c - u) on the logits of the words allowed at the position, then temperature, then
top-k, then top-p on what top-k left (the order of transformers' generate).
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.generation.prior import Prior
from sweettok.models.processes import over_processes, process_count, process_rank
from sweettok.params import SamplingSettings
from sweettok.progress import MINUTE, progress

if TYPE_CHECKING:
    from sweettok.models.tokenizer import VideoTokenizer

SAMPLES_KEPT, CLASSES_KEPT = 64, 12  # for pictures


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Logits (B, words) with all but the k largest of each row set to -inf; k = 0 or k >= words keeps all."""
    if k == 0 or k >= logits.shape[-1]:
        return logits
    values, words = logits.topk(k, dim=-1)  # exactly k, also among equals
    return torch.full_like(logits, -torch.inf).scatter(-1, words, values)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Logits (B, words) with all but the smallest set of probability >= p in each row set to -inf; p = 1 keeps all."""
    if p == 1:
        return logits
    values, words = logits.sort(dim=-1, descending=True)
    probabilities = values.double().softmax(-1)
    before = probabilities.cumsum(-1) - probabilities  # mass of the likelier words; 0 for the first, which always stays
    return torch.full_like(logits, -torch.inf).scatter(-1, words, values.masked_fill(before >= p, -torch.inf))


def draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """One word a row by inverting the cumulative distribution: logits (B, words), uniform (B,) in [0, 1) -> int64 (B,).

    A word of probability 0 is never drawn. Raises ValueError for a row that is no distribution: NaN, infinity, -inf alone.
    """
    cumulative = logits.double().softmax(-1).cumsum(-1)  # (B, words)
    if cumulative.isnan().any():
        raise ValueError("draw: expected logits below infinity, at least one a row above -infinity, got NaN or others")
    threshold = uniform.double()[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, threshold, right=True).squeeze(-1)


@torch.no_grad()
def sample(
    prior: Prior, labels: Tensor, sampling: SamplingSettings, generator: torch.Generator, use_cache: bool = True
) -> Tensor:
    """Draw one clip's tokens for each label: int64 labels (B,) -> tokens as `TokenLayout.unflatten` gives them.

    Used of `sampling`: temperature, top_k, top_p, guidance. `use_cache` False recomputes the whole sequence for each
    index: the same tokens, slowly (a check of the cache).

    Randomness: B * S uniform numbers from `generator`, row after row, before the first step. So with a CPU generator a
    clip depends on the seed, its label and how many clips were drawn before it, not on the batch size or on the other
    rows (up to rounding of the network's arithmetic); reordering the labels reorders labels, not noise.

    Raises ValueError (labels of wrong shape, dtype or range), InputError (logits that are not finite: a diverged prior,
    or guidance and temperature that overflow).
    """
    layout = prior.config.layout
    guided = sampling.guidance != 1
    prefix = prior.prefix(labels)  # (B,)
    if guided:  # the second half of the batch has the same words behind "no class"
        prefix = torch.cat([prefix, prior.prefix(labels, drop=torch.ones_like(labels, dtype=torch.bool))])
    noise = torch.rand(len(labels), layout.length, generator=generator, device=generator.device).to(labels.device)

    cache = _empty_cache(prior) if use_cache else None
    sequence = prefix[:, None]  # (B or 2B, 1 + position)
    for position in range(layout.length):
        features = prior.hidden(sequence[:, -1:] if use_cache else sequence, cache)[:, -1]  # (B or 2B, D)
        allowed = layout.allowed(position)
        logits = prior.word_logits(features, allowed).float()  # (B or 2B, words)
        scaled = _guided(logits, sampling) / sampling.temperature
        if not scaled.isfinite().all():
            raise InputError(_why_not_finite(logits, sampling))
        logits = keep_top_p(keep_top_k(scaled, sampling.top_k), sampling.top_p)
        ids = allowed.start + draw(logits, noise[:, position])  # (B,)
        sequence = torch.cat([sequence, (ids.repeat(2) if guided else ids)[:, None]], dim=1)
    return layout.unflatten(sequence[: len(labels), 1:])


def _guided(logits: Tensor, sampling: SamplingSettings) -> Tensor:
    """Logits (B, words) as they come under guidance 1; else (2B, words), the second half without class -> (B, words)."""
    if sampling.guidance == 1:
        return logits
    conditional, unconditional = logits.chunk(2)
    return unconditional + sampling.guidance * (conditional - unconditional)


def _why_not_finite(logits: Tensor, sampling: SamplingSettings) -> str:
    if not logits.isfinite().all():
        return "the prior predicts NaN or infinity: its training diverged; train it again with a lower learning rate"
    return (
        f"guidance {sampling.guidance:g} and temperature {sampling.temperature:g} make the prior's logits overflow; "
        "choose a smaller guidance or a larger temperature"
    )


def sample_in_batches(prior: Prior, labels: Tensor, sampling: SamplingSettings, generator: torch.Generator) -> Tensor:
    """`sample` for any number of labels, `sampling.batch_size` at a time, each process its share of the batches.

    The tokens of all labels, in all processes, on the CPU: the same for any number of processes.
    """
    device, parts, states = prior.head.weight.device, labels.split(sampling.batch_size), []
    for part in parts:  # from where each batch's noise is drawn, whoever draws it
        states.append(generator.get_state())
        torch.rand(len(part), prior.config.layout.length, generator=generator, device=generator.device)

    def draw_batch(number: int) -> Tensor:
        generator.set_state(states[number])
        tokens = sample(prior, parts[number].to(device), sampling, generator)
        bar.update(len(tokens))
        return tokens

    end = generator.get_state()
    mine = sum(map(len, parts[process_rank() :: process_count()]))
    with progress(name="sample", total=mine, unit="clip", delay=MINUTE, disable=process_rank() > 0) as bar:
        tokens = over_processes(draw_batch, range(len(parts)))
    generator.set_state(end)  # as if all had been drawn here
    return tokens


def sample_classes_in_turn(prior: Prior, sampling: SamplingSettings, seed: int) -> tuple[Tensor, Tensor]:
    """`sampling.samples` clips, one class after another and round again: (tokens, labels int64 (n,)), on the CPU."""
    labels = torch.arange(sampling.samples) % prior.config.classes
    return sample_in_batches(prior, labels, sampling, torch.Generator().manual_seed(seed)), labels


def decode_in_batches(tokenizer: "VideoTokenizer", tokens: Tensor, batch_size: int) -> Tensor:
    """Tokens of clips -> the clips (n, 3, T, H, W), on the CPU."""
    return torch.cat([tokenizer.decode(part.to(tokenizer.device)).cpu() for part in tokens.split(batch_size)])


def for_pictures(labels: Tensor, classes: int) -> Tensor:
    """Which of the samples of these labels to keep for pictures, int64 (n,): the first 64 of all classes or, where
    there are more than 12, of 12 evenly spaced ones."""
    shown = torch.linspace(0, classes - 1, min(classes, CLASSES_KEPT)).round().long()
    return torch.isin(labels, shown).nonzero().flatten()[:SAMPLES_KEPT]


def _empty_cache(prior: Prior) -> Any:
    """A transformers DynamicCache, imported late to keep this module light."""
    from transformers import DynamicCache

    return DynamicCache(config=prior.transformer.config)
