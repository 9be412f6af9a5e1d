"""What is present, what is missing, and the one command that mends each: `python -m alphalib doctor`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from alphalib.errors import AlphalibError
from alphalib.settings import Settings
from alphalib.sources.stored import stored_span
from alphalib.store import Store


@dataclass(frozen=True)
class Finding:
    """One line of the doctor."""

    what: str
    state: Literal["ok", "off", "missing"]
    detail: str
    mend: str = ""


OPTIONAL = {
    "jupyterlab": ("JupyterLab", "lab"),
    "anthropic": ("research by language models", "agents"),
    "s3fs": ("stores on S3", "s3"),
}

KNOCK = 0.5
"""How long a gateway may take to answer. [seconds]"""


def findings(settings: Settings, folder: Path) -> list[Finding]:
    """Look at the machine, the installation, the project folder, the store and the settings.

    Parameters
    ----------
    settings : Settings
        What the environment sets.
    folder : Path
        The project folder.
    """
    return [
        *_machine(),
        *_packages(),
        *_project(folder),
        *_store(settings.store),
        *_broker(settings),
        *_settings(settings),
    ]


def _machine() -> Iterator[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding("python", "ok" if good else "missing", running, "" if good else "install Python 3.11, 3.12 or 3.13")
    try:
        import lightgbm

        yield Finding("lightgbm", "ok", lightgbm.__version__)
    except OSError as error:
        yield Finding("lightgbm", "missing", str(error), "apt-get install libgomp1")
    free = shutil.disk_usage(".").free / 1e9
    yield Finding("disk", "ok" if free > 2 else "missing", f"{free:.0f} GB free", "" if free > 2 else "free 2 GB")
    yield Finding("cores", "ok", str(os.cpu_count()))


def _packages() -> Iterator[Finding]:
    for module, (purpose, extra) in OPTIONAL.items():
        present = importlib.util.find_spec(module) is not None
        mend = "" if present else f"pip install 'alphalib[{extra}]'"
        yield Finding(purpose, "ok" if present else "off", module if present else f"{module} is not installed", mend)


def _project(folder: Path) -> Iterator[Finding]:
    notebooks = len(list((folder / "notebooks").glob("*.ipynb")))
    pipelines = len(list((folder / "pipelines").glob("*.yaml")))
    if notebooks and pipelines:
        yield Finding("project", "ok", f"{notebooks} notebooks, {pipelines} pipelines")
    else:
        yield Finding("project", "missing", "no notebooks/ and pipelines/ here", "python -m alphalib init .")


def _store(url: str) -> Iterator[Finding]:
    try:
        store = Store(url)
        span = stored_span(store)
        store.write_bytes("locks/doctor", b"writable\n")
        store.remove("locks/doctor")
    except AlphalibError as error:
        yield Finding("store", "missing", str(error), "ALPHALIB_STORE=FOLDER")
        return
    yield Finding("store", "ok", f"{url} is readable and writable")
    if span is None:
        yield Finding("prices", "off", "none stored", "python -m alphalib.pipeline weekly")
    else:
        yield Finding("prices", "ok", f"{span.source.name}, {span.first:%Y-%m-%d} to {span.last:%Y-%m-%d}")


def _broker(settings: Settings) -> Iterator[Finding]:
    """The client library, and whether anything listens where IB Gateway is said to be. Sends nothing."""
    there = [name for name in ("ib_insync", "ib_async") if importlib.util.find_spec(name) is not None]
    told = " and ".join(f"{name} {version(name)}" for name in there)
    if len(there) == 2:
        yield Finding(
            "IB client",
            "missing",
            f"{told}: they overwrite each other's files",
            "pip uninstall -y ib_async && pip install --force-reinstall --no-deps ib_insync eventkit",
        )
    else:
        mend = "" if there else "pip install 'alphalib[ib]'"
        yield Finding("IB client", "ok" if there else "off", told or "neither ib_insync nor ib_async", mend)
    where = f"{settings.ib_host}:{settings.ib_port}"
    try:
        socket.create_connection((settings.ib_host, settings.ib_port), timeout=KNOCK).close()
    except OSError:
        mend = "docs/paper_trading.md; `python -m alphalib.execute --simulate` needs none"
        yield Finding("IB gateway", "off", f"nobody answers at {where}", mend)
    else:
        yield Finding("IB gateway", "ok", f"a port is open at {where}; `python -m alphalib.execute connection-test`")


def _settings(settings: Settings) -> Iterator[Finding]:
    mail = bool(settings.smtp_host and settings.mail_to)
    yield Finding("mail", "ok" if mail else "off", settings.smtp_host or "no mail server named",
                  "" if mail else "ALPHALIB_SMTP_HOST=… ALPHALIB_MAIL_FROM=… ALPHALIB_MAIL_TO=…")  # fmt: skip
    key = settings.anthropic_api_key is not None
    without = "no key: the rule-based analyst scores"
    yield Finding("language model", "ok" if key else "off", "key set" if key else without,
                  "" if key else "ALPHALIB_ANTHROPIC_API_KEY=…")  # fmt: skip
