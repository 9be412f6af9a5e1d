"""The bus: a folder, or any fsspec URL. The only reader and writer of artefacts.

A write goes to a temporary name, is flushed to disk, read back and renamed, so that a reader sees the old artefact or
the new one and nothing between. On object stores the complete object appears at once.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import filelock
import fsspec
import pandas as pd
from pydantic import BaseModel, ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from alphalib.errors import BusyError, ContractError, InputError, StoreError
from alphalib.params import Params
from alphalib.sessions import sessions_from
from alphalib.settings import project_folder

Contract = TypeVar("Contract", bound=BaseModel)
Tuned = TypeVar("Tuned", bound=Params)

MEND = "restore it from a copy, import it again, or name an empty folder with --store"
_PASSING_FAULTS = {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ETIMEDOUT, errno.ECONNRESET, errno.ESTALE}


class Store:
    """Reads and writes artefacts by their path on the bus.

    Parameters
    ----------
    url : str
        A folder, or an fsspec URL such as `s3://bucket/prefix`; a relative folder lies in the project's.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url)
        try:
            where = self.url if "://" in self.url else str(project_folder() / self.url)
            self._files, self._root = fsspec.core.url_to_fs(where)
        except (ImportError, ValueError) as error:
            raise StoreError(f"cannot open the store {self.url!r}: {error}") from error
        self._local = self._files.protocol in ("file", ("file", "local"))

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    # Bytes

    def exists(self, path: str) -> bool:
        """Whether an artefact is there."""
        return bool(_retried(lambda: self._files.exists(self._full(path))))

    def paths(self, pattern: str) -> list[str]:
        """Paths of the artefacts that match a glob, sorted."""
        found = _retried(lambda: self._files.glob(self._full(pattern)))
        return sorted(str(Path(name).relative_to(self._root)) for name in found if not Path(name).name.startswith("."))

    def stamps(self) -> dict[str, tuple[Any, ...]]:
        """Size and time of every artefact by its path: two alike mean that nothing was written in between."""
        found = _retried(lambda: self._files.find(self._root, detail=True))
        return {
            str(Path(name).relative_to(self._root)): (info["size"], info.get("mtime") or info.get("LastModified"))
            for name, info in found.items()
        }

    def read_bytes(self, path: str) -> bytes:
        """Content of an artefact.

        Raises
        ------
        StoreError
            When it is not there or cannot be read.
        """
        try:
            return bytes(_retried(lambda: self._files.cat_file(self._full(path))))
        except FileNotFoundError as error:
            raise StoreError(f"{path} is not in the store {self.url}") from error
        except OSError as error:
            raise StoreError(f"cannot read {path} in the store {self.url}: {reason(error)}") from error

    def write_bytes(self, path: str, content: bytes) -> str:
        """Write an artefact, atomically and verified; returns its content hash.

        Raises
        ------
        StoreError
            When the store is read-only or full, or what was written does not read back.
        """
        try:
            _retried(lambda: self._replace(path, content))
        except OSError as error:
            raise StoreError(
                f"cannot write {path} to the store {self.url}: {reason(error)}; nothing was changed"
            ) from error
        return content_hash(content)

    def write_together(self, contents: Mapping[str, bytes], *, instead_of: Iterable[str] = ()) -> None:
        """Write several artefacts, all or none, and delete those they stand instead of.

        In a folder every content lies on the disk, verified, before the first takes its place; an object store is
        written object by object.

        Raises
        ------
        StoreError
            When the store is read-only or full, or what was written does not read back.
        """
        try:
            if self._local:
                _retried(lambda: self._replace_together(contents))
            else:
                for path, content in contents.items():
                    _retried(partial(self._replace, path, content))
        except OSError as error:
            left = "nothing was changed" if self._local else "some objects may be new; run the same command again"
            raise StoreError(f"cannot write to the store {self.url}: {reason(error)}; {left}") from error
        for path in set(instead_of) - contents.keys():
            self.remove(path)

    def remove(self, path: str) -> None:
        """Delete an artefact; nothing happens when it is not there."""
        if self.exists(path):
            self._files.rm_file(self._full(path))

    # Artefacts

    def read(self, path: str, contract: type[Contract]) -> Contract:
        """Read and check a JSON artefact.

        Raises
        ------
        StoreError
            When it is not there.
        ContractError
            When it is not JSON, or breaks its schema; one fault a line.
        """
        return checked(self.read_json(path), contract, name=path)

    def read_json(self, path: str) -> Any:
        """Read plain JSON; what is not readable as such is a `ContractError`."""
        try:
            return json.loads(self.read_bytes(path))
        except ValueError as error:
            raise ContractError(path, [f"not readable as JSON: {error}; {MEND}"]) from error

    def write(self, path: str, artefact: BaseModel) -> str:
        """Write a checked artefact as JSON; returns its content hash."""
        checked(artefact.model_dump(mode="json"), type(artefact), name=path)
        return self.write_json(path, artefact.model_dump(mode="json"))

    def write_json(self, path: str, content: Any) -> str:
        """Write plain JSON, keys in their order, NaN refused; returns its content hash."""
        return self.write_bytes(path, json_bytes(content, name=path))

    def read_table(
        self, path: str, *, columns: list[str] | None = None, coded: list[str] | None = None
    ) -> pd.DataFrame:
        """Read a parquet table; text in the columns `coded` comes as categories, as the file has it, and so sooner."""
        content = self.read_bytes(path)
        try:
            return pd.read_parquet(io.BytesIO(content), columns=columns, read_dictionary=coded)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} in the store {self.url} is not a readable parquet file, perhaps cut off; {MEND} ({error})"
            ) from error

    def write_table(self, path: str, table: pd.DataFrame) -> str:
        """Write a parquet table; returns its content hash."""
        return self.write_bytes(path, parquet_bytes(table))

    def latest(self, pattern: str, *, asof: pd.Timestamp, within: int | None = None) -> tuple[str, pd.Timestamp] | None:
        """Newest artefact of a dated series, not newer than `asof`.

        Parameters
        ----------
        pattern : str
            Path with `{date}` where the date stands, as in `signals/{date}/signals.json`.
        asof : Timestamp
            Later ones are not seen.
        within : int, optional
            Oldest age accepted. [sessions]

        Returns
        -------
        (path, date) or None
        """
        before, after = pattern.split("{date}")
        dated = (
            (path, path.removeprefix(before)[: len(path) - len(before) - len(after)])
            for path in self.paths(before + "*" + after)
        )
        found = [(path, pd.Timestamp(date)) for path, date in dated if _is_date(date) and pd.Timestamp(date) <= asof]
        if not found:
            return None
        path, date = max(found, key=lambda pair: pair[1])
        if within is not None and sessions_from(date, asof) > within:
            return None
        return path, date

    # One at a time

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the store's lock `name`; whoever comes second gets a `BusyError` that says who holds it.

        The lock of a folder is the operating system's and falls with the process. On an object store it is an object
        created exclusively, which stays after a crash; the error says which to delete.
        """
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        path = f"locks/{name}.lock"
        if not self._local:
            with self._object_lock(path, holder):
                yield
            return
        full = Path(self._full(path))
        said = full.with_suffix(".holder")
        held = filelock.FileLock(full, timeout=0)
        try:
            full.parent.mkdir(parents=True, exist_ok=True)
            held.acquire()
            said.write_text(holder)
        except filelock.Timeout as error:
            held_by = said.read_text() if said.exists() else "another process"
            raise BusyError(
                f"{name} is already running on the store {self.url}: {held_by} holds the lock; wait for it to end"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot write to the store {self.url}: {reason(error)}") from error
        try:
            yield
        finally:
            said.unlink(missing_ok=True)
            held.release()

    @contextmanager
    def _object_lock(self, path: str, holder: str) -> Iterator[None]:
        try:
            self._files.pipe_file(self._full(path), holder.encode(), mode="create")
        except FileExistsError as error:
            other = self.read_bytes(path).decode()
            raise BusyError(f"{path} on {self.url} is held by {other}; delete it if that process is gone") from error
        try:
            yield
        finally:
            self.remove(path)

    def local_path(self, path: str) -> Path:
        """Where an artefact lies on this machine, its folder made; for what needs a real file (SQLite, papermill).

        Raises
        ------
        StoreError
            When the store is not a folder.
        """
        if not self._local:
            raise StoreError(
                f"{path} needs a local folder and the store is {self.url}; set its own URL in the settings"
            )
        full = Path(self._full(path))
        try:
            full.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write to the store {self.url}: {reason(error)}") from error
        return full

    def _full(self, path: str) -> str:
        if path.startswith(("/", "~")) or ".." in Path(path).parts:
            raise InputError(f"a path on the bus is relative and stays inside it, got {path!r}")
        return f"{self._root}/{path}" if self._root else path

    def _replace(self, path: str, content: bytes) -> None:
        full = self._full(path)
        if not self._local:
            self._files.pipe_file(full, content)
            self._verify(full, content)
            return
        self._replace_together({path: content})

    def _replace_together(self, contents: Mapping[str, bytes]) -> None:
        targets = {path: Path(self._full(path)) for path in contents}
        temporary = {path: t.with_name(f".{t.name}.{os.getpid()}.tmp") for path, t in targets.items()}
        try:
            for path, content in contents.items():
                targets[path].parent.mkdir(parents=True, exist_ok=True)
                with temporary[path].open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                self._verify(str(temporary[path]), content)
            for path, target in targets.items():
                temporary[path].replace(target)
            for folder in {target.parent for target in targets.values()}:
                _fsync_folder(folder)
        finally:
            for left in temporary.values():
                if left.parent.is_dir():
                    left.unlink(missing_ok=True)

    def _verify(self, full: str, content: bytes) -> None:
        if self._files.cat_file(full) != content:
            raise OSError(errno.EIO, "what was written does not read back")


def checked(content: Any, contract: type[Contract], *, name: str) -> Contract:
    """Content as its contract, or a `ContractError` with one sentence a fault."""
    try:
        return contract.model_validate(content)
    except ValidationError as error:
        raise ContractError(name, [line for fault in error.errors() for line in _sentences(fault)]) from error


def parameters(store: Store, kind: type[Tuned]) -> Tuned:
    """The tuned file of that kind, or its defaults when the store has none."""
    return store.read(kind.path, kind) if store.exists(kind.path) else kind()


def parquet_bytes(table: pd.DataFrame, *, numbers: Sequence[str] = ()) -> bytes:
    """A table as the content of a parquet artefact.

    Columns `numbers` hold floats that hardly repeat. Stored by their bytes' place they take the room that a dictionary
    and stronger compression take, and are read in a third of the time.
    """
    buffer = io.BytesIO()
    if numbers:
        table.to_parquet(
            buffer,
            index=False,
            compression="lz4",
            use_dictionary=[column for column in table.columns if column not in numbers],
            column_encoding=dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),
        )
    else:
        table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def json_bytes(content: Any, *, name: str) -> bytes:
    """Plain JSON as the content of an artefact, keys in their order; NaN is a `ContractError` on `name`."""
    try:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ContractError(name, [f"not a number where JSON needs one: {error}"]) from error
    return (text + "\n").encode()


def content_hash(content: bytes) -> str:
    """Hash that names a content: 16 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _sentences(fault: Any) -> list[str]:
    place = ".".join(str(part) for part in fault["loc"])
    lines = fault["msg"].removeprefix("Value error, ").splitlines()
    return [f"{place}: {line}" if place else line for line in lines]


def _retried(call: Callable[[], Any]) -> Any:
    """Call again, up to four times, after faults that pass; others go up at once."""
    attempts = Retrying(
        retry=retry_if_exception(
            lambda error: getattr(error, "errno", None) in _PASSING_FAULTS or isinstance(error, ConnectionError)
        ),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        stop=stop_after_attempt(4),
        reraise=True,
    )
    return attempts(call)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error: OSError) -> str:
    """Why something could not be written, and what to do."""
    hints = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again",
        errno.EROFS: "the file system is read-only; name another folder with --store",
        errno.EACCES: "permission denied; make the folder writable or name another with --store",
        errno.EPERM: "not permitted; make the folder writable or name another with --store",
        errno.ENOTDIR: "a file stands where a folder is needed",
    }
    return hints.get(error.errno or 0, str(error))


def _is_date(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdigit()


def durable(connection: Any, _record: Any) -> None:
    """Listener to SQLite's `connect`: readers do not block the writer, and what is committed survives a power cut."""
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
    finally:
        cursor.close()
