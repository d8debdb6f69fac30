"""Table T6_stability: how steadily each curriculum trains."""

from statistics import fmean, stdev

from sweettok.reporting.ablation import LEARNED_GAIN
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.stability import seed_stabilities
from sweettok.reporting.table import Number, Row, Table

CURRICULA = ("full", "end_to_end", "curriculum-alternating", "curriculum-staged-weights")
COLLAPSED, SPREAD, RESTLESS = (
    "share of collapsed seeds",
    "spread of PSNR over seeds (dB)",
    "relative spread of the loss",
)
STEPS = f"steps to {LEARNED_GAIN} dB above mean colour"


def stability_table(results: Results, setting: str) -> Table:
    """One row a curriculum that has run; the paper has no numbers."""
    rows = [Row(variant.replace("_", " "), {}, cells) for variant in CURRICULA if (cells := _cells(results, variant))]
    return Table(
        identity="T6_stability",
        title="stability and convergence of the curricula (paper: a statement, no number)",
        published_columns=(),
        our_columns=(COLLAPSED, SPREAD, RESTLESS, STEPS, "seeds"),
        rows=tuple(rows) or (Row("curricula", remark="not run"),),
        setting=setting,
        notes=(
            f"Collapsed: less than {LEARNED_GAIN} dB PSNR above the mean colour at the end.",
            "Relative spread of the loss: standard deviation over its training's mean, last third of the steps; mean over "
            "seeds ± standard deviation.",
            "Steps: mean over the seeds that get there, of the first validation at that PSNR; a validation is as rare as "
            "the params say.",
        ),
    )


def _cells(results: Results, variant: str) -> dict[str, Number | str]:
    found = seed_stabilities(results, variant)
    if not found:
        return {}
    psnr = [one.psnr for one in found.values()]
    restless = [one.restlessness for one in found.values() if one.restlessness is not None]
    steps = [one.steps_to_level for one in found.values() if one.steps_to_level is not None]
    missing = len(found) - len(steps)
    never = f"{missing} of {len(found)} never" if missing else ""
    return {
        COLLAPSED: Number(fmean(one.collapsed for one in found.values())),
        SPREAD: Number(stdev(psnr) if len(psnr) > 1 else None),
        RESTLESS: _mean_and_spread(restless),
        STEPS: Number(fmean(steps) if steps else None, remark=never),
        "seeds": ", ".join(map(str, sorted(found))),
    }


def _mean_and_spread(values: list[float]) -> Number:
    return Number(fmean(values) if values else None, std=stdev(values) if len(values) > 1 else None)
