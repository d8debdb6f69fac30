"""How various generated clips are: which factors' values they cover, and how near they come to training clips."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from sweettok.metrics.fidelity import PSNR_CAP, psnr
from sweettok.metrics.record import record
from sweettok.metrics.retention import FACTOR
from sweettok.metrics.statistics import bootstrap_interval, bootstrap_of
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore

RESAMPLES = 200  # of a coverage's interval
MAX_QUERIES, MAX_TRAINING = 512, 16_384  # clips whose nearest is looked for, and among which
SEARCHED = 65_536  # numbers of a clip at most; of a larger clip the search averages pixels, the PSNR does not
CLIPS_AT_ONCE = 64


def coverage(generated: ArrayLike, real: ArrayLike, count: int) -> float:
    """How evenly generated values cover real ones: 1 - total variation distance of their histograms, in [0, 1].

    generated, real: values (n,) and (m,) in [0, count). 1 where all shares agree, 0 where no value is in both. Falls with
    fewer clips, also between sets of one kind: compare at equal n only. Raises ValueError (empty, out of range).
    """
    shares = []
    for values in (np.asarray(generated), np.asarray(real)):
        if values.ndim != 1 or not values.size or values.min() < 0 or values.max() >= count:
            raise ValueError(f"expected at least one value, all in [0, {count}), got {values}")
        shares.append(np.bincount(values, minlength=count) / len(values))
    return float(1 - np.abs(shares[0] - shares[1]).sum() / 2)


def coverage_records(
    judge: Judge, features: Mapping[str, NDArray], real: NDArray, store: ClipStore, seed: int
) -> dict[str, dict[str, Any]]:
    """`factor_coverage<variant>` -> record of the coverage of real clips' factors, averaged over the factors.

    Values are those that the judge sees, also on the real clips: a factor that it cannot tell says little. `by_factor` in
    the protocol has each factor's coverage.
    features: variant -> the judge's video features (n, F) of clips; real: those of the store's clips (m, F). No record
    where the judge names no factor of two values or more.
    """
    labels = {name: len(values) for name, values in judge.values.items() if name.startswith(FACTOR) and len(values) > 1}
    return {
        f"factor_coverage{variant}": _coverage_record(judge, labels, generated, real, store, seed)
        for variant, generated in features.items()
        if labels
    }


def _coverage_record(
    judge: Judge, labels: Mapping[str, int], generated: NDArray, real: NDArray, store: ClipStore, seed: int
) -> dict[str, Any]:
    seen = {
        name: (judge.classify(generated, name), judge.classify(real, name), count) for name, count in labels.items()
    }

    def mean(of_generated: NDArray, of_real: NDArray) -> float:
        return float(np.mean([coverage(a[of_generated], b[of_real], count) for a, b, count in seen.values()]))

    value = mean(np.arange(len(generated)), np.arange(len(real)))
    low, high = bootstrap_of(mean, (len(generated), len(real)), RESAMPLES, seed)
    # Taking out the resamples' shift may leave [0, 1], or the value just outside
    interval = max(0.0, min(low, value)), min(1.0, max(high, value))
    facts: dict[str, Any] = {"frames": store.frames, "resolution": store.size, "reference_clips": len(real)}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint, "data": store.fingerprint}
    facts["by_factor"] = {name.removeprefix(FACTOR): coverage(*values) for name, values in seen.items()}
    return record(value, len(generated), store.split, seed, interval, metric="factor_coverage", **facts)


def nearest_records(
    samples: Tensor, test: ClipStore, train: ClipStore, seed: int, device: torch.device | None = None
) -> dict[str, dict[str, Any]]:
    """`nearest_train_psnr` of samples (n, 3, T, H, W) and `nearest_train_psnr:test` of test clips: mean PSNR in dB.

    Samples that are much nearer to training clips than test clips are have been copied; a little nearer is no proof, as
    smooth clips are nearer to all others. At most `MAX_QUERIES` of each and `MAX_TRAINING` training clips are compared,
    evenly spaced. seed: of the intervals. device: where they are compared; None: where the samples are.
    """
    generated = samples[_spread(len(samples), MAX_QUERIES)].to(device)
    queries = {"generated": generated, "test": test.clips(_spread(len(test), MAX_QUERIES)).to(generated.device)}
    among = _spread(len(train), MAX_TRAINING)
    facts: dict[str, Any] = {"frames": train.frames, "resolution": train.size, "data": train.fingerprint}
    facts |= {"training_clips": len(among), "cap": PSNR_CAP, "searched_at": _searched_side(generated)}
    nearest = nearest_clips(torch.cat(list(queries.values())), train, among)
    records, parts = {}, nearest.split([len(clips) for clips in queries.values()])
    for (kind, clips), numbers in zip(queries.items(), parts, strict=True):
        name = "nearest_train_psnr" if kind == "generated" else f"nearest_train_psnr:{kind}"
        values = _psnr_to(clips, numbers, train)
        interval = bootstrap_interval(values, 1000, seed)
        split = f"{kind} vs {train.split}"
        records[name] = record(values.mean(), len(values), split, seed, interval, metric=name, **facts)
    return records


def nearest_clips(queries: Tensor, store: ClipStore, among: Tensor) -> Tensor:
    """The number of the store's clip with the least squared error to each query: (q, 3, T, H, W) -> int64 (q,).

    among: the clips' numbers, int64 (k,); they are read in parts, and compared where the queries are. Clips of more than
    `SEARCHED` numbers are compared on averaged pixels. Raises ValueError where there are none.
    """
    if not len(among):
        raise ValueError("expected at least one clip to look among, got none")
    wanted = _searched(queries)  # (q, D)
    least, nearest = wanted.new_full((len(wanted),), torch.inf), wanted.new_zeros(len(wanted), dtype=torch.int64)
    for part in among.split(CLIPS_AT_ONCE):
        clips = _searched(store.clips(part).to(wanted.device))  # (B, D)
        error = clips.square().sum(dim=1) - 2 * (wanted @ clips.T)  # (q, B), but for the query's own square
        smallest, place = error.min(dim=1)
        nearest = torch.where(smallest < least, part.to(wanted.device)[place], nearest)
        least = torch.minimum(smallest, least)
    return nearest.cpu()


def _psnr_to(clips: Tensor, numbers: Tensor, store: ClipStore) -> NDArray[np.float64]:
    """PSNR (n,) in dB of clips (n, 3, T, H, W) to the store's clips of these numbers, all pixels counted."""
    pairs = zip(clips.split(CLIPS_AT_ONCE), numbers.split(CLIPS_AT_ONCE), strict=True)
    return torch.cat([psnr(store.clips(part).to(clips.device), piece) for piece, part in pairs]).cpu().numpy()


def _searched_side(clips: Tensor) -> int:
    """Height and width at which clips (B, 3, T, H, W) are compared: their own, or halved until they are small enough."""
    side, others = clips.shape[-1], clips.shape[1] * clips.shape[2]
    while side > 1 and others * side**2 > SEARCHED:
        side //= 2
    return side


def _searched(clips: Tensor) -> Tensor:
    """(B, 3, T, H, W) -> (B, D), on averaged pixels where clips are large."""
    side = _searched_side(clips)
    if side < clips.shape[-1]:
        clips = F.adaptive_avg_pool3d(clips, (clips.shape[2], side, side))
    return clips.flatten(1)


def _spread(count: int, most: int) -> Tensor:
    """At most `most` of the numbers 0 .. count - 1, evenly spaced: int64."""
    return torch.arange(min(count, most)) * count // min(count, most) if count else torch.arange(0)
