"""One file, or a folder of files that grows by the sessions that are new.

Each part of a folder knows from which past it was computed. What is stored stays while that past is what the market
says today; when it is not, because a price was corrected or the factors are others, everything is written anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import filelock
import numpy as np
import pandas as pd

from alphalib import __version__
from alphalib.errors import BusyError, InputError, StoreError
from alphalib.features.engine.parts import Content, Job, read_metadata
from alphalib.market import Market
from alphalib.store import content_hash, reason

Recipe: TypeAlias = dict[str, Any]
"""What a part is made of."""

Write: TypeAlias = Callable[[Job, Path, Mapping[str, Any]], Content]
"""Writes a job to a path, with metadata."""


def recipe_of(job: Job, market: Market) -> Recipe:
    """What a part is made of; all but `data` and `versions` must be as in the part before it."""
    factors = {n: {"text": str(node), "hash": node.hash, "unit": str(node.unit)} for n, node in job.nodes.items()}
    return {
        "code": code_hash(),
        "source": market.source.name,
        "factors": factors,
        "mask": job.shown.mask,
        "dtype": job.dtype,
        "data": market.data_hash,
        "versions": {"alphalib": __version__, "numpy": np.__version__, "pandas": pd.__version__},
    }


@cache
def code_hash() -> str:
    """Hash of `value_files`: an edited formula makes other values."""
    return content_hash(b"".join(file.read_bytes() for file in value_files()))


def value_files() -> list[Path]:
    """The files that a factor's values come from.

    The language is among them: it says how far back an operator reads, so what is masked, and where exponential
    averages begin anew.
    """
    features = Path(__file__).parents[1]
    folders = (features, features / "language", features / "engine")
    return [features.parent / "market.py", *(file for folder in folders for file in sorted(folder.glob("*.py")))]


def write_single(job: Job, path: Path, recipe: Recipe, write: Write) -> tuple[str, Content]:
    """Write everything to one file; what was done, in words."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; a name that ends in .parquet is for one file")
    return "written", write(job, path, recipe | _past(job, len(job.sessions)))


def grow(job: Job, folder: Path, recipe: Recipe, write: Write) -> tuple[str, Content]:
    """Add the sessions that a folder does not hold yet, or write it anew; what was done, in words."""
    if folder.is_file():
        raise InputError(f"{folder} is a file; a folder of parts needs another name")
    with _alone(folder):
        _clean(folder)
        return _grown(job, folder, recipe, write)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: a part of other factors would slip among those that are being replaced.

    The lock is on a file beside the folder, and ends with the process, however that ends.
    """
    lock = filelock.FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise BusyError(f"another run is writing {folder}; wait for it to end, then run the same again") from None
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {reason(error)}; nothing was changed") from error
    try:
        yield
    finally:
        lock.release()


def _clean(folder: Path) -> None:
    """Put right what a writer that was killed has left behind."""
    for old in folder.parent.glob(f".{folder.name}.*.old"):
        if not folder.exists():
            old.rename(folder)  # it was killed between its two renames
    for left in (*folder.parent.glob(f".{folder.name}.*.old"), *folder.parent.glob(f".{folder.name}.*.new")):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(".*.tmp"):
        left.unlink()


def _grown(job: Job, folder: Path, recipe: Recipe, write: Write) -> tuple[str, Content]:
    count = len(job.sessions)
    described = recipe | _past(job, count)
    held = _newest(folder)
    if held is None:
        return "written", _replace(folder, _name(job), lambda path: write(job, path, described))
    last = pd.Timestamp(held["last"])
    if last > job.sessions[-1]:
        raise InputError(
            f"{folder} holds sessions up to {last:%Y-%m-%d} and the market ends on {job.sessions[-1]:%Y-%m-%d}; "
            "name another folder for an earlier state"
        )
    known = int(job.sessions.searchsorted(last, side="right"))
    if why := _difference(held, recipe | _past(job, known)):
        return f"rewritten: {why}", _replace(folder, _name(job), lambda path: write(job, path, described))
    if known == count:
        return "nothing new", Content(0, dict.fromkeys(job.nodes, 0))
    new = job.since(known)
    return f"{count - known} sessions added", write(new, folder / _name(new), described)


def _name(job: Job) -> str:
    return f"{job.written[0]:%Y-%m-%d}_{job.written[-1]:%Y-%m-%d}.parquet"


def _newest(folder: Path) -> dict[str, Any] | None:
    """What the last part of a folder says about itself; None when there is no part."""
    found = {path: read_metadata(path) for path in sorted(folder.glob("*.parquet"))}
    foreign = [path.name for path, known in found.items() if "last" not in known]
    if foreign:
        raise InputError(f"{folder} holds {foreign[0]}, which is not a part of written factors; name another folder")
    return max(found.values(), key=lambda known: str(known["last"]), default=None)


def _difference(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """Why what is stored cannot be gone on with, in words; None when it can."""
    words = {
        "code": "alphalib changed",
        "source": "the market has another source",
        "factors": "the factors changed",
        "mask": "the mask changed",
        "dtype": "the precision changed",
        "past": "the past of the market changed",
    }
    return next((said for key, said in words.items() if held.get(key) != wanted[key]), None)


def _past(job: Job, count: int) -> dict[str, str]:
    """The first so many sessions: the last of them, and the hash of everything that factors are computed from.

    Names that had neither a close nor membership by then are left out: a listing does not change the past.
    """
    sessions, traded, members = job.sessions[:count], job.shown.traded[:, :count], job.inputs.members[:, :count]
    there = traded.any(axis=1) | members.any(axis=1)
    digest = hashlib.blake2b(digest_size=8)
    digest.update("|".join(map(str, job.tickers[there])).encode())
    digest.update(sessions.to_numpy().astype("datetime64[us]").tobytes())
    for cells in (traded, members):
        digest.update(np.ascontiguousarray(cells[there]).data)
    for name, panel in job.inputs.panels.items():
        digest.update(name.encode())
        past = panel[:, :count].T
        past = past if there.all() or len(panel) == 1 else past[:, there]
        digest.update(np.ascontiguousarray(past).data)
    return {"last": f"{sessions[-1]:%Y-%m-%d}", "past": digest.hexdigest()}


def _replace(folder: Path, name: str, write: Callable[[Path], Content]) -> Content:
    """Put one part in the place of everything in a folder; the old state stays until the new one is complete."""
    new, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("new", "old"))
    try:
        content = write(new / name)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {reason(error)}; nothing was changed") from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return content
