"""The bench's measurements against its goals: the authors' code and other networks, a plain implementation, sampling without
a cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OURS, AUTHORS = "ours", "authors' SweetTok"  # how `network` of a row begins
FASTER = 2.0  # goal: times as fast as the authors' code, and as a plain one
MEMORY = 0.6  # goal: share of their peak
CACHE = 10.0  # goal: times as fast as without
SAMPLED = 1280  # tokens at which the cache must pay


@dataclass(frozen=True)
class Goal:
    """what was measured, value, goal, and whether value must not exceed it instead of reaching it."""

    what: str
    value: float
    goal: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        return self.value <= self.goal if self.at_most else self.value >= self.goal


@dataclass(frozen=True)
class Network:
    """The rows of one network, size and number type: encode and decode of one clip."""

    encode: dict[str, Any]
    decode: dict[str, Any]

    @property
    def name(self) -> str:
        return self.encode["network"]

    @property
    def seconds(self) -> float:
        return self.encode["mean"] + self.decode["mean"]

    @property
    def peak_mb(self) -> float | None:
        """Weights included; None where it was not measured."""
        peaks = [row["peak_mb"] for row in (self.encode, self.decode) if "peak_mb" in row]
        return max(peaks) + self.encode["weights_mb"] if len(peaks) == 2 else None


def side_by_side(rows: list[dict[str, Any]]) -> list[Network]:
    """Those of which both calls were measured, in the order of the rows."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        if "network" in row:
            found.setdefault((row["network"], row["size"]), {})[row["what"].partition(":")[0]] = row
    return [Network(**calls) for calls in found.values() if len(calls) == 2]


def against_others(rows: list[dict[str, Any]]) -> Iterator[Goal]:
    """Ours in fp32 against the authors' code, and against the fastest of the others at 256x256."""
    networks = [one for one in side_by_side(rows) if one.encode["size"].endswith("256x256, fp32")]
    others = [one for one in networks if not one.name.startswith(OURS)]
    fastest = min(others, key=lambda one: one.seconds, default=None)
    for ours in (one for one in networks if one not in others):
        for theirs in (one for one in others if one.name == AUTHORS):
            yield Goal(f"{ours.name}, fp32: times as fast as the authors' code", theirs.seconds / ours.seconds, FASTER)
            if ours.peak_mb and theirs.peak_mb:
                share = ours.peak_mb / theirs.peak_mb
                yield Goal(f"{ours.name}, fp32: share of the authors' peak memory", share, MEMORY, at_most=True)
        if fastest:
            what = f"{ours.name}, fp32: times as fast as the fastest other, {fastest.name}"
            yield Goal(what, fastest.seconds / ours.seconds, 1)


def against_plain(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Way of reconstructing 17x128x128 -> times as fast as the plain implementation; empty where that was not measured."""
    means = {row["what"].removeprefix("reconstruct, "): row["mean"] for row in rows if row.get("size") == "17x128x128"}
    plain = means.pop("plain", None)
    return {name: plain / mean for name, mean in means.items()} if plain else {}


def cache_gains(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Size of the prior -> times as fast with its cache at `SAMPLED` tokens a clip."""
    of_size: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["what"] in ("sample, cache", "sample, no cache") and row.get("tokens") == SAMPLED:
            of_size.setdefault(row["size"], {})[row["what"]] = row["mean"]
    return {
        size: means["sample, no cache"] / means["sample, cache"] for size, means in of_size.items() if len(means) == 2
    }


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """All whose measurements are there."""
    plain, cache = "times as fast as the plain implementation", "times as fast with the cache"
    found = [Goal(f"17x128x128, {way}: {plain}", gain, FASTER) for way, gain in against_plain(rows).items()]
    found += [Goal(f"sampling, {size}: {cache}", gain, CACHE) for size, gain in cache_gains(rows).items()]
    return [*against_others(rows), *found]
