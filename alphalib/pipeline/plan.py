"""What a pipeline is: a YAML file that names notebooks and their parameters, checked before anything runs."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from alphalib.errors import InputError
from alphalib.store import checked

Literals = str | int | float | bool | None


class Step(BaseModel):
    """One notebook and what its parameters cell is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str
    parameters: dict[str, Literals] = {}


class Mail(BaseModel):
    """The page that is sent when the pipeline is through."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    page: str


class Pipeline(BaseModel):
    """Steps in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    steps: list[Step]
    mail: Mail | None = None


@dataclass(frozen=True)
class Project:
    """The folder that holds notebooks, pipelines and reports."""

    folder: Path

    @property
    def notebooks(self) -> Path:
        """Where the notebooks are."""
        return self.folder / "notebooks"

    @property
    def pipelines(self) -> Path:
        """Where the pipelines are."""
        return self.folder / "pipelines"

    def pipeline(self, name: str) -> Pipeline:
        """Read a pipeline by its name and check every notebook and parameter it mentions.

        Raises
        ------
        InputError
            For an unknown pipeline, notebook or parameter, with those there are.
        """
        known = sorted(path.stem for path in self.pipelines.glob("*.yaml"))
        if not known:
            raise InputError(
                f"there is no pipelines/ folder in {self.folder.resolve().name}/; run this in an alphalib project "
                "(`python -m alphalib init DIR` makes one) or name one with --project"
            )
        if name not in known:
            raise InputError(f"unknown pipeline {name!r}; there are {', '.join(known)}")
        path = self.pipelines / f"{name}.yaml"
        try:
            content = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise InputError(f"pipelines/{path.name} is not readable as YAML: {error}") from error
        pipeline = checked(content, Pipeline, name=f"pipelines/{path.name}")
        for step in pipeline.steps:
            require_parameters(self.notebook(step.notebook), step.parameters)
        return pipeline

    def notebook(self, name: str) -> Path:
        """Path of a notebook by its name."""
        path = self.notebooks / f"{name}.ipynb"
        if not path.exists():
            known = ", ".join(sorted(p.stem for p in self.notebooks.glob("*.ipynb")))
            raise InputError(f"unknown step {name!r}; the notebooks are {known}")
        return path


def notebook_parameters(notebook: Path) -> dict[str, Any]:
    """Names and defaults in a notebook's one cell tagged `parameters`.

    Raises
    ------
    InputError
        When there is not exactly one such cell, or it holds anything but `name: type = literal`.
    """
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise InputError(f"{notebook.name} must have exactly one cell tagged `parameters`, it has {len(tagged)}")
    defaults = {}
    for node in ast.parse(tagged[0]).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            target, value = node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target, value = node.targets[0].id, node.value
        else:
            raise InputError(f"{notebook.name}: the parameters cell holds literals only, line {node.lineno} is another")
        try:
            defaults[target] = ast.literal_eval(value)
        except ValueError as error:
            raise InputError(
                f"{notebook.name}: parameter {target} must be a literal; papermill does not recompute others"
            ) from error
    return defaults


def require_parameters(notebook: Path, given: dict[str, Any]) -> None:
    """Raise an `InputError` when a parameter is not the notebook's, where papermill would only warn, or of its kind."""
    known = notebook_parameters(notebook)
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(
            f"{notebook.stem} has no parameter {', '.join(map(repr, unknown))}; it has {', '.join(map(repr, known))}"
        )
    for name, value in given.items():
        default = known[name]
        whole = isinstance(default, float) and type(value) is int
        if default is not None and type(value) is not type(default) and not whole:
            kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(default), "text")
            raise InputError(f"{notebook.stem}: {name} must be {kind}, such as {json.dumps(default)}, got {value!r}")
