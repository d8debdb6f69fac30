"""The bench's measurements against its goals: the authors' code, a plain implementation, sampling without a cache."""

from typing import Any

# One clip of 17x256x256 by the authors' public code (commit 1df5480) in fp32 on two CPU cores of another machine:
# spatial depth 8, temporal depth 4, width 512, pixel decoder included; 212 M parameters.
AUTHORS = {"encode": 4.05, "decode": 7.7, "peak_mb": 2060.0}
FASTER = 2.0  # goal: times as fast as the authors' code, and as a plain one
MEMORY = 0.6  # goal: share of their peak
CACHE = 10.0  # goal: times as fast as without
SAMPLED = 1280  # tokens at which the cache must pay


def against_authors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a configuration of the paper's size whose encode and decode were both measured: configuration, encode and
    decode in s, `faster` (times as fast as `AUTHORS`, both together), peak_mb (weights included), `memory` (share of theirs)."""
    entries = []
    for name in dict.fromkeys(row["paper"] for row in rows if "paper" in row):
        calls = {row["what"]: row for row in rows if row.get("paper") == name}
        if not {"encode", "decode"} <= set(calls):
            continue
        seconds = {what: calls[what]["mean"] for what in ("encode", "decode")}
        entry = {"configuration": name} | seconds
        entry["faster"] = (AUTHORS["encode"] + AUTHORS["decode"]) / sum(seconds.values())
        if all("peak_mb" in call for call in calls.values()):
            entry["peak_mb"] = max(call["peak_mb"] + call["weights_mb"] for call in calls.values())
            entry["memory"] = entry["peak_mb"] / AUTHORS["peak_mb"]
        entries.append(entry)
    return entries


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


def ratios(rows: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """(what, times as fast, its goal) for the plain implementation and for the cache."""
    plain, cache = "times as fast as the plain implementation", "times as fast with the cache"
    found = [(f"17x128x128, {way}: {plain}", gain, FASTER) for way, gain in against_plain(rows).items()]
    return found + [(f"sampling, {size}: {cache}", gain, CACHE) for size, gain in cache_gains(rows).items()]
