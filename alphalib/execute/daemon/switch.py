"""The kill switch as a file, which anybody can make: `touch trades/KILL` in the store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alphalib.execute.journal.journal import JOURNAL_FILE, journal_of
from alphalib.store import Store

LOCK = "execute"
"""Of the store: whoever writes the record holds it."""
FILE = "trades/KILL"
FLATTEN = "flatten"
"""Word in the file by which everything of ours is sold too."""


def pull(record: Store, *, flatten: bool = False) -> str:
    """Pull the kill switch; a daemon that runs sees it within two seconds, one that starts later at once.

    Returns
    -------
    str
        What happens now, in a sentence.
    """
    file = record.local_path(FILE)
    file.write_text(f"{FLATTEN}\n" if flatten else "")
    then = "everything of ours is sold, " if flatten else "stops stay, "
    return f"{file}: no entries from here on, {then}until `python -m alphalib rearm`"


def pulled(file: Path) -> tuple[str, bool] | None:
    """By what the switch was pulled, and whether everything is to be sold; None while the file is not there.

    Parameters
    ----------
    file : Path
        `record.local_path(FILE)`.
    """
    try:
        said = file.read_text(errors="replace").strip().lower()
    except FileNotFoundError:
        return None
    return f"the file {FILE}", FLATTEN in said


def release(record: Store) -> bool:
    """Take the switch back, in the file and in the journal; whether it was pulled. No daemon may be running."""
    there = record.exists(FILE)
    record.remove(FILE)
    if record.exists(JOURNAL_FILE):
        with closing(journal_of(record)) as journal:
            there |= bool(journal.killed)
            journal.rearm()
    return there
