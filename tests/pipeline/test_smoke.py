"""The whole DAG at smoke size, in a scratch copy: outputs exist, parse and are finite; reruns do what they must."""

import json
import re
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pandas
import pytest
from scratch_project import ROOT

pytestmark = pytest.mark.pipeline

TOKENIZERS = ("sweettok", "proxy", "mean_colour", "copy_first_frame", "trilinear_tokens", "trilinear_bits")


@pytest.fixture(scope="module")
def project(scratch):
    scratch.run("config", "core.no_scm", "true")
    scratch.run("repro")
    return scratch


def stages_run(output: str) -> list[str]:
    """But for list_sources, which always runs."""
    names = [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
    return [name for name in names if name != "list_sources"]


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


@pytest.fixture(scope="module")
def installed(project, tmp_path_factory):
    """The package of docs/add-a-tokenizer.md, installed by pip where the project's commands look."""
    package, target = tmp_path_factory.mktemp("my-tokenizer"), project.folder / "site"
    shutil.copy(ROOT / "examples" / "my_tokenizer.py", package)
    page = (ROOT / "docs" / "add-a-tokenizer.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    (package / "pyproject.toml").write_text(textwrap.dedent("   " + block.lstrip()))
    offline = ("--no-index", "--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(package)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    project.path.append(target)
    return project


def test_a_tokenizer_of_another_package_gets_its_row(installed):
    """From `pip install` to T1 and the page: one new stage and the report."""
    assert "mosaic: my_tokenizer:Mosaic" in installed.python("sweettok.cli", "tokenizers").stdout
    folder = installed.folder
    before = (folder / "reports/smoke/tables/T1.csv").read_text().splitlines()
    installed.edit(lambda params: params["tokenizers"].update(mosaic={"block": 8}))
    assert stages_run(installed.run("repro")) == ["evaluate_reconstruction@mosaic", "report"]
    table = pandas.read_csv(folder / "reports/smoke/tables/T1.csv").set_index("row")
    row = table.loc["mosaic"]
    assert (row["ours: tokens"], row["ours: indices"], row["ours: bits"]) == (17 * 4, 17 * 12, 24 * 17 * 4)
    assert row["ours: PSNR (dB)"] > table.loc["mean colour", "ours: PSNR (dB)"]
    after = (folder / "reports/smoke/tables/T1.csv").read_text().splitlines()
    assert [line for line in after if not line.startswith("mosaic")] == before, "the other rows stay as they are"
    page = (folder / "reports/smoke/index.html").read_text()
    assert page.count("mosaic") >= 3, "in tables, and its clips"
    metrics = json.loads((folder / "reports/smoke/metrics.json").read_text())
    assert metrics["reconstruction.mosaic.psnr"] == row["ours: PSNR (dB)"]


def test_one_loss_weight_reruns_exactly_what_depends_on_it(installed):
    project = installed
    project.edit(lambda params: params["pixel_loss"].update(perceptual=0.2))
    matrices = {f"ablation@{variant}" for variant in ("full", "coupled", "end_to_end")}
    expected = {
        "finetune_pixels",
        "train_generator",
        "evaluate_generation",
        "export_model",
        "evaluate_semantics",
        "report",
    }
    matrices |= {"scale_prior@small", "scale_prior@large"}
    matrices |= {f"evaluate_reconstruction@{name}" for name in (*TOKENIZERS, "mosaic")}
    assert set(stages_run(project.run("repro"))) == expected | matrices


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
