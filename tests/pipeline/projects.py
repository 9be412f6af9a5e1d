"""Projects of tiny notebooks."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from alphalib.pipeline.plan import Project


def write_notebook(path: Path, parameters: list[str], code: list[str]) -> Path:
    """A notebook of one parameters cell and one code cell a line."""
    first = new_code_cell("\n".join(parameters), metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[first, *map(new_code_cell, code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def write_project(
    folder: Path, notebooks: dict[str, list[str]], *, steps: str | None = None, code: dict[str, list[str]] | None = None
) -> Project:
    """A project with one pipeline `test`; `notebooks` gives each parameters cell, `code` the cells after it."""
    for name, parameters in notebooks.items():
        write_notebook(folder / "notebooks" / f"{name}.ipynb", parameters, (code or {}).get(name, []))
    listed = steps or "".join(f"  - notebook: {name}\n" for name in notebooks)
    (folder / "pipelines").mkdir(exist_ok=True)
    (folder / "pipelines" / "test.yaml").write_text(f"name: test\nsteps:\n{listed}")
    return Project(folder)
