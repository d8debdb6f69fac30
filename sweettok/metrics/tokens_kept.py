"""Quality against tokens kept, of a model trained with tail drop; and how many tokens each clip is best given."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sweettok.metrics.fidelity import decibels
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.video.store import ClipStore

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)


def length_rows(model: VideoTokenizer, store: ClipStore, batch_size: int) -> list[dict[str, float]]:
    """The curve of quality against tokens kept, over all clips of a split: a row for each of `SHARES`.

    tokens, bits, psnr (dB, mean over clips), mse: where all clips have the same length; adaptive_tokens,
    adaptive_bits, adaptive_psnr, adaptive_mse: where each has the length that `lengths_for` gives it at no more tokens in the mean.
    """
    parts = torch.arange(len(store)).split(batch_size)
    errors = torch.cat([errors_by_length(model, store.clips(part).to(model.device), SHARES).cpu() for part in parts])
    kept = [kept_of(model, share) for share in SHARES]
    costs = torch.tensor([sum(groups.values()) for groups in kept])
    bits = torch.tensor([bits_kept(model, groups) for groups in kept], dtype=torch.float64)
    rows = []
    for place, share in enumerate(SHARES):
        chosen = lengths_for(errors, costs, costs[place].item())
        of_chosen = errors.gather(1, chosen[:, None])[:, 0]
        rows.append({
            "share": share, "tokens": costs[place].item(), "bits": bits[place].item(),
            "psnr": decibels(errors[:, place]).mean().item(), "mse": errors[:, place].mean().item(),
            "adaptive_tokens": costs[chosen].double().mean().item(), "adaptive_bits": bits[chosen].mean().item(),
            "adaptive_psnr": decibels(of_chosen).mean().item(), "adaptive_mse": of_chosen.mean().item(),
        })  # fmt: skip
    return rows


@torch.no_grad()
def errors_by_length(model: VideoTokenizer, clips: Tensor, shares: Sequence[float]) -> Tensor:
    """Mean squared error (peak-to-peak 2) of clips (B, 3, T, H, W) with each share of every group's tokens: (B, shares)."""
    tokens = model.encode(clips)
    errors = []
    for share in shares:
        shown = model.decode(shortened(model, tokens, kept_of(model, share)))
        errors.append((shown - clips).square().flatten(1).mean(1))
    return torch.stack(errors, dim=1)


def kept_of(model: VideoTokenizer, share: float) -> dict[str, int]:
    """Tokens of each group that a share (0, 1] of them are, at least 1."""
    return {group: max(1, round(share * count)) for group, count in model.groups.items()}


def shortened(model: VideoTokenizer, tokens: Tensor, kept: dict[str, int]) -> Tensor:
    """Tokens as `model.encode` gives them -> the same with all but `kept` of each group absent."""
    parts = zip(model.groups, tokens.split(list(model.groups.values()), dim=1), strict=True)
    cut = [
        model.quantizers[group].shortened(part, torch.full((len(part),), kept[group], device=part.device))
        for group, part in parts
    ]
    return torch.cat(cut, dim=1)


def bits_kept(model: VideoTokenizer, kept: dict[str, int]) -> float:
    """Bits of a clip of which `kept` tokens are sent: theirs, and for each group which of its lengths it has."""
    return sum(
        kept[group] * sum(math.log2(count) for _, count in model.quantizers[group].slots) + math.log2(tokens)
        for group, tokens in model.groups.items()
    )


def lengths_for(errors: Tensor, costs: Tensor, budget: float) -> Tensor:
    """Which length each clip gets so that the sum of errors is least at a mean cost of at most `budget`: int64 (B,).

    errors (B, lengths); costs (lengths,), ascending. Each clip takes what is cheapest at one price of a token for all
    (Lagrange), the lowest price that the budget allows: hard clips get more tokens, easy ones fewer. So do AdapTok and
    EVATok, by a learned guess of the errors; here they are measured. Raises ValueError for a budget below the least cost.
    """
    if budget < costs.min():
        raise ValueError(f"a budget of {budget} is less than the least cost, {costs.min().item()}")
    low, high = 0.0, ((errors.max() - errors.min()) / costs.diff().min()).item() + 1e-12
    for _ in range(60):
        price = (low + high) / 2
        over = costs[(errors + price * costs).argmin(1)].double().mean() > budget
        low, high = (price, high) if over else (low, price)
    return (errors + high * costs).argmin(1)
