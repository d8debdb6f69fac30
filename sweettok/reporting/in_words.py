"""A verdict in words: why it is what it is, what would change it, and why it may differ from the paper's."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sweettok.reporting.claims import Finding, Verdict
from sweettok.reporting.rules.measured import fairness

CAUSES = {
    "scale": "open: one model size, one resolution and one number of steps; a run at another one would tell",
    "data": "open: one data set; the same verdict of another profile's report would exclude it",
    "method": "open: the recipe is this project's (docs/recipe.md), the same for both sides",
}


def why(verdict: Verdict) -> str:
    """The decision, then what both sides have in common, then what else readers must know."""
    measured = verdict.discovery.measured
    if verdict.outcome == "not run":
        if verdict.claim.test.kind == "not_tested":
            return f"No experiment here: {measured.open_because}"
        return f"Not run here, part of the profile `{verdict.claim.profile}`"
    parts = (measured.open_because or _decision(verdict), fairness(measured.terms), measured.remark)
    return "; ".join(part for part in parts if part)


def _decision(verdict: Verdict) -> str:
    if verdict.replication and not verdict.replicated:
        return f"not replicated: {verdict.discovery.outcome} with the first seeds, {verdict.replication.outcome} with the others"
    limit = f"{verdict.rule.smallest_effect:g} {verdict.rule.unit}"
    same = verdict.claim.test.aim == "same"
    null = f"-{limit}" if verdict.claim.test.aim == "not worse" else f"±{limit}" if same else "zero"
    return {
        "supported": f"within ±{limit}" if same else f"above {null}",
        "contradicted": f"beyond {null}" if same else f"below {null}",
        "equivalent": f"within ±{limit}: no difference that matters",
        "inconclusive": f"not distinguishable from {null}, and not shown to lie within ±{limit} (5 % false discoveries)",
        "not run": "",
    }[verdict.outcome]


def changes_it(verdict: Verdict) -> str:
    """What a reader could do to see another verdict, or to trust this one."""
    measured = verdict.discovery.measured
    if verdict.outcome == "not run":
        return why(verdict)
    if verdict.outcome != "inconclusive":
        return (
            "a second set of seeds that disagrees"
            if verdict.replication is None
            else "a run at another scale or on other data"
        )
    if measured.primary is None or len(measured.primary.seeds) < 2:
        return "more seeds"
    if measured.open_because:
        return "cells that have learned" if "mean colour" in measured.open_because else "more clips"
    limit = f"{verdict.rule.smallest_effect:g} {verdict.rule.unit}"
    if verdict.seeds_needed is None:
        return f"more clips: with these, no number of seeds detects {limit}"
    return f"{verdict.seeds_needed} seeds instead of {len(measured.primary.seeds)} would detect {limit}"


def claims_json(found: tuple[Verdict, ...]) -> list[dict[str, Any]]:
    """claims.json: one object a claim; estimates in the unit of the claim's primary, above zero for the claim."""
    return [
        {
            "claim": one.claim.statement,
            "table": one.claim.table,
            "primary": one.rule.primary,
            "unit": one.rule.unit,
            "smallest_effect": one.rule.smallest_effect,
            "minimum_detectable": one.detectable,
            "seeds_needed": one.seeds_needed,
            "discovery": _estimate(one.discovery),
            "replication": one.replication and _estimate(one.replication),
            "verdict": one.outcome,
            "why": why(one),
            "what_would_change_it": changes_it(one),
            "reason": CAUSES if one.outcome in ("contradicted", "equivalent") else None,
        }
        for one in found
    ]


def verdict_tags(claims: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Entries of claims.json -> tags of the report's run: `verdict.mlc-beats-shuffled-words` -> "supported"."""
    return {f"verdict.{'-'.join(re.findall('[a-z0-9]+', one['claim'].lower()))}": one["verdict"] for one in claims}


def _estimate(finding: Finding) -> dict[str, Any] | None:
    """None where nothing has run."""
    primary = finding.measured.primary
    if primary is None:
        return None
    low, high = primary.interval or (None, None)
    estimate = {"estimate": primary.mean, "low": low, "high": high, "seeds": primary.seeds, "clips": primary.clips}
    return estimate | {"outcome": finding.outcome, "pairing": primary.pairing}
