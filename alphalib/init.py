"""Lay out a project: `python -m alphalib init DIR`."""

from __future__ import annotations

import shutil
from pathlib import Path

from alphalib.errors import InputError

READMES = {
    "data": "The default store: prices and artefacts. Made by the library.\n",
    "reports": "Executed notebooks and pages, `{pipeline}/{date}/`. Made by the library.\n",
}


def lay_out(folder: Path) -> list[Path]:
    """Copy notebooks and pipelines into `folder` and make data/ and reports/; returns what was made.

    Raises
    ------
    InputError
        When a file that would be written is there already; nothing is written then.
    """
    wanted = [
        (path, folder / part / path.name)
        for part in ("notebooks", "pipelines")
        for path in sorted(_shipped(part).iterdir())
        if path.is_file()
    ]
    present = [str(target) for _, target in wanted if target.exists()]
    if present:
        raise InputError(f"{', '.join(present[:3])} exist(s) already; name an empty folder, nothing was written")
    for source, target in wanted:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    made = [target for _, target in wanted]
    for part, text in READMES.items():
        readme = folder / part / "README.md"
        readme.parent.mkdir(parents=True, exist_ok=True)
        if not readme.exists():
            readme.write_text(text)
            made.append(readme)
    return made


def _shipped(part: str) -> Path:
    """Where notebooks and pipelines lie: inside an installed wheel, or beside the package in a clone."""
    package = Path(__file__).parent
    installed, cloned = package / "project" / part, package.parent / part
    return installed if installed.is_dir() else cloned
