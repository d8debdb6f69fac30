"""The ablation table that a variant stands in follows from what it changes."""

from pathlib import Path

import pytest

from sweettok.params import load_params

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.mark.parametrize(
    ("profile", "variants", "table"),
    [
        ("claims", ("coupled", "downsample", "downsample_wide"), "T4"),
        ("claims", ("lc", "shuffled_words", "codebook-hashed", "codebook-no-graph", "codebook-composed"), "T5"),
        ("peers", ("learned_codebook", "fsq", "factorised"), "T5"),
        ("claims", ("end_to_end", "curriculum-alternating"), "T6"),
        ("peers", ("full", "tail_drop", "larp", "cvivit"), ""),  # nothing, none of these, and form and codes at once
    ],
)
def test_one_change_one_table(profile, variants, table):
    params = load_params(PROFILES / f"{profile}.yaml")
    assert {params.ablation.variants[name].table for name in variants} == {table}
