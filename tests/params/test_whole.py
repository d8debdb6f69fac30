"""Values that must agree over sections, and params as a whole: frozen, each value under one name."""

import pytest
from default_params import CONTENT, ROOT, changed

from sweettok.errors import InputError
from sweettok.params import Machine, parse_params, stage_params


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("proxy.levels", [16] * 8, r"proxy: levels .*2\^31"),
        ("data.size", 30, "data.size 30 .*patches.spatial 4"),
        ("data.frames", 16, "data.frames 16 .*patches.temporal 4"),
        (
            "tokenizer",
            CONTENT["tokenizer"] | {"temporal_queries": "per_location", "temporal_tokens": 16},
            "tokenizer.temporal_tokens .*16, .*per_location .*64",
        ),
        ("tokenizer.temporal_tokens", 63, "tokenizer.temporal_tokens .*63, .*8 x 8 .*1, 4, 16, 64"),
        (
            "tokenizer",
            CONTENT["tokenizer"] | {"temporal_queries": "per_frame", "temporal_tokens": 63},
            "tokenizer.temporal_tokens .*63, .*8 x 8 .*4, 16, 64, 256",
        ),
        ("tokenizer.spatial_tokens", 9, "tokenizer.spatial_tokens .*9, .*8 x 8 .*1, 4, 16, 64"),
        ("tokenizer.spatial_tokens", 256, "tokenizer.spatial_tokens .*256, .*8 x 8 .*1, 4, 16, 64"),
        ("ablation.matrix.variants", ["full", "fool"], "matrix.variants .*fool, .*full"),
        ("ablation.matrix.replication_seeds", [1, 7], "replication_seeds names 7, which seeds does not have"),
        ("ablation.matrix.replication_seeds", [0, 1], "replication_seeds holds all seeds"),
        ("prior_scaling.matrix.sizes", ["small", "smal"], "matrix.sizes .*smal, .*small, base, large"),
        ("prior_scaling.matrix.seeds", [], "prior_scaling.matrix.seeds: "),
    ],
)
def test_geometry_and_names_must_agree(path, value, named):
    with pytest.raises(InputError, match=f"^here: .*{named}") as refused:
        parse_params(changed(path, value), "here")
    assert "\n" not in str(refused.value)


def test_indices_of_the_most_codes_still_fit_int32():
    assert len(parse_params(changed("proxy.levels", [2] * 31), "here").proxy.levels) == 31
    with pytest.raises(InputError, match=r"proxy: levels .*2\^31"):
        parse_params(changed("proxy.levels", [2] * 32), "here")


@pytest.mark.parametrize("count", [1, 4, 16, 64])
@pytest.mark.parametrize("queries, frames", [("global", 1), ("per_frame", 4)])
def test_tokens_may_lie_on_any_grid_that_divides_that_of_the_patches(count, queries, frames):
    content = changed("tokenizer.temporal_tokens", frames * count)
    content["tokenizer"] |= {"temporal_queries": queries, "spatial_tokens": count}
    content["ablation"]["variants"] = {"full": {}}  # coupled queries lie in each later frame
    content["ablation"]["matrix"]["variants"] = ["full"]
    assert parse_params(content, "here").tokenizer.temporal_tokens == frames * count


@pytest.mark.parametrize("folder", ["reports", "reports/weizmann"])
def test_a_report_folder_lies_in_reports(folder):
    assert parse_params(changed("report.folder", folder), "here").report.folder == folder


def test_params_are_frozen():
    params = parse_params(CONTENT, "here")
    with pytest.raises(ValueError, match="frozen"):
        params.tokenizer.width = 1
    with pytest.raises(ValueError, match="frozen"):
        params.tokenizer = None


def test_flat_names_every_value_once():
    flat = stage_params("prepare_data", ROOT / "params.yaml", ROOT / "dvc.yaml").flat()
    data = CONTENT["data"]
    values = {f"data.{name}": value for name, value in data.items() if name not in ("clips", "factors")}
    values |= {f"data.factors.{name}": value for name, value in data["factors"].items()}
    values |= {f"machine.{name}": value for name, value in Machine(**CONTENT["machine"]).model_dump().items()}
    assert flat == values | {f"data.clips.{split}": count for split, count in data["clips"].items()}
