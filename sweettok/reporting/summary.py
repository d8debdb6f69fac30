"""The few numbers and all verdicts of a report that stand in the project's README, as Markdown.

The README includes them (readme.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sweettok.metrics.registry import title_of
from sweettok.reporting.claims import Verdict
from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title
from sweettok.reporting.reconstruction import RETENTION_BAR
from sweettok.reporting.table import NOTHING, Number
from sweettok.reporting.thresholds import reached, remark

METRICS = ("psnr", "perceptual/judge", "frechet_video/judge")
KEPT = ("colour", "shape", "motion", "manner")  # of the judge's factors, those of the README
DISTANCE = "frechet_video/judge"


def summary(results: Results) -> str:
    """A row per tokenizer (bits, fidelity, what is kept), what the generated clips are like, which thresholds are missed.

    "" before any of it has run.
    """
    methods = results.methods
    if not methods:
        return ""
    kept = [name for name in KEPT if any(name in method.get("retention", {}) for method in methods.values())]
    head = ["", "bits per clip", *map(title_of, METRICS), *(f"{name} kept" for name in kept)]
    rows = [
        [method_title(name), _whole(method.get("bits")), *(_value(method["metrics"], metric) for metric in METRICS)]
        + [_kept(results, name, factor) for factor in kept]
        for name, method in methods.items()
    ]
    parts = [_table(head, rows)]
    if results.generation:
        parts.append(_samples(results.generation["metrics"]))
    parts += filter(None, [reached(results)])
    return "\n\n".join(parts) + "\n"


def _samples(metrics: Mapping[str, Any]) -> str:
    distances = {name: metrics[f"{DISTANCE}{name}"]["value"] for name in ("", ":reconstruction", ":train_vs_test")}
    return (
        f"Generated clips are of the class asked for in {100 * metrics['class_consistency']['value']:.0f} % of "
        f"{metrics['class_consistency']['n']} samples. Frechet distance to test clips: {distances['']:.1f}; of the "
        f"reconstructions {distances[':reconstruction']:.1f}, of an equal number of real training clips {distances[':train_vs_test']:.1f}."
    )


def verdict_table(found: Sequence[Verdict]) -> str:
    """A row per tested claim: verdict, effect with its interval, the same with other seeds."""
    rows = [
        [
            one.claim.table,
            one.claim.statement,
            f"**{one.outcome}**",
            _effect(one, one.discovery),
            _effect(one, one.replication),
        ]
        for one in found
        if one.outcome != "not run"
    ]
    return _table(["table", "claim", "verdict", "effect [95 % interval]", "other seeds and clips"], rows) + "\n"


def _effect(one: Verdict, finding: Any) -> str:
    primary = finding and finding.measured.primary
    if not primary:
        return NOTHING
    shown = Number(primary.mean, primary.interval).text()
    return shown + (f" {one.rule.unit}" if one.rule.unit == "dB" else "")


def _value(records: Mapping[str, Any], name: str) -> str:
    return f"{records[name]['value']:.2f}" if name in records else NOTHING


def _kept(results: Results, method: str, factor: str) -> str:
    """A retention with the threshold that it misses, if it does."""
    missed = remark(results, RETENTION_BAR.get(method, "") + factor)
    return _value(results.methods[method].get("retention", {}), factor) + (f" ({missed})" if missed else "")


def _whole(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[entry.replace("*)", "\\*)") if index == 0 else entry for index, entry in enumerate(row)] for row in rows]
    lines = [f"| {' | '.join(line)} |" for line in [head, *cells]]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
