"""What tokens mean: probes of spatial against temporal tokens, and few-shot from words. Paired over seeds."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any, ClassVar, Literal

from pydantic import Field

from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured, Names, terms_of, weaker

Shot = tuple[str, int, int]  # task, ways, shots


class ProbeContrast(Section):
    """Linear probes read appearance better from spatial tokens, and motion better from temporal tokens."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["probe_contrast"]
    variant: str
    appearance: Names
    motion: Names

    def measured(self, results: Results, metric: str) -> Measured:
        """Of the variant's seeds that were probed for both; the metric is always accuracy."""
        probes = {seed: _probes(rows) for seed, rows in _semantics(results, self.variant, "probes").items()}
        per_seed = {}
        for kind, factors, higher, lower in (
            ("appearance", self.appearance, "spatial", "temporal"),
            ("motion", self.motion, "temporal", "spatial"),
        ):
            contrasts = {seed: _contrast(found, factors, higher, lower) for seed, found in probes.items()}
            per_seed[f"{kind}, {higher} - {lower}"] = {seed: x for seed, x in contrasts.items() if x is not None}
        if not all(per_seed.values()):
            return Measured(None, f"no cell of {self.variant} has probes of both appearance and motion")
        return weaker({name: difference_over_seeds(values) for name, values in per_seed.items()})


class Representations(Section):
    """Of a few-shot task: what the variant's clips are known by, and the reference's."""

    variant: str
    reference: str


class FewShot(Section):
    """A variant's words tell classes apart better than another's tokens, and better than chance.

    Averaged over tasks, ways and shots.
    """

    aim: ClassVar[Aim] = "better"
    kind: Literal["few_shot"]
    variant: str
    reference: str
    tasks: dict[str, Representations] = Field(min_length=1)

    def measured(self, results: Results, metric: str) -> Measured:
        """Of the seeds, tasks, ways and shots in common; the metric is always accuracy."""
        ours = _accuracies(results, self.variant, {task: names.variant for task, names in self.tasks.items()})
        theirs = _accuracies(results, self.reference, {task: names.reference for task, names in self.tasks.items()})
        above_tokens: dict[int, float] = {}
        above_chance: dict[int, float] = {}
        for seed in sorted(set(ours) & set(theirs)):
            if shots := sorted(set(ours[seed]) & set(theirs[seed])):
                above_tokens[seed] = fmean(ours[seed][shot] - theirs[seed][shot] for shot in shots)
                above_chance[seed] = fmean(ours[seed][shot] - 1 / shot[1] for shot in shots)
        if not above_tokens:
            return Measured(None, f"{self.variant} and {self.reference} share no seed with few-shot accuracies")
        parts = {f"words - tokens of {self.reference}": above_tokens, "words - chance": above_chance}
        found = {name: difference_over_seeds(values) for name, values in parts.items()}
        return weaker(found, terms=terms_of(results, self.variant, self.reference))


def _semantics(results: Results, variant: str, part: str) -> dict[int, list[dict[str, Any]]]:
    """seed -> rows of the cells that have them."""
    rows = {seed: (cell.summary.get("semantics") or {}).get(part) for seed, cell in results.of_variant(variant).items()}
    return {seed: found for seed, found in rows.items() if found}


def _probes(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """(tokens, factor) -> accuracy."""
    return {(row["tokens"], row["factor"].removeprefix("factor:")): row["accuracy"]["value"] for row in rows}


def _contrast(found: Mapping[tuple[str, str], float], factors: Iterable[str], higher: str, lower: str) -> float | None:
    """Mean over the factors that both token groups were probed for; None where there is none."""
    known = [factor for factor in factors if (higher, factor) in found and (lower, factor) in found]
    return fmean(found[higher, factor] - found[lower, factor] for factor in known) if known else None


def _accuracies(results: Results, variant: str, representation: Mapping[str, str]) -> dict[int, dict[Shot, float]]:
    """seed -> (task, ways, shots) -> accuracy of the task's representation."""
    return {
        seed: {
            (row["task"], row["ways"], row["shots"]): row["accuracy"]["value"]
            for row in rows
            if representation.get(row["task"]) == row["representation"]
        }
        for seed, rows in _semantics(results, variant, "few_shot").items()
    }
