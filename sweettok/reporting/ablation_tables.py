"""Tables T4 (compression), T5 (codebook), T6 (curriculum) and T6_stability: the ablation's variants."""

from statistics import fmean, stdev

from sweettok.metrics.registry import title_of
from sweettok.reporting.ablation import LEARNED_GAIN, difference, gain_over_mean_colour, has_learned, over_seeds
from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title
from sweettok.reporting.published import published_beside, published_columns, published_rows
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.rules.stability import seed_stabilities
from sweettok.reporting.table import Content, Number, Row, Table

METRICS = ("frechet_video/judge", "psnr", "perceptual/judge")
COLLAPSED, SPREAD, RESTLESS = (
    "share of collapsed seeds",
    "spread of PSNR over seeds (dB)",
    "relative spread of the loss",
)
STEPS = f"steps to {LEARNED_GAIN} dB above mean colour"
NOT_MEASURED = Number(None)


def ablation_table(results: Results, identity: str) -> Table:
    """T4, T5 or T6: a row for each of the paper's variants, marked where it has not run, then for each other one that has."""
    beside, rows = published_beside(identity), published_rows(identity, alone=True)
    for variant in dict.fromkeys([*beside, *_of_table(results, identity)]):
        ours, published = _variant_columns(results, variant), beside.get(variant)
        label = published.method if published else method_title(variant)
        rows.append(Row(label, ours, published_columns(published), "" if ours else "not run"))
    titles = [title_of(metric) for metric in METRICS]
    setting = f"{results.setting}; equal steps and data for every variant (the ablation's own, shorter schedule)"
    first = (*titles, *(f"{title}, minus full" for title in titles), "gain over mean colour (dB)")
    return declared_table(identity, rows, setting, first=first, LEARNED_GAIN=LEARNED_GAIN)


def _of_table(results: Results, identity: str) -> list[str]:
    """The variants that have run and stand in a table."""
    return [variant for variant in results.variants if results.table_of.get(variant) == identity]


def _variant_columns(results: Results, variant: str) -> dict[str, Content]:
    runs = results.of_variant(variant)
    if not runs:
        return {}
    ours: dict[str, Content] = {}
    for metric in METRICS:
        if records := over_seeds(results, variant, metric):
            measured = ours[title_of(metric)] = Number.over_seeds(records)
            if variant != "full" and (paired := difference(results, variant, "full", metric)):
                ours[f"{title_of(metric)}, minus full"] = Number(paired.mean, paired.interval, remark=measured.remark)
    remark = "" if has_learned(results, variant) else "says nothing"
    ours["gain over mean colour (dB)"] = Number(gain_over_mean_colour(results, variant), remark=remark)
    summary = next(iter(runs.values())).summary
    ours |= {key: Number(summary.get(key)) for key in ("tokens", "bits", "parameters")}
    return ours | {"seeds": ", ".join(map(str, sorted(runs)))}


def stability_table(results: Results) -> Table:
    """T6_stability: how steadily each curriculum trains. One row a curriculum that has run; the paper has no numbers."""
    curricula = dict.fromkeys(["full", *published_beside("T6"), *_of_table(results, "T6")])
    rows = [Row(method_title(name), ours) for name in curricula if (ours := _stability_columns(results, name))]
    shown = rows or [Row("curricula", remark="not run")]
    first = (COLLAPSED, SPREAD, RESTLESS, STEPS, "seeds")
    return declared_table("T6_stability", shown, results.setting, first=first, LEARNED_GAIN=LEARNED_GAIN)


def _stability_columns(results: Results, variant: str) -> dict[str, Content]:
    found = seed_stabilities(results, variant)
    if not found:
        return {}
    psnr = [one.psnr for one in found.values()]
    restless = [one.restlessness for one in found.values() if one.restlessness is not None]
    return {
        COLLAPSED: Number(fmean(one.collapsed for one in found.values())),
        SPREAD: Number(stdev(psnr)) if len(psnr) > 1 else NOT_MEASURED,
        RESTLESS: Number(fmean(restless), std=stdev(restless) if len(restless) > 1 else None)
        if restless
        else NOT_MEASURED,
        STEPS: steps_to_learn(results, variant),
        "seeds": ", ".join(map(str, sorted(found))),
    }


def steps_to_learn(results: Results, variant: str) -> Number:
    """Steps of the first validation at `LEARNED_GAIN`, mean over the seeds that get there."""
    found = [one.steps_to_level for one in seed_stabilities(results, variant).values()]
    steps = [one for one in found if one is not None]
    missing = len(found) - len(steps)
    return Number(fmean(steps) if steps else None, remark=f"{missing} of {len(found)} never" if missing else "")
