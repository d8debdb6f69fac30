"""Stage export_model on a small run: a model that the commands take, its numbers, its version in MLflow."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scratch_project import ROOT

from stages import export_model
from sweettok import SweetTok
from sweettok.metrics.record import record
from sweettok.mlflow_store import open_client, store_uri
from sweettok.params import Params
from sweettok.reporting.collect import Results
from sweettok.reporting.numbers import headline_numbers
from sweettok.storage import sha256_of, write_json
from sweettok.tracking import tracked_run
from sweettok.video.store import ClipStore, to_uint8

PATHS = os.environ | {"PYTHONPATH": str(ROOT)}
RECONSTRUCTION = {
    "methods": {
        "sweettok": {
            "metrics": {"psnr": record(18.7654, 36, "test"), "frechet_video/judge": record(2.5, 36, "test")},
            "codebook": {"spatial": {"usage": 0.75}, "temporal": {"usage": 0.5}},
        },
        "proxy": {"metrics": {"psnr": record(20.5, 36, "test")}, "codebook": None},
    }
}
GENERATION = {"metrics": {"frechet_video/judge:reconstruction": record(30.25, 16, "generated vs test", 0)}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_run):
    """What the stages before leave: clips, the last training's model, two summaries."""
    outputs = small_run(tmp_path_factory.mktemp("run")) / "outputs"
    (outputs / "model").rename(outputs / "pixels")
    main = RECONSTRUCTION["methods"]["sweettok"]
    for name, content in (("reconstruction/sweettok", main), ("generation", GENERATION)):
        (outputs / name).mkdir(parents=True)
        write_json(outputs / name / "summary.json", content)
    return outputs.parent


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    """A working folder of its own with these outputs."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEETTOK_REPRODUCTION", "test")
    return tmp_path


def export(root):
    """Run the stage's body as `run_stage` does; returns MLflow's id of its run."""
    params = Params(profile="test")
    with tracked_run("export_model", params, root=root) as run:
        export_model.body(params, run)
    return run.identity


def test_the_model_comes_with_the_numbers_of_the_report(project, tok):
    export(project)
    assert SweetTok.from_pretrained("outputs/model").model_id == tok.model_id
    card = (project / "outputs" / "model" / "README.md").read_text()
    expected = headline_numbers(Results("test", reconstruction=RECONSTRUCTION, generation=GENERATION))
    own = {name: value for name, value in expected.items() if not name.startswith("reconstruction.proxy.")}
    assert len(own) == 5 and all(f"| {name} | {value:.4g} |" in card for name, value in own.items())
    assert "proxy" not in card.split("## Numbers")[1]


def test_each_run_is_a_version_with_its_files_and_facts(project, tok):
    runs = [export(project), export(project)]
    versions = open_client(project).search_model_versions("name = 'sweettok'")
    assert {int(version.version): version.run_id for version in versions} == {1: runs[0], 2: runs[1]}
    source = versions[0].source.removeprefix("file://")
    assert sha256_of(f"{source}/model.safetensors") == versions[0].tags["weights_sha256"] == tok.model_id
    facts = json.loads((project / ".mlflow" / "artifacts" / runs[0] / "artifacts" / "signature.json").read_text())
    tokens = tok.encode_video(_clip(project))
    assert facts["bits"] == pytest.approx(tokens.entropy_bits) and facts["indices"] == tokens.indices.size
    assert facts["clip"] == {"channels": 3, "frames": 9, "height": 16, "width": 16, "range": [-1, 1]}
    assert facts["tokens"] == {"spatial": 4, "temporal": 16} and facts["vocabulary"] == {"spatial": 19, "temporal": 15}
    assert facts["data_sha256"] == {
        split: ClipStore.open("outputs/data", split).fingerprint for split in ("train", "val", "test")
    }
    assert facts["weights_sha256"] == tok.model_id


def test_mlflow_loads_it_in_another_process(project, tok):
    """By its registered name; frames of another shape or type are refused by the signature."""
    run = export(project)
    store = ClipStore.open("outputs/data", "test")
    np.save("frames.npy", to_uint8(store.clips([0, 1])))
    script = """
        import mlflow, numpy, sys
        from mlflow.exceptions import MlflowException
        mlflow.set_tracking_uri(sys.argv[1])
        frames = numpy.load("frames.npy")
        model = mlflow.pyfunc.load_model("models:/sweettok/1")
        numpy.save("tokens.npy", model.predict(frames))
        for other in (frames[:, :3], frames.astype(numpy.float32)):
            try:
                model.predict(other)
            except MlflowException:
                continue
            sys.exit("not refused")
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), store_uri(project)], env=PATHS, check=True)
    tokens = np.load("tokens.npy")
    assert tokens.dtype == np.int64 and np.array_equal(tokens, tok.encode(store.clips([0, 1])).numpy())
    folder = project / ".mlflow" / "artifacts" / run / "artifacts" / "model"
    assert SweetTok.from_pretrained(folder).model_id == tok.model_id


def _clip(folder):
    """A file of exactly one window of the model."""
    from sweettok.api.writing import write_frames

    write_frames(folder / "clip.mkv", to_uint8(ClipStore.open("outputs/data", "test").clips([0]))[0])
    return folder / "clip.mkv"


def test_without_mlflow_the_model_is_made_all_the_same(project, tok):
    (project / ".mlflow").mkdir()
    (project / ".mlflow" / "mlflow.db").write_text("this is no database" * 100)
    with pytest.warns(UserWarning, match="MLflow"):
        assert export(project) is None
    assert SweetTok.from_pretrained("outputs/model").model_id == tok.model_id


def test_a_registry_that_refuses_costs_a_warning(project, tok, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.MlflowClient.create_model_version", refuse)
    with pytest.warns(UserWarning, match="MLflow .*disk full.*outputs/model"):
        identity = export(project)
    assert open_client(project).get_run(identity).info.status == "FINISHED"
    assert SweetTok.from_pretrained("outputs/model").model_id == tok.model_id
