"""A method of T1 keeps another's fidelity with fewer tokens: non-inferiority, paired over test clips."""

from typing import ClassVar, Literal

from sweettok.errors import InputError
from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import paired_difference
from sweettok.reporting.rules.measured import Measured


class Keeps(Section):
    """A method of T1 loses too little to matter against another that has more tokens."""

    aim: ClassVar[Aim] = "not worse"
    kind: Literal["keeps"]
    method: str
    reference: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Raises InputError where the two were measured on different clips."""
        names, table = (self.method, self.reference), results.per_clip
        absent = [name for name in names if name not in results.methods]
        if absent or table is None:
            return Measured(None, f"{' and '.join(absent) or 'their test clips'} not measured")
        ours, theirs = (table[table["method"] == name].set_index("clip")[metric].sort_index() for name in names)
        if not ours.index.equals(theirs.index):
            raise InputError(
                f"{' and '.join(names)} were measured on different clips; run `dvc repro evaluate_reconstruction`"
            )
        mine, other = (results.methods[name] for name in names)
        primary = paired_difference([ours.to_numpy()], [theirs.to_numpy()], [mine["metrics"][metric]["seed"] or 0])
        terms = {term: (mine[term], other[term]) for term in ("tokens", "bits") if mine.get(term) and other.get(term)}
        cost = "".join(f"{a:,.0f} of {b:,.0f} {term} ({100 * a / b:.0f} %); " for term, (a, b) in terms.items())
        over = f"one seed of the main model, so the interval is over {len(ours)} clips only"
        return Measured(primary, remark=f"{cost}{over}")
