"""What the tests of trust share: a record of what they tried, from which `make reliability` writes the report."""

import inspect

import pytest
from trust.reproduction import Undisturbed, new_project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    """The smoke profile in a scratch copy, run once to its end."""
    return Undisturbed(new_project(tmp_path_factory.mktemp("undisturbed") / "project"))


@pytest.fixture
def record(request, record_property):
    """tried, lost, facts -> noted in the JUnit file, under the test's docstring.

    tried: how often; lost: how often something was lost, wrong or silently used; facts: numbers that explain them.
    The docstring is noted before the test runs, so that one that fails before it has counted is in the report too.
    """
    what = inspect.cleandoc(request.function.__doc__).splitlines()[0].rstrip(".")
    case = getattr(request.node, "callspec", None)
    record_property("what", f"{what}: {case.id}" if case else what)

    def note(tried: int, lost: int, **facts: object) -> None:
        record_property("tried", tried)
        record_property("lost", lost)
        record_property("facts", "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()))

    return note
