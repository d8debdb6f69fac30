"""Tables T4 (compression), T5 (codebook) and T6 (curriculum): the ablation's variants."""

from collections.abc import Iterable

from sweettok.reporting.ablation import LEARNED_GAIN, difference, gain_over_mean_colour, has_learned, over_seeds
from sweettok.reporting.cells import NOT_I3D, UNITS, protocol, published_cells
from sweettok.reporting.collect import Results
from sweettok.reporting.published import published
from sweettok.reporting.table import Number, Row, Table

TITLES = {"T4": "compression ablation", "T5": "codebook ablation", "T6": "curriculum ablation"}
VARIANTS = {
    "T4": ("downsample", "coupled", "full"),
    "T5": ("learned_codebook", "lc", "shuffled_words", "full"),
    "T6": ("end_to_end", "full"),
}
CONTROLS = {  # rows only where they have run: the profile `claims` runs them
    "T4": ("downsample_wide",),
    "T5": (
        "codebook-random",
        "codebook-permuted-vectors",
        "codebook-no-graph",
        "codebook-random-graph",
        "codebook-cooccurrence",
        "codebook-hashed",
        "codebook-composed",
    ),
    "T6": ("curriculum-alternating", "curriculum-staged-weights"),
}


def ablation_table(results: Results, identity: str, setting: str) -> Table:
    """T4, T5 or T6: one row a variant. Variants that have not run are marked."""
    absolute = ("frechet_video/judge", "psnr", "perceptual/judge")
    rows = [Row(row.method, published_cells(row)) for row in published(identity) if row.ours is None]
    known = {row.ours: row for row in published(identity)}
    controls = tuple(variant for variant in CONTROLS.get(identity, ()) if results.of_variant(variant))
    for variant in VARIANTS[identity] + controls:
        label = known[variant].method if variant in known else variant.replace("_", " ")
        printed = published_cells(known[variant]) if variant in known else {}
        cells = _variant_cells(results, variant, absolute)
        made = _variant_protocol(results, variant, absolute)
        rows.append(Row(label, printed, cells, made, remark="" if cells else "not run"))
    return Table(
        identity=identity,
        title=f"{TITLES[identity]} (paper: rFVD on UCF-101, lower is better)",
        published_columns=("rFVD", "tokens", "source"),
        our_columns=(
            *(UNITS[metric] for metric in absolute),
            *(f"{UNITS[metric]}, minus full" for metric in absolute),
            "gain over mean colour (dB)",
            "tokens",
            "bits",
            "parameters",
            "seeds",
        ),
        rows=tuple(rows),
        setting=f"{setting}; equal steps and data for every variant (the ablation's own, shorter schedule)",
        notes=(
            NOT_I3D,
            "± is the sample standard deviation over seeds.",
            "`minus full` is variant - full, paired over seeds and clips, with a 95 % interval (the wider of a "
            "bootstrap over seeds and clips and Student's t over seeds). PSNR: negative means that full is "
            "better. Distances: positive means that full is better.",
            f"A variant less than {LEARNED_GAIN} dB PSNR above the mean colour in its worst seed has not learned: it "
            "'says nothing'.",
        ),
    )


def _variant_cells(results: Results, variant: str, metrics: Iterable[str]) -> dict[str, Number | str]:
    cells_by_seed = results.of_variant(variant)
    if not cells_by_seed:
        return {}
    cells: dict[str, Number | str] = {}
    for metric in metrics:
        mean_std = over_seeds(results, variant, metric)
        if mean_std:
            cells[UNITS[metric]] = Number(mean_std[0], std=mean_std[1])
        paired = difference(results, variant, "full", metric) if variant != "full" else None
        if paired:
            cells[f"{UNITS[metric]}, minus full"] = Number(paired.mean, paired.interval)
    any_cell = next(iter(cells_by_seed.values())).summary
    remark = "" if has_learned(results, variant) else "says nothing"
    cells["gain over mean colour (dB)"] = Number(gain_over_mean_colour(results, variant), remark=remark)
    cells |= {key: Number(any_cell.get(key)) for key in ("tokens", "bits", "parameters")}
    return cells | {"seeds": ", ".join(str(seed) for seed in sorted(cells_by_seed))}


def _variant_protocol(results: Results, variant: str, metrics: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The seeds' records differ in nothing but the seed, which has its own column."""
    cells = list(results.of_variant(variant).values())
    first = cells[0].summary["metrics"] if cells else {}
    return protocol({UNITS[metric]: {**first[metric], "seed": None} for metric in metrics if metric in first})
