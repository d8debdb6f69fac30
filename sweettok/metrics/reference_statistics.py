"""Features of the real clips, kept on disk under a key of all they depend on."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.extractors import Extractor
from sweettok.metrics.protocol import Selection, as_measured
from sweettok.params import Protocol
from sweettok.storage import atomic_directory, read_json, sha256_of, write_json

log = logging.getLogger(__name__)

SCHEMA = 1  # raise when code changes what features mean
FEATURES = "features.safetensors"


def check_protocol(extractor: Extractor, protocol: Protocol) -> None:
    """Raise InputError unless the protocol is for this extractor and gives it what it needs."""
    if protocol.extractor != extractor.name:
        raise InputError(f"protocol {protocol.name} is for the extractor {protocol.extractor}, not {extractor.name}")
    if extractor.kind == "image" and protocol.frames != 1:
        raise InputError(
            f"protocol {protocol.name} has {protocol.frames} frames; {extractor.name} takes images: 1 frame"
        )
    if protocol.frames < extractor.min_frames:
        raise InputError(
            f"{extractor.name} needs clips of at least {extractor.min_frames} frames, but the protocol "
            f"{protocol.name} has {protocol.frames}"
        )


def features_of(extractor: Extractor, protocol: Protocol, batches: Iterable[Tensor]) -> NDArray[np.float32]:
    """Features (n, dims) of clips in [-1, 1] that come in batches and already have the protocol's frames and size.

    Raises ValueError on another shape, InputError where the protocol is for another extractor.
    """
    check_protocol(extractor, protocol)
    shape = (3, protocol.frames, protocol.resolution, protocol.resolution)
    rows = []
    for clips in batches:
        if tuple(clips.shape[1:]) != shape:
            raise ValueError(f"protocol {protocol.name}: expected clips (B, {shape}), got {tuple(clips.shape)}")
        rows.append(extractor.features(as_measured(clips.to(extractor.device), protocol)).cpu())
    return torch.cat(rows).numpy()


def cache_key(extractor: Extractor, selection: Selection) -> str:
    """Hex SHA-256 of everything the features of the real clips depend on."""
    return hashlib.sha256(json.dumps(_identity(extractor, selection), sort_keys=True).encode()).hexdigest()


def _identity(extractor: Extractor, selection: Selection) -> dict[str, Any]:
    return {"schema": SCHEMA, **extractor.identity(), **selection.identity()}


def reference_features(
    extractor: Extractor,
    selection: Selection,
    folder: str | Path,
    compute: Callable[[Extractor, Selection], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Features (n, dims) of the selected real clips: read from `folder` if they are there whole, else computed and kept.

    Kept are features, not sums: intervals and the distance at several n need them, and the float64 sums follow from
    them in the same order whatever the batch size. A damaged entry is computed again, with a line in the log.
    """
    entry = Path(folder) / cache_key(extractor, selection)
    if entry.is_dir():
        try:
            return _read(entry, len(selection), extractor.dims)
        except (InputError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("reference features in %s are damaged (%s); computing them again", entry, error)
    features = compute(extractor, selection)
    with atomic_directory(entry) as partial:
        from safetensors.numpy import save_file

        save_file({"features": features}, partial / FEATURES)
        description = {"identity": _identity(extractor, selection), "sha256": sha256_of(partial / FEATURES)}
        write_json(partial / "description.json", description)
    return features


def _read(entry: Path, count: int, dims: int) -> NDArray[np.float32]:
    from safetensors.numpy import load_file

    if read_json(entry / "description.json")["sha256"] != sha256_of(entry / FEATURES):
        raise ValueError("the file does not match its sha256")
    features = load_file(entry / FEATURES)["features"]
    if features.shape != (count, dims):
        raise ValueError(f"shape {features.shape}, expected {(count, dims)}")
    return features
