"""A method of T1 keeps another's fidelity with fewer tokens: non-inferiority of its PSNR, paired over test clips."""

from typing import Any

import pandas

from sweettok.errors import InputError
from sweettok.metrics.statistics import paired_difference
from sweettok.reporting.ablation import RESAMPLES, SEED
from sweettok.reporting.claims_file import Keeps
from sweettok.reporting.collect import Results
from sweettok.reporting.over_seeds import LEVEL
from sweettok.reporting.rules.ruling import Effect, Outcome, Ruling

TERMS = ("tokens", "bits")


def keeps(results: Results, test: Keeps) -> Ruling:
    """Ruling on `method` losing at most the margin against `reference`. Raises InputError (other clips)."""
    methods, table = results.methods, results.per_clip
    absent = [name for name in (test.method, test.reference) if name not in methods]
    if absent or table is None:
        return Ruling("not run", f"{' and '.join(absent) or 'their test clips'} not measured")
    ours, theirs = (_by_clip(table, name) for name in (test.method, test.reference))
    if not ours.index.equals(theirs.index):
        raise InputError(
            f"{test.method} and {test.reference} were measured on different clips; run `dvc repro evaluate_reconstruction`"
        )
    paired = paired_difference([ours.to_numpy()], [theirs.to_numpy()], RESAMPLES, SEED, LEVEL)
    verdict, reason = _non_inferior(paired.interval, test.margin_db)
    side = {"supported": 1, "contradicted": -1}.get(verdict, 0)
    details = {"clips": len(ours), "effect_size_over_clips": paired.effect_size, "margin_db": test.margin_db}
    effects = {"psnr": Effect(paired.mean, paired.interval, side, details=details)}
    over = f"one seed of the main model, so the interval is over {len(ours)} clips only"
    terms = _terms(methods[test.method], methods[test.reference])
    return Ruling(verdict, f"{reason}; {_in_words(terms)}{over}", effects, terms)


def _by_clip(table: pandas.DataFrame, method: str) -> pandas.Series:
    return table[table["method"] == method].set_index("clip")["psnr"].sort_index()


def _non_inferior(interval: tuple[float, float], margin: float) -> tuple[Outcome, str]:
    low, high = interval
    if low > -margin:
        return "supported", f"loses less than {margin:g} dB"
    if high < -margin:
        return "contradicted", f"loses more than {margin:g} dB"
    return "inconclusive", f"the interval reaches across -{margin:g} dB"


def _terms(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[float, float]]:
    return {term: (ours[term], theirs[term]) for term in TERMS if ours.get(term) and theirs.get(term)}


def _in_words(terms: dict[str, tuple[float, float]]) -> str:
    return "".join(f"{a:,.0f} of {b:,.0f} {term} ({100 * a / b:.0f} %); " for term, (a, b) in terms.items())
