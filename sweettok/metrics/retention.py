"""Factor retention: what the judge still names rightly on reconstructions, as a share of what it names on real clips."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval, ratio_interval
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore

Hits = Mapping[str, NDArray[np.bool_]]
FACTOR = "factor:"


def label_hits(judge: Judge, features: NDArray[np.float32], store: ClipStore) -> dict[str, NDArray[np.bool_]]:
    """Label -> in which clips the judge names its value rightly, bool (n,).

    features: the judge's video features (n, F) of all clips of the store, in its order. A value that the judge never
    saw counts as a miss. Left out: labels that the store lacks, and those with one value only, where nothing is to be
    told. Raises ValueError on another number of clips.
    """
    if len(features) != len(store.labels):
        raise ValueError(f"features: expected one row for each of {len(store.labels)} clips, got {len(features)}")
    hits = {}
    for label, values in judge.values.items():
        if label not in store.labels or len(values) < 2:
            continue
        places = {value: place for place, value in enumerate(values)}
        wanted = np.array([places.get(value, -1) for value in store.labels[label]])
        hits[label] = judge.classify(features, label) == wanted
    return hits


def factor_names(labels: Iterable[str], store: ClipStore) -> dict[str, str]:
    """Label -> name of the factor, without `factor:`. Without the class where a factor has its value in every clip."""
    labels = list(labels)
    columns = [store.labels[label] for label in labels if label.startswith(FACTOR)]
    repeated = any((column == store.labels["class"]).all() for column in columns)
    return {label: label.removeprefix(FACTOR) for label in labels if label != "class" or not repeated}


def accuracy_records(
    hits: Hits, judge: Judge, store: ClipStore, bootstrap: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Factor -> record of the judge's accuracy, a share of clips with its bootstrap interval.

    hits: of real clips, as `label_hits` gives them. `chance` in the protocol is the share of the most frequent value.
    """
    records = {}
    for label, name in factor_names(hits, store).items():
        shares, facts = hits[label].astype(float), _facts(label, judge, store)
        interval = bootstrap_interval(shares, bootstrap, seed)
        records[name] = record(
            float(shares.mean()), len(shares), store.split, seed, interval, metric=f"accuracy of {name}", **facts
        )
    return records


def retention_records(
    hits: Hits, real_hits: Hits, judge: Judge, store: ClipStore, bootstrap: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Factor -> record of its retention: accuracy on reconstructions / accuracy on real clips, a share.

    1 where nothing is lost, above 1 where the judge names more than on real clips. The interval draws the same clips for
    both. `accuracy` (on reconstructions), `real` and `chance` stand in the protocol. hits, real_hits: of the same clips
    in one order. A factor that the judge never names on real clips has no retention and is left out.
    """
    records = {}
    for label, name in factor_names(hits, store).items():
        kept, real = hits[label].astype(float), real_hits[label].astype(float)
        if not real.any():
            continue
        facts = _facts(label, judge, store) | {"accuracy": float(kept.mean()), "real": float(real.mean())}
        interval = ratio_interval(kept, real, bootstrap, seed)
        value = float(kept.sum() / real.sum())
        records[name] = record(value, len(kept), store.split, seed, interval, metric=f"retention of {name}", **facts)
    return records


def _facts(label: str, judge: Judge, store: ClipStore) -> dict[str, Any]:
    facts: dict[str, Any] = {"frames": store.frames, "resolution": store.size}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    return facts | {"chance": float(store.labels[label].value_counts(normalize=True).max())}
