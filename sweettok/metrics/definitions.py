"""PSNR and SSIM as other projects define them, and the scorers of a protocol."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.fidelity import check_pair, decibels, mean_similarity
from sweettok.metrics.protocol import as_measured
from sweettok.metrics.scorers import Scorer
from sweettok.params import Protocol

SIDE = 7  # pixels of the uniform window


def frame_psnr(clip: Tensor, reconstruction: Tensor) -> Tensor:
    """The mean over a clip's frames of their PSNR in dB (B,) float64, each capped at 100; clips as in `fidelity.psnr`.

    VidTok, OmniTokenizer's common_metrics_on_video_quality. Never below the PSNR of the whole clip.
    """
    check_pair(clip, reconstruction)
    error = (clip.double() - reconstruction.double()).square().mean(dim=(1, 3, 4))  # (B, T)
    return decibels(error).mean(dim=1)


def uniform_ssim(clip: Tensor, reconstruction: Tensor) -> Tensor:
    """SSIM with scikit-image's defaults, as TokenBench calls it: 7x7 pixels of equal weight, sample covariance.

    Clips as in `fidelity.ssim`; mean over frames, channels and the windows that fit, (B,) float64. Raises ValueError, InputError.
    """
    check_pair(clip, reconstruction)
    if min(clip.shape[-2:]) < SIDE:
        raise InputError(
            f"ssim: frames must be at least {SIDE}x{SIDE} pixels, got {tuple(clip.shape[-2:])}; raise --size"
        )

    def windowed(x: Tensor) -> Tensor:
        return F.avg_pool2d(x.flatten(0, 2), SIDE, 1).unflatten(0, x.shape[:3])

    return mean_similarity(clip, reconstruction, windowed, unbias=SIDE**2 / (SIDE**2 - 1))


OTHERS: dict[tuple[str, str], Callable[[Tensor, Tensor], Tensor]] = {
    ("psnr", "frame"): frame_psnr,
    ("ssim", "uniform"): uniform_ssim,
}


def scorers_under(protocol: Protocol, scorers: Sequence[Scorer]) -> list[Scorer]:
    """The scorers with the protocol's definitions, on the pixels that it measures; `psnr` is called `psnr@<protocol>`."""
    return [_under(protocol, scorer) for scorer in scorers]


def _under(protocol: Protocol, scorer: Scorer) -> Scorer:
    definition = str(getattr(protocol, scorer.name, ""))
    compute = OTHERS.get((scorer.name, definition), scorer.compute)

    def measured(clip: Tensor, reconstruction: Tensor) -> Tensor:
        return compute(as_measured(clip, protocol), as_measured(reconstruction, protocol))

    facts = scorer.facts | {"protocol": protocol.model_dump()}
    return replace(scorer, name=f"{scorer.name}@{protocol.name}", compute=measured, facts=facts)
