"""A scratch copy of the project for each file of tests."""

import pytest
from scratch_project import Project


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Project:
    """A copy shared by the tests of a file."""
    return Project(tmp_path_factory.mktemp("project"))
