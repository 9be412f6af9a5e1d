"""Takes secrets, personal paths and the smear of progress bars out of an executed notebook."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alphalib.settings import settings

WIDGET = "application/vnd.jupyter.widget-view+json"
METER = re.compile(r"\d+(%\||it \[)")
"""What tqdm writes, and what it leaves as the text of its widget."""


def scrubbed(notebook: Any) -> Any:
    """A notebook without the values of secrets, with `~` and `.` for the machine's folders, without progress on stderr.

    Parameters
    ----------
    notebook : NotebookNode
        As nbformat reads it.

    Returns
    -------
    NotebookNode
        A new one.
    """
    import nbformat

    for cell in notebook.cells:
        cell.get("metadata", {}).pop("papermill", None)
        if "outputs" in cell:
            cell.outputs = [kept for output in cell.outputs if (kept := _without_progress(output)) is not None]
    notebook.metadata.pop("papermill", None)
    if not any(WIDGET in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])):
        notebook.metadata.pop("widgets", None)  # their state
    text = json.dumps(notebook, ensure_ascii=False)
    for found, put in replacements():
        text = text.replace(json.dumps(found, ensure_ascii=False)[1:-1], put)
    return nbformat.from_dict(json.loads(text))


def replacements() -> list[tuple[str, str]]:
    """What is replaced by what: secrets first, then folders, the longest first."""
    secrets = [
        (value.get_secret_value(), "***")
        for value in settings().__dict__.values()
        if isinstance(value, SecretStr) and value.get_secret_value()
    ]
    folders = {str(Path.cwd()): ".", sys.prefix: "<python>", sys.base_prefix: "<python>", str(Path.home()): "~"}
    ordered = sorted(((found, put) for found, put in folders.items() if len(found) > 1), key=lambda pair: -len(pair[0]))
    return secrets + ordered


def _without_progress(output: Any) -> Any:
    """The output without bars: lines that a carriage return draws over, and their widget; None when nothing is left."""
    data = output.get("data", {})
    if WIDGET in data and METER.search(str(data.get("text/plain", ""))):
        return None
    if output.get("output_type") == "stream" and output.get("name") == "stderr":
        text = re.sub(r"\r[^\r\n]*", "", output["text"])
        return {**output, "text": text} if text.strip() else None
    return output
