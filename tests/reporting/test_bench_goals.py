"""Goals of the bench: ratios of known times, and nothing said of what was not measured."""

from sweettok.reporting.bench_goals import AUTHORS, against_others, against_plain, cache_gains, goals, side_by_side


def calls(network, encode, decode, peak=400.0, size="17x256x256, fp32"):
    """Two rows: times of both calls, the peak of the second; 600 MB of weights."""
    return [
        {"what": f"{way}: {network}", "network": network, "size": size, "mean": mean, "peak_mb": mb, "weights_mb": 600.0}
        for way, mean, mb in (("encode", encode, 100.0), ("decode", decode, peak))
    ]  # fmt: skip


def test_ours_is_compared_with_the_authors_and_with_the_fastest():
    rows = calls("ours, a", 1.0, 2.0) + calls(AUTHORS, 2.0, 4.0, peak=1400.0) + calls("fast", 1.0, 0.5)
    rows += calls("small", 0.1, 0.1, size="16x128x128, fp32") + calls("fast", 0.1, 0.1, size="17x256x256, bf16")
    found = [(goal.value, goal.goal, goal.reached) for goal in against_others(rows)]
    assert found == [(2.0, 2.0, True), (0.5, 0.6, True), (0.5, 1, False)]
    assert list(against_others(rows))[2].what == "ours, a, fp32: times as fast as the fastest other, fast"


def test_what_was_not_measured_is_left_open():
    alone = calls("ours, a", 1.0, 2.0)
    assert list(against_others(alone)) == [] and len(side_by_side(alone)) == 1
    assert side_by_side(alone[:1]) == []
    without = [{key: value for key, value in row.items() if key != "peak_mb"} for row in alone]
    assert [goal.goal for goal in against_others(without + calls(AUTHORS, 2.0, 4.0))] == [2.0, 1]
    assert against_plain([{"what": "reconstruct, ours", "size": "17x128x128", "mean": 1.0}]) == {}
    assert cache_gains([{"what": "sample, cache", "size": "a", "tokens": 1280, "mean": 1.0}]) == {}


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
    assert [(goal.value, goal.reached) for goal in goals(rows)] == [(1.5, False), (3.0, True), (5.0, False)]
