"""A method of T1 keeps another's fidelity with fewer tokens: non-inferiority of its PSNR, paired over test clips."""

from typing import Literal

from pydantic import PositiveFloat

from sweettok.errors import InputError
from sweettok.metrics.statistics import paired_difference
from sweettok.params.section import Section
from sweettok.reporting.ablation import RESAMPLES, SEED
from sweettok.reporting.collect import Results
from sweettok.reporting.over_seeds import LEVEL
from sweettok.reporting.rules.ruling import Effect, Outcome, Ruling


class Keeps(Section):
    """A method of T1 loses at most the margin of PSNR against another that has more tokens."""

    kind: Literal["keeps"]
    method: str
    reference: str
    margin_db: PositiveFloat

    def ruling(self, results: Results) -> Ruling:
        """Raises InputError where the two were measured on different clips."""
        names, table, margin = (self.method, self.reference), results.per_clip, self.margin_db
        absent = [name for name in names if name not in results.methods]
        if absent or table is None:
            return Ruling("not run", f"{' and '.join(absent) or 'their test clips'} not measured")
        ours, theirs = (table[table["method"] == name].set_index("clip")["psnr"].sort_index() for name in names)
        if not ours.index.equals(theirs.index):
            raise InputError(
                f"{' and '.join(names)} were measured on different clips; run `dvc repro evaluate_reconstruction`"
            )
        paired = paired_difference([ours.to_numpy()], [theirs.to_numpy()], RESAMPLES, SEED, LEVEL)
        low, high = paired.interval
        outcome: tuple[Outcome, int, str] = ("inconclusive", 0, f"the interval reaches across -{margin:g} dB")
        if low > -margin:
            outcome = ("supported", 1, f"loses less than {margin:g} dB")
        elif high < -margin:
            outcome = ("contradicted", -1, f"loses more than {margin:g} dB")
        verdict, side, reason = outcome
        details = {"clips": len(ours), "effect_size_over_clips": paired.effect_size, "margin_db": margin}
        mine, other = (results.methods[name] for name in names)
        terms = {term: (mine[term], other[term]) for term in ("tokens", "bits") if mine.get(term) and other.get(term)}
        cost = "".join(f"{a:,.0f} of {b:,.0f} {term} ({100 * a / b:.0f} %); " for term, (a, b) in terms.items())
        over = f"one seed of the main model, so the interval is over {len(ours)} clips only"
        effects = {"psnr": Effect(paired.mean, paired.interval, side, details=details)}
        return Ruling(verdict, f"{reason}; {cost}{over}", effects, terms)
