"""dvc.yaml says what each stage reads: no imported file, no read section is missing from it."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]
# Code that cannot change a stage's numbers: what reads params, reports errors, tracks runs, writes files.
PLUMBING = {"sweettok/__init__.py", "sweettok/params", "sweettok/errors.py", "sweettok/storage.py", "sweettok/stage.py",
            "sweettok/allocator.py", "sweettok/energy.py", "sweettok/tracking.py", "sweettok/mlflow_store.py",
            "sweettok/unsent.py", "sweettok/provenance.py", "sweettok/parent_process.py", "sweettok/progress.py",
            "sweettok/torchvision_operators.py", "sweettok/ray_tasks.py", "sweettok/extras.py"}  # fmt: skip


def modules(path: Path) -> set[Path]:
    """Files of sweettok that a file imports, at any level of nesting."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("sweettok"):
                module = ROOT / name.replace(".", "/")
                found |= {file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()}
    return found


def closure(path: Path) -> set[str]:
    """All files of sweettok that a file needs, directly or not."""
    todo, seen = [path], set()
    while todo:
        for file in modules(todo.pop()):
            if file not in seen:
                seen.add(file)
                todo.append(file)
    return {str(file.relative_to(ROOT)) for file in seen}


def within(file: str, paths: Iterable[str]) -> bool:
    """Whether the file is one of the paths or lies under one."""
    return any(file == path or file.startswith(path + "/") for path in paths)


def test_the_closure_follows_imports():
    assert "sweettok/language/graph.py" in closure(ROOT / "stages/train_joint.py")
    assert "sweettok/params/training.py" in closure(ROOT / "stages/train_joint.py")  # through the package's __init__


@pytest.mark.parametrize("stage", STAGES)
def test_every_imported_file_is_a_dependency(stage):
    script = f"stages/{stage}.py"
    deps = [str(dep) for dep in STAGES[stage]["deps"]]
    assert script in deps
    missing = [file for file in closure(ROOT / script) if not within(file, deps) and not within(file, PLUMBING)]
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_the_script_reads_only_declared_sections(stage):
    from sweettok.params import Params
    from sweettok.params.whole import UNWATCHED

    declared = {key.split(".")[0] for key in STAGES[stage].get("params", [])} | set(UNWATCHED)
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    read = {
        node.attr for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "params"
    }  # fmt: skip
    assert read & set(Params.model_fields) <= declared


def test_the_report_lies_where_params_say():
    outs = [next(iter(out)) for out in STAGES["report"]["outs"] + STAGES["report"]["metrics"]]
    assert outs and all(out.startswith("${report.folder}/") for out in outs)
    shown = [path for plot in PIPELINE["plots"] for curve in plot.values() for path in curve["y"]]
    assert shown and all(path.startswith("${report.folder}/plots/") for path in shown)


def test_outputs_are_ignored_by_git_and_named_once():
    outs = [str(out) for stage in STAGES.values() for out in stage.get("outs", []) if isinstance(out, str)]
    assert len(outs) == len(set(outs))
    assert "/outputs/" in (ROOT / ".gitignore").read_text().split()


def test_the_lock_holds_the_stages_that_exist_and_no_others():
    """DVC keeps the entry of a stage that is gone, and reads and writes the whole file again after every stage."""
    locked = yaml.load((ROOT / "dvc.lock").read_text(), yaml.CSafeLoader)["stages"]
    with Repo(str(ROOT)) as repo:
        assert {stage.addressing for stage in repo.index.stages} == set(locked)
