"""Packages that only an extra brings: what is asked for is told from what is a bug."""

import pytest

from sweettok import extras
from sweettok.errors import InputError

DECLARED = [
    "numpy>=2",
    "lpips>=0.1; extra == 'metrics'",
    "sweettok[metrics]; extra == 'repro'",
    "mlflow>=3; extra == 'repro'",
    "scikit-learn>=1; extra == 'repro'",
    "ray>=2; extra == 'ray'",
    "pytest; extra == 'test'",
]


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(extras.metadata, "requires", lambda name: DECLARED)


def test_extras_add_to_the_core():
    assert [one.name for one in extras.requirements()] == ["numpy"]
    assert [one.name for one in extras.requirements("metrics", "repro")] == ["numpy", "lpips", "mlflow", "scikit-learn"]


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [("mlflow", "mlflow", "repro"), ("lpips.pretrained", "lpips", "metrics"), ("sklearn.svm", "scikit-learn", "repro")],
)
def test_the_command_that_installs_it_is_named(module, package, extra):
    with pytest.raises(InputError) as missing, extras.naming_missing_packages():
        raise ModuleNotFoundError("No module", name=module)
    assert f"needs {package}," in str(missing.value) and f"pip install '.[{extra}]'" in str(missing.value)


@pytest.mark.parametrize("module", ["sweettok.nothing", "numpy", "pytest", None])
def test_others_stay_what_they_are(module):
    with pytest.raises(ModuleNotFoundError), extras.naming_missing_packages():
        raise ModuleNotFoundError("No module", name=module)


def test_a_project_that_is_not_installed_names_none(monkeypatch):
    def absent(name):
        raise extras.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(extras.metadata, "requires", absent)
    with pytest.raises(ModuleNotFoundError), extras.naming_missing_packages():
        raise ModuleNotFoundError("No module", name="mlflow")
