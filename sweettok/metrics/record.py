"""The metric record: no number without its n, split, seed, interval and protocol."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

KEYS = ("value", "n", "split", "seed", "interval", "protocol")


def record(
    value: float,
    n: int,
    split: str,
    seed: int | None = None,
    interval: Sequence[float] | None = None,
    *,
    metric: str = "metric",
    **protocol: Any,
) -> dict[str, Any]:
    """A number and how it was made, ready for JSON.

    value     the number; finite
    n         how many clips (episodes, samples) it was computed from; at least 1
    split     "train", "val" or "test", or a pair such as "generated vs test"
    seed      the seed of the run or the sampling, None where nothing is random
    interval  (low, high), by convention 95 %
    metric    name for error messages only; it is the key under which the caller stores the record
    protocol  everything else needed to make the number again: extractor, weights sha256, resolution, frames, ...;
              `says_nothing`, with the reason, where the number means nothing (see `caveat`)

    Raises ValueError naming the metric: non-finite value or bound, n < 1, low > high, protocol that JSON cannot hold.
    """
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{metric} ({split}, n={n}) is {value}: a metric record holds finite numbers only")
    if int(n) != n or n < 1:
        raise ValueError(f"{metric} ({split}): n must be a whole number of at least 1, got {n}")
    if interval is not None:
        low, high = (float(bound) for bound in interval)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"{metric} ({split}): interval must be finite with low <= high, got [{low}, {high}]")
        interval = [low, high]
    try:
        json.dumps(protocol, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{metric} ({split}): protocol must be plain JSON values: {error}") from error
    seed = None if seed is None else int(seed)
    return {"value": value, "n": int(n), "split": split, "seed": seed, "interval": interval, "protocol": protocol}


def is_record(node: Any) -> bool:
    """Whether `node` is a metric record: a mapping with exactly the record's keys."""
    return isinstance(node, Mapping) and set(node) == set(KEYS)


def caveat(entry: Mapping[str, Any]) -> str:
    """What must stand beside a record's number: "not meaningful: ...", where its protocol tells why; else ""."""
    reason = entry.get("protocol", {}).get("says_nothing")
    return f"not meaningful: {reason}" if reason else ""


def flatten_records(tree: Mapping[str, Any]) -> dict[str, float]:
    """`outer.inner.metric` -> value for every record in nested mappings; everything else is skipped.

    This is what goes to MLflow and `dvc metrics`. Raises ValueError naming the metric where a value is not finite.
    """
    values: dict[str, float] = {}
    for key, node in tree.items():
        if is_record(node):
            if not math.isfinite(node["value"]):
                raise ValueError(f"{key} is {node['value']}: a metric record holds finite numbers only")
            values[key] = node["value"]
        elif isinstance(node, Mapping):
            values |= {f"{key}.{inner}": value for inner, value in flatten_records(node).items()}
    return values
