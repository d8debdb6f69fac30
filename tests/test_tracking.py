"""Tracking against a real MLflow store in a temporary root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracked_runs import runs

from sweettok import tracking
from sweettok.errors import InputError
from sweettok.mlflow_store import open_client
from sweettok.params import Codebook, Params
from sweettok.tracking import comparison, params_hash, reproduction_key, run_name, tracked_run

CODEBOOK = Codebook(
    captions=None, captions_split=None, min_count=1, max_words=None, provider="hashed", provider_path=None
)
pytestmark = pytest.mark.usefixtures("own_reproduction")

PARAMS = Params(profile="test", codebook=CODEBOOK)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: creating it takes a second."""
    return tmp_path_factory.mktemp("project")


def test_a_reproduction_may_have_quotes_in_its_name(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SWEETTOK_REPRODUCTION", """Anna's "second" `try`""")
    parents = []
    for _ in range(2):
        with tracked_run("report", PARAMS, root=root) as run:
            parents.append(open_client(root).get_run(run.identity).data.tags["mlflow.parentRunId"])
    assert parents[0] == parents[1]


def test_values_that_are_not_finite_are_told_once_and_left_out(root: Path):
    with pytest.warns(UserWarning, match="train_judge: psnr is inf at step 2") as warned:  # noqa: SIM117
        with tracked_run("train_judge", PARAMS, root=root) as run:
            run.log_metrics({"psnr": 20.0, "loss": 1.0}, step=1)
            run.log_metrics({"psnr": float("inf"), "loss": 0.5}, step=2)
            run.log_metrics({"psnr": float("-inf"), "loss": float("nan")}, step=3)
    assert len(warned) == 1
    assert open_client(root).get_run(run.identity).data.metrics == {"psnr": 20.0, "loss": 0.5}


def test_run_holds_params_tags_metrics_and_artifacts(root: Path, tmp_path: Path):
    (tmp_path / "note.txt").write_text("hello")
    with tracked_run("train_judge", PARAMS, {"seed": 3}, root) as run:
        run.log_metrics({"train/loss": 2.0}, step=1)
        run.log_metrics({"train/loss": 1.0, "frechet_video/judge:reconstruction": 5.5, "fvd@larp": 7.0}, step=2)
        run.log_artifact(tmp_path / "note.txt")
    stored = open_client(root).get_run(run.identity)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == "train_judge seed 3"
    assert stored.data.metrics == {"train/loss": 1.0, "frechet_video/judge:reconstruction": 5.5, "fvd-larp": 7.0}
    assert stored.data.params["codebook.provider"] == "hashed"
    expected = {"stage": "train_judge", "seed": "3", "profile": "test", "params_hash": params_hash(PARAMS)}
    assert expected.items() <= stored.data.tags.items()
    assert {"git_commit", "git_dirty", "machine.cores", "machine.cpu", "machine.torch"} <= set(stored.data.tags)
    history = open_client(root).get_metric_history(run.identity, "train/loss")
    assert [(point.step, point.value) for point in history] == [(1, 2.0), (2, 1.0)]
    assert list((root / ".mlflow" / "artifacts").rglob("note.txt"))


def test_tags_of_a_run_that_has_begun(root: Path):
    with tracked_run("report", PARAMS, root=root) as run:
        run.tag({"verdict.a-claim": "supported", "long": "x" * 600})
    tags = open_client(root).get_run(run.identity).data.tags
    assert tags["verdict.a-claim"] == "supported" and tags["long"] == "x" * 500 and tags["stage"] == "report"


def test_figures_are_artifacts(root: Path):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([0, 1])
    with tracked_run("report", PARAMS, root=root) as run:
        run.log_figure(figure, "curve.png")
    assert [file.path for file in open_client(root).list_artifacts(run.identity)] == ["curve.png"]


def test_stages_of_a_reproduction_share_a_parent(root: Path, monkeypatch: pytest.MonkeyPatch):
    children = []
    for key in ("first", "first", "second"):
        monkeypatch.setenv("SWEETTOK_REPRODUCTION", key)
        with tracked_run("train_proxy", PARAMS, root=root) as run:
            children.append(open_client(root).get_run(run.identity).data.tags["mlflow.parentRunId"])
    assert children[0] == children[1] != children[2]
    (parent,) = runs(root, **{"sweettok.reproduction": "first"})
    assert parent.info.run_id == children[0]
    assert parent.info.status == "FINISHED"


def test_failure_marks_run_and_parent_and_propagates(root: Path):
    with pytest.raises(ZeroDivisionError), tracked_run("train_joint", PARAMS, root=root) as run:
        run.log_metrics({"loss": 1.0}, 1)
        raise ZeroDivisionError
    with tracked_run("report", PARAMS, root=root) as later:
        pass
    failed = open_client(root).get_run(run.identity)
    assert failed.info.status == "FAILED"
    assert failed.data.metrics == {"loss": 1.0}
    assert open_client(root).get_run(later.identity).info.status == "FINISHED"
    assert open_client(root).get_run(failed.data.tags["mlflow.parentRunId"]).info.status == "FAILED"


def test_interruption_is_not_a_failure(root: Path):
    with pytest.raises(KeyboardInterrupt), tracked_run("train_joint", PARAMS, root=root) as run:
        raise KeyboardInterrupt
    assert open_client(root).get_run(run.identity).info.status == "KILLED"


KILLED = """
import os
from sweettok.params import Params
from sweettok.tracking import tracked_run

with tracked_run("train_joint", Params(profile="test"), root=ROOT) as run:
    print(run.identity, flush=True)
    os._exit(9)
"""


def test_a_run_whose_process_was_killed_is_ended_by_the_next(root: Path):
    """One that is still at work stays as it is."""
    script = KILLED.replace("ROOT", repr(str(root)))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip()
    client = open_client(root)
    assert client.get_run(killed).info.status == "RUNNING"
    with tracked_run("train_proxy", PARAMS, root=root) as working, tracked_run("report", PARAMS, root=root):
        assert client.get_run(working.identity).info.status == "RUNNING"
    found = client.get_run(killed)
    assert found.info.status == "KILLED"
    assert (
        client.get_run(found.data.tags["mlflow.parentRunId"]).info.status == "FAILED"
    )  # as a reproduction that failed


def test_names_that_mlflow_refuses_become_ones_it_takes(root: Path):
    with tracked_run("train_judge", PARAMS, root=root) as run:
        run.log_metrics({"map@10": 1.0, "kept, of light + tint": 2.0, "α/β": 3.0})
        tracking._log_params(open_client(root), run.identity, {"sizes.2x[big]": 4})
    stored = open_client(root).get_run(run.identity).data
    assert stored.metrics == {"map-10": 1.0, "kept- of light - tint": 2.0, "α/β": 3.0}
    assert stored.params["sizes.2x-big-"] == "4"


def test_metrics_are_sent_in_batches(root: Path, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    original = tracking._metrics
    monkeypatch.setattr(tracking, "_metrics", lambda batch: sizes.append(len(batch)) or original(batch))
    with tracked_run("train_judge", PARAMS, root=root) as run:
        for step in range(700):
            run.log_metrics({"a": step, "b": -step}, step)
    assert sizes == [1000, 400]
    assert len(open_client(root).get_metric_history(run.identity, "a")) == 700


def test_long_values_and_many_parameters_are_stored(root: Path):
    long = CODEBOOK.model_copy(update={"captions": "x" * 2000})
    with tracked_run("build_codebook", Params(profile="test", codebook=long), root=root) as run:
        tracking._log_params(open_client(root), run.identity, {f"p{number}": number for number in range(250)})
    stored = open_client(root).get_run(run.identity).data.params
    assert stored["codebook.captions"] == "x" * 500
    assert stored["p249"] == "249"


def test_comparison_takes_the_newest_finished_run_of_each_cell(tmp_path: Path, root: Path):
    cells = [("full", 0, 20.0), ("full", 0, 21.0), ("full", 1, 22.0), ("coupled", 0, 19.0)]
    for variant, seed, psnr in cells:
        with tracked_run("ablation", PARAMS, {"variant": variant, "seed": seed}, root) as run:
            run.log_metrics({"psnr": psnr})
    with pytest.raises(ValueError), tracked_run("ablation", PARAMS, {"variant": "lc", "seed": 0}, root):
        raise ValueError
    table = comparison("ablation", root)
    assert list(table["run"]) == ["ablation coupled seed 0", "ablation full seed 0", "ablation full seed 1"]
    assert list(table["psnr"]) == [19.0, 21.0, 22.0]
    assert len(comparison("no_such_stage", root)) == 0
    with pytest.raises(InputError, match="make repro"):
        comparison("ablation", tmp_path)


def test_two_processes_create_the_store_at_once(tmp_path: Path):
    program = (
        "from sweettok.params import Params\nfrom sweettok.tracking import tracked_run\n"
        "with tracked_run('ablation', Params(profile='test'), {'variant': 'full', 'seed': 0}, 'ROOT') as run: pass\n"
        "print(run.identity)"
    ).replace("ROOT", str(tmp_path))
    environment = {**os.environ, "SWEETTOK_REPRODUCTION": "parallel"}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    identities = {process.communicate()[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(identities - {"None"}) == 2
    assert len(runs(tmp_path, **{"sweettok.reproduction": "parallel"})) == 1


def test_reproduction_is_the_dvc_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A stand-in for dvc starts two stages through a shell, as dvc does."""
    monkeypatch.delenv("SWEETTOK_REPRODUCTION")
    stage = tmp_path / "stage.py"
    stage.write_text("from sweettok.tracking import reproduction_key\nprint(reproduction_key())")
    dvc = tmp_path / "dvc"
    dvc.write_text(
        "import os, subprocess, sys\nprint(os.getpid(), flush=True)\n"
        f"for _ in range(2): subprocess.run('{sys.executable} {stage}; true', shell=True)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(tracking.__file__).parents[1])}
    outputs = [
        subprocess.run(
            [sys.executable, str(dvc), *words], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for words in (["repro", "report"], ["exp", "run"], ["status"])
    ]
    for pid, first, second in outputs[:2]:
        assert first == second
        assert first.startswith(f"{pid}-")
    pid, first, second = outputs[2]  # `dvc status` reproduces nothing: each stage stands for itself
    assert first != second
    monkeypatch.setenv("SWEETTOK_REPRODUCTION", "mine")
    assert reproduction_key() == "mine"


def test_names_and_hash():
    assert run_name("ablation", {"variant": "full", "seed": 0}) == "ablation full seed 0"
    assert run_name("evaluate_reconstruction", {"tokenizer": "proxy"}) == "evaluate_reconstruction proxy"
    assert run_name("report", {}) == "report"
    assert params_hash(PARAMS) == params_hash(PARAMS.model_copy())
    assert params_hash(PARAMS) != params_hash(Params(profile="other", codebook=CODEBOOK))
