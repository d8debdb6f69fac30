"""What tokens mean: probes of spatial against temporal tokens, and few-shot from words. Paired over seeds."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from sweettok.reporting.claims_file import FewShot, ProbeContrast
from sweettok.reporting.collect import Results
from sweettok.reporting.over_seeds import over_seeds_of
from sweettok.reporting.rules.ruling import Effect, Ruling, by_all, few_seeds, terms_of, undecided, with_fairness

Shot = tuple[str, int, int]  # task, ways, shots


def probe_contrast(results: Results, test: ProbeContrast) -> Ruling:
    """Ruling on spatial tokens holding appearance and temporal tokens holding motion."""
    probes = {seed: _probes(rows) for seed, rows in _semantics(results, test.variant, "probes").items()}
    contrasts = {
        "appearance, spatial - temporal": {
            seed: _contrast(found, test.appearance, "spatial", "temporal") for seed, found in probes.items()
        },
        "motion, temporal - spatial": {
            seed: _contrast(found, test.motion, "temporal", "spatial") for seed, found in probes.items()
        },
    }
    known = {name: _without_gaps(per_seed) for name, per_seed in contrasts.items()}
    if not all(known.values()):
        return Ruling("not run", f"no cell of {test.variant} has probes of both appearance and motion")
    effects = {name: Effect.over_seeds(over_seeds_of(per_seed)) for name, per_seed in known.items()}
    few = few_seeds(set.intersection(*(set(per_seed) for per_seed in known.values())))
    return Ruling(*(undecided(few) if few else by_all(effects)), effects)


def few_shot(results: Results, test: FewShot) -> Ruling:
    """Ruling on a variant's words beating the reference's tokens, and chance, averaged over tasks, ways and shots."""
    ours = _accuracies(results, test.variant, {task: names.variant for task, names in test.tasks.items()})
    theirs = _accuracies(results, test.reference, {task: names.reference for task, names in test.tasks.items()})
    shared = sorted(set(ours) & set(theirs))
    per_seed = {seed: sorted(set(ours[seed]) & set(theirs[seed])) for seed in shared}
    per_seed = {seed: shots for seed, shots in per_seed.items() if shots}
    if not per_seed:
        return Ruling("not run", f"{test.variant} and {test.reference} share no seed with few-shot accuracies")
    above_tokens = {
        seed: fmean(ours[seed][shot] - theirs[seed][shot] for shot in shots) for seed, shots in per_seed.items()
    }
    above_chance = {seed: fmean(ours[seed][shot] - 1 / shot[1] for shot in shots) for seed, shots in per_seed.items()}
    differences = {f"words - tokens of {test.reference}": above_tokens, "words - chance": above_chance}
    effects = {name: Effect.over_seeds(over_seeds_of(values)) for name, values in differences.items()}
    terms, few = terms_of(results, test.variant, test.reference), few_seeds(per_seed)
    verdict, reason = undecided(few) if few else by_all(effects)
    return Ruling(verdict, with_fairness(reason, terms), effects, terms)


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


def _without_gaps(per_seed: Mapping[int, float | None]) -> dict[int, float]:
    return {seed: value for seed, value in per_seed.items() if value is not None}


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
