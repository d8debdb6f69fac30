"""The whole DAG at smoke size, in a scratch copy: outputs exist, parse and are finite; reruns do what they must."""

import json
import shutil

import numpy as np
import pandas
import pytest

pytestmark = pytest.mark.pipeline

TOKENIZERS = ("sweettok", "proxy", "mean_colour", "copy_first_frame", "trilinear_tokens", "trilinear_bits")


@pytest.fixture(scope="module")
def project(scratch):
    scratch.run("config", "core.no_scm", "true")
    scratch.run("repro")
    return scratch


def stages_run(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_every_output_exists_parses_and_is_finite(project):
    summaries = sorted((project.folder / "outputs").rglob("summary.json"))
    # reconstruction: 6 tokenizers; codecs, generation, semantics; ablation: 3 variants x 2 seeds; prior_scaling: 2 sizes x 2 seeds
    assert len(summaries) == 6 + 3 + 6 + 4
    for path in summaries:
        json.loads(path.read_text(), parse_constant=pytest.fail)  # NaN, Infinity
    for path in (project.folder / "outputs").rglob("history.csv"):
        table = pandas.read_csv(path)
        assert np.isfinite(table["loss"].dropna()).all() and len(table) > 0
    for number in range(1, 8):
        assert len(pandas.read_csv(project.folder / f"reports/smoke/tables/T{number}.csv")) > 0
    assert len(pandas.read_csv(project.folder / "reports/smoke/tables/T2_scaling.csv")) == 2 + 2  # published, ours
    assert not list((project.folder / "outputs").rglob("*.partial"))
    assert not list((project.folder / "outputs/.checkpoints").glob("*.pt"))


def test_second_repro_runs_nothing(project):
    assert stages_run(project.run("repro")) == []


def test_metrics_are_shown(project):
    assert "psnr" in project.run("metrics", "show")


def test_one_loss_weight_reruns_exactly_what_depends_on_it(project):
    project.edit(lambda params: params["pixel_loss"].update(perceptual=0.2))
    cells = {f"ablation@{variant}" for variant in ("full", "coupled", "end_to_end")}
    expected = {
        "finetune_pixels",
        "train_generator",
        "evaluate_generation",
        "export_model",
        "evaluate_semantics",
        "report",
    }
    cells |= {"scale_prior@small", "scale_prior@large"}
    cells |= {f"evaluate_reconstruction@{name}" for name in TOKENIZERS}
    assert set(stages_run(project.run("repro"))) == expected | cells


def test_report_alone_redraws_figures(project):
    shutil.rmtree(project.folder / "reports/smoke")
    assert stages_run(project.run("repro", "--single-item", "report")) == ["report"]
    assert (project.folder / "reports/smoke/figures/reconstruction.png").stat().st_size > 1000


def test_without_sizes_no_prior_is_compared(project):
    """As in the default profile; priors that lie there from before are another profile's."""
    project.edit(lambda params: params["prior_scaling"]["matrix"].update(sizes=[]))
    assert stages_run(project.run("repro")) == ["list_priors", "report"]
    assert not (project.folder / "reports/smoke/tables/T2_scaling.csv").exists()


def test_bad_params_end_with_one_line_and_keep_outputs(project):
    before = (project.folder / "outputs/data/store.json").read_bytes()
    project.edit(lambda params: params["data"].update(sise=16))
    output = project.run("repro", "prepare_data", ok=False)
    line = next(line for line in output.splitlines() if line.startswith("error in stage"))
    assert "data.sise" in line and "allowed here" in line and "Traceback" not in output
    project.edit(lambda params: params["data"].pop("sise"))
    project.run("repro", "prepare_data")
    assert (project.folder / "outputs/data/store.json").read_bytes() == before
