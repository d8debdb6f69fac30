"""Goals of the bench: ratios of known times, and nothing said of what was not measured."""

import pytest

from sweettok.reporting.bench_goals import AUTHORS, against_authors, against_plain, cache_gains, ratios


def paper(what, mean, peak=400.0, name="global queries, bf16"):
    return {"what": what, "size": "paper", "paper": name, "mean": mean, "peak_mb": peak, "weights_mb": 600.0}


def test_both_calls_together_are_compared_with_the_authors():
    (entry,) = against_authors([paper("encode", AUTHORS["encode"] / 3, 100.0), paper("decode", AUTHORS["decode"] / 3)])
    assert entry["faster"] == pytest.approx(3.0)
    assert entry["peak_mb"] == 1000.0 and entry["memory"] == pytest.approx(1000 / AUTHORS["peak_mb"])


def test_half_a_measurement_is_none():
    assert against_authors([paper("encode", 1.0), paper("decode", 1.0, name="other")]) == []
    assert against_plain([{"what": "reconstruct, ours", "size": "17x128x128", "mean": 1.0}]) == {}
    assert cache_gains([{"what": "sample, cache", "size": "a", "tokens": 1280, "mean": 1.0}]) == {}
    assert ratios([{"what": "encode", "size": "default", "mean": 1.0}]) == []


def test_ratios_to_the_plain_implementation_and_of_the_cache():
    rows = [
        {"what": f"reconstruct, {way}", "size": "17x128x128", "mean": mean}
        for way, mean in (("ours", 2.0), ("ours, bf16", 1.0), ("plain", 3.0))
    ]
    assert against_plain(rows) == {"ours": 1.5, "ours, bf16": 3.0}
    rows += [
        {"what": f"sample, {kind}", "size": size, "tokens": tokens, "mean": mean}
        for kind, size, tokens, mean in (
            ("cache", "small", 1280, 1.0), ("no cache", "small", 1280, 5.0), ("cache", "short", 80, 1.0), ("no cache", "short", 80, 9.0),
        )
    ]  # fmt: skip
    assert cache_gains(rows) == {"small": 5.0}
    assert ("17x128x128, ours, bf16: times as fast as the plain implementation", 3.0, 2.0) in ratios(rows)
    assert ("sampling, small: times as fast with the cache", 5.0, 10.0) in ratios(rows)


def test_memory_that_was_not_measured_is_left_open():
    rows = [{k: v for k, v in paper(what, 1.0).items() if k != "peak_mb"} for what in ("encode", "decode")]
    (entry,) = against_authors(rows)
    assert "memory" not in entry
