"""Pipelines are checked before anything runs."""

import pytest

from alphalib.errors import ContractError, InputError
from alphalib.pipeline.plan import Project, notebook_parameters, require_parameters
from tests.pipeline.projects import write_notebook, write_project

PROJECT = Project(__import__("pathlib").Path(__file__).parents[2])


@pytest.mark.parametrize("name", ["weekly", "weekday", "factor"])
def test_the_shipped_pipelines_name_notebooks_and_parameters_that_exist(name):
    assert PROJECT.pipeline(name).steps


def test_an_unknown_pipeline_names_those_there_are(tmp_path):
    project = write_project(tmp_path, {"one": ["x: int = 1"]})
    with pytest.raises(InputError, match="unknown pipeline 'weekyl'; there are test"):
        project.pipeline("weekyl")


def test_a_folder_that_is_no_project_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"python -m alphalib init DIR"):
        Project(tmp_path).pipeline("weekly")


def test_an_unknown_step_names_the_notebooks(tmp_path):
    project = write_project(tmp_path, {"one": ["x: int = 1"]}, steps="  - notebook: two\n")
    with pytest.raises(InputError, match="unknown step 'two'; the notebooks are one"):
        project.pipeline("test")


def test_an_unknown_parameter_is_refused_where_papermill_would_only_warn(tmp_path):
    steps = "  - notebook: one\n    parameters: {lookbak: 126}\n"
    project = write_project(tmp_path, {"one": ["lookback: int = 252"]}, steps=steps)
    with pytest.raises(InputError, match="one has no parameter 'lookbak'; it has 'lookback'"):
        project.pipeline("test")


def test_a_misspelt_key_of_the_file_is_a_fault(tmp_path):
    project = write_project(tmp_path, {"one": []}, steps="  - notbook: one\n")
    with pytest.raises(ContractError, match="notbook"):
        project.pipeline("test")


def test_parameters_are_read_with_their_defaults(tmp_path):
    path = write_notebook(tmp_path / "one.ipynb", ["window: int = -5  # sessions", "names: list = ['A', 'B']"], [])
    assert notebook_parameters(path) == {"window": -5, "names": ["A", "B"]}
    require_parameters(path, {"window": 3})


@pytest.mark.parametrize("line", ["twice = window * 2", "print(1)"])
def test_the_parameters_cell_holds_literals_only(tmp_path, line):
    path = write_notebook(tmp_path / "one.ipynb", [line], [])
    with pytest.raises(InputError, match="literal"):
        notebook_parameters(path)
