"""The ledger: everything tried is written down before its result is known; so are grants and promises.

The number of trials behind a figure comes from here and never from whoever shows the figure. SQLite in a file, or
PostgreSQL by URL.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from alphalib.errors import EvidenceError
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.holdout import Grant, grant_id, holdout_line, quarter_of
from alphalib.evidence.promises import Measure, promised_span
from alphalib.evidence.significance import effective_number
from alphalib.evidence.tables import GRANTS, PROMISES, TABLES, TRIALS
from alphalib.sessions import Day
from alphalib.store import Store, durable

LEDGER_FILE = "evidence/ledger.db"
"""Where it lies in a store that is a folder."""

_MOST_ASKED = 10_000  # values in one question; SQLite takes 32,766


class Ledger:
    """Trials by lineage: opened before the result is known, closed with it.

    Parameters
    ----------
    where : str or Path
        A file, made when it is not there, or an SQLAlchemy URL such as `postgresql+psycopg://…`.
    timeout : float
        How long another process may hold the file before this one gives up. [seconds]

    Raises
    ------
    EvidenceError
        Here and in every method, when the ledger is locked, read-only, or not a ledger; the text says what to do.
    """

    def __init__(self, where: str | Path, *, timeout: float = 30.0) -> None:
        self.url = str(where) if "://" in str(where) else f"sqlite:///{where}"
        self._sqlite = self.url.startswith("sqlite")
        self._dialect = sqlite if self._sqlite else postgresql  # which both know "insert, or else update"
        # A file's connection is closed after each use: none stays open in a notebook, or over a fork.
        options: dict[str, Any] = (
            {"connect_args": {"timeout": timeout}, "poolclass": sa.NullPool} if self._sqlite else {}
        )
        try:
            self._engine = sa.create_engine(self.url, **options)
        except (sa.exc.ArgumentError, ImportError) as error:
            name, _, _ = self.url.partition("://")  # the rest may hold a password
            raise EvidenceError(f"cannot open the ledger at {name}://…: {error}") from error
        if self._sqlite:
            sa.event.listen(self._engine, "connect", durable)
        with self._reported():
            TABLES.create_all(self._engine)

    def __repr__(self) -> str:
        return f"Ledger({self._engine.url.render_as_string()!r})"

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def open_trial(
        self,
        *,
        lineage: str,
        kind: str,
        params: Mapping[str, Any],
        data_hash: str,
        code_version: str,
        asof: Day,
    ) -> str:
        """Write a trial down before running it; returns its id.

        The same lineage, kind, params and data are the same trial, however often and with whatever code it is run: it
        counts once, and `runs` says how often.

        Parameters
        ----------
        lineage : str
            The question that trials share, such as `predictor` or `executor params`; selection happens within it.
        kind : str
            What was done: `model fit`, `backtest`, `factor`, …
        params : mapping
            Everything that makes this trial differ from its neighbours; plain JSON.
        data_hash : str
            `market.data_hash`.
        code_version : str
            Of the code that runs it.
        asof : Day
            Last session it knew.
        """
        return self.open_trials(
            [params], lineage=lineage, kind=kind, data_hash=data_hash, code_version=code_version, asof=asof
        )[0]

    def open_trials(
        self,
        params: Sequence[Mapping[str, Any]],
        *,
        lineage: str,
        kind: str,
        data_hash: str,
        code_version: str,
        asof: Day,
    ) -> list[str]:
        """Write the trials of a sweep down in one go, before running them; as `open_trial`, one id for each params."""
        shared = {"lineage": lineage, "kind": kind, "data_hash": data_hash, "code_version": code_version}
        rows = [_row(one) | shared | {"asof": _day(asof), "runs": 1} for one in params]
        for row in rows:
            row["configuration"] = _digest([kind, row["params"]])
            row["id"] = _digest([lineage, kind, row["params"], data_hash])
        opened = self._dialect.insert(TRIALS)
        again = opened.on_conflict_do_update(index_elements=[TRIALS.c.id], set_={"runs": TRIALS.c.runs + 1})
        with self._writing() as connection:
            if rows:
                connection.execute(again, rows)
        return [row["id"] for row in rows]

    def close_trial(self, trial: str, *, metrics: Mapping[str, float | None], returns: pd.Series | None = None) -> None:
        """Write down what a trial gave; the last run of a trial is the one that is kept.

        Parameters
        ----------
        trial : str
            Id from `open_trial`.
        metrics : mapping
            Numbers by name; what is not finite is stored as missing.
        returns : Series, optional
            Daily returns, or per-date ICs, by session: what tells correlated trials from different ones.
        """
        frame = None if returns is None else returns.to_frame(trial)
        self.close_trials({trial: metrics}, returns=frame)

    def close_trials(
        self, metrics: Mapping[str, Mapping[str, float | None]], *, returns: pd.DataFrame | None = None
    ) -> None:
        """Write down what the trials of a sweep gave, in one go; as `close_trial`.

        Parameters
        ----------
        metrics : mapping of str to mapping
            Numbers by name, by trial id.
        returns : DataFrame, optional
            Sessions down, trial ids across; a trial that is no column has none.
        """
        rows = [
            {
                "trial": trial,
                "metrics": {name: _finite(value) for name, value in numbers.items()},
                **_stored(returns, trial),
            }
            for trial, numbers in metrics.items()
        ]
        closing = sa.update(TRIALS).where(TRIALS.c.id == sa.bindparam("trial"))
        closing = closing.values({name: sa.bindparam(name) for name in ("metrics", "return_dates", "return_values")})
        with self._writing() as connection:
            known: set[str] = set()
            for first in range(0, len(rows), _MOST_ASKED):
                asked = [str(row["trial"]) for row in rows[first : first + _MOST_ASKED]]
                known |= set(connection.execute(sa.select(TRIALS.c.id).where(TRIALS.c.id.in_(asked))).scalars())
            if missing := [trial for trial in metrics if trial not in known]:
                raise EvidenceError(
                    f"trial {missing[0]} was never opened in {self!r}; open it before its result is known"
                )
            if rows:
                connection.execute(closing, rows)

    def closed(self, trials: Sequence[str]) -> set[str]:
        """Those of the trials, by id, whose result is in the ledger."""
        with self._reading() as connection:
            return {
                trial
                for first in range(0, len(trials), _MOST_ASKED)
                for trial in connection.execute(
                    sa.select(TRIALS.c.id).where(
                        TRIALS.c.id.in_(trials[first : first + _MOST_ASKED]), TRIALS.c.metrics.is_not(None)
                    )
                ).scalars()
            }

    def count(self, lineage: str) -> int:
        """Different trials ever opened in a lineage, closed or not. [trials]"""
        query = sa.select(sa.func.count()).select_from(TRIALS).where(TRIALS.c.lineage == lineage)
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def effective_count(self, lineage: str) -> float:
        """Independent trials that a lineage amounts to, from the correlation of their returns. [trials]

        Trials of the same configuration on other data are refits of one and count once. A configuration that has left
        no returns, because it was never closed or because it has none, counts whole.
        """
        returns = self.returns(lineage)
        query = sa.select(sa.func.count(sa.distinct(TRIALS.c.configuration))).where(TRIALS.c.lineage == lineage)
        with self._reading() as connection:
            configurations = int(connection.execute(query).scalar_one())
        return effective_number(returns) + float(configurations - returns.shape[1])

    def returns(self, lineage: str) -> pd.DataFrame:
        """Stored returns of a lineage, sessions down, one column a configuration: those of its latest closed trial."""
        query = (
            sa.select(TRIALS.c.configuration, TRIALS.c.return_dates, TRIALS.c.return_values)
            .where(TRIALS.c.lineage == lineage, TRIALS.c.return_values.is_not(None))
            .order_by(TRIALS.c.number)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        series = {name: _series(days, values) for name, days, values in rows}
        return pd.DataFrame({name: values for name, values in series.items() if len(values)})

    def trials(self, lineage: str | None = None) -> pd.DataFrame:
        """Trials in the order they were opened, one a row, without their returns; metrics missing until closed."""
        return self._table([column for column in TRIALS.c if not column.name.startswith("return_")], lineage)

    def may_give(self, lineage: str, *, asof: Day) -> bool:
        """Whether this quarter's grant of a lineage is still to be given."""
        return self._obstacle(lineage, quarter_of(asof)) is None

    def give_grant(self, lineage: str, *, asof: Day, by: str) -> None:
        """Allow one look at a lineage's holdout, within the quarter of `asof`; unused it lapses with the quarter.

        Parameters
        ----------
        lineage : str
            The question that may look.
        asof : Day
            Last session known; grants go forward in time, or an afternoon of backdated ones would be many looks.
        by : str
            A person, or the pipeline parameter that stands for one.

        Raises
        ------
        EvidenceError
            When the quarter's grant was given already, or a later quarter's; says when the next is possible.
        """
        if not by.strip():
            raise EvidenceError("a grant is given by somebody: say by whom")
        quarter = quarter_of(asof)
        if obstacle := self._obstacle(lineage, quarter):
            raise EvidenceError(obstacle)
        row = {"lineage": lineage, "quarter": quarter, "given_asof": _day(asof), "given_by": by}
        with self._writing() as connection:
            connection.execute(sa.insert(GRANTS).values(row))

    def use_grant(self, lineage: str, *, asof: Day, reason: str) -> Grant:
        """Take the grant that was given this quarter; it is used with this, whatever is seen then.

        Parameters
        ----------
        lineage : str
            The question that looks.
        asof : Day
            Last session known: the grant opens outcomes up to it.
        reason : str
            What it is used for.

        Raises
        ------
        EvidenceError
            When none was given this quarter, or it was used.
        """
        grant, quarter = _grant(lineage, asof=asof, reason=reason), quarter_of(asof)
        unused = sa.and_(GRANTS.c.lineage == lineage, GRANTS.c.quarter == quarter, GRANTS.c.used_asof.is_(None))
        use = sa.update(GRANTS).where(unused).values(id=grant.id, used_asof=_day(asof), reason=reason)
        with self._writing() as connection:
            if not connection.execute(use).rowcount:
                none = f"no grant was given to {lineage!r} in {quarter}; Ledger.give_grant, or python -m alphalib grant"
                raise EvidenceError(self._obstacle(lineage, quarter) or none)
        return grant

    def take_grant(self, lineage: str, *, asof: Day, trial: str, by: str | None = None) -> Grant | None:
        """The quarter's grant for one trial, used with this, or None when another trial or day has used it.

        A run that is repeated, because it was killed or to see it again, is the same look and gets the same grant.

        Parameters
        ----------
        lineage : str
            The question that looks.
        asof : Day
            As in `use_grant`.
        trial : str
            Id from `open_trial`, which names the data too.
        by : str, optional
            Who gives it if it was not given yet; without a name only one that somebody gave is taken.
        """
        if by is not None and self.may_give(lineage, asof=asof):
            self.give_grant(lineage, asof=asof, by=by)
        mine, reason = self.grants(lineage), f"trial {trial}"
        mine = mine[mine["quarter"] == quarter_of(asof)]
        if ((mine["used_asof"] == _day(asof)) & (mine["reason"] == reason)).any():
            return _grant(lineage, asof=asof, reason=reason)
        return self.use_grant(lineage, asof=asof, reason=reason) if mine["used_asof"].isna().any() else None

    def grants(self, lineage: str | None = None) -> pd.DataFrame:
        """Grants in the order they were given, one a row; what is not used is missing."""
        return self._table(GRANTS.c, lineage)

    def add_promise(
        self,
        promised: Estimate,
        *,
        lineage: str,
        subject: str,
        asof: Day,
        sessions: int = 63,
        measure: Measure = "mean",
        level: float = 0.95,
    ) -> None:
        """Register what an adopted model or set of parameters should bring; the first word stands.

        Parameters
        ----------
        promised : Estimate
            From `promises.promise`.
        lineage : str
            Of what was adopted.
        subject : str
            Version or hash of what was adopted.
        asof : Day
            Last session known; the promise is for the ones after it.
        sessions : int
            As given to `promise`. [sessions]
        measure, level
            As given to `promise`.
        """
        if not promised.bounded:
            raise EvidenceError(f"{lineage} {subject} promises nothing: {promised.note or 'the interval is missing'}")
        first, last = promised_span(pd.Timestamp(asof), sessions)
        row = {
            **{"lineage": lineage, "subject": subject, "measure": measure, "asof": _day(asof)},
            **{"first": _day(first), "last": _day(last), "level": level},
            **{"value": promised.value, "low": promised.low, "high": promised.high},
        }
        with self._writing() as connection:
            connection.execute(self._dialect.insert(PROMISES).values(row).on_conflict_do_nothing())

    def promises(self, lineage: str | None = None) -> pd.DataFrame:
        """Promises in the order they were made, one a row; `promises.score_promises` says which were kept."""
        return self._table(PROMISES.c, lineage)

    def _table(self, columns: Iterable[sa.Column[Any]], lineage: str | None) -> pd.DataFrame:
        wanted = list(columns)
        query = sa.select(*wanted).order_by("number")
        if lineage is not None:
            query = query.where(sa.column("lineage") == lineage)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return pd.DataFrame(rows, columns=[column.name for column in wanted]).set_index("number")

    def _obstacle(self, lineage: str, quarter: str) -> str | None:
        """Why no grant can be given in a quarter, or None."""
        query = sa.select(sa.func.max(GRANTS.c.quarter)).where(GRANTS.c.lineage == lineage)
        with self._reading() as connection:
            latest = connection.execute(query).scalar_one()
        if latest is None or latest < quarter:
            return None
        following = pd.Period(latest, "Q") + 1
        when = quarter if latest == quarter else f"{latest}, which is after {quarter},"
        return (
            f"the grant of {when} was given already: one a quarter and lineage; the next of {lineage!r} is possible "
            f"from {following.start_time:%Y-%m-%d}"
        )

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._reported(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._reported(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise EvidenceError(f"{self!r}: {_advice(str(getattr(error, 'orig', error)))}") from error


def ledger_of(store: Store, *, url: SecretStr | None = None) -> Ledger:
    """The ledger of a store: the database at `url` where there is one, else `evidence/ledger.db` in the store's folder.

    Parameters
    ----------
    store : Store
        The bus; an object store has no folder and needs a database.
    url : SecretStr, optional
        `settings().ledger`.
    """
    return Ledger(url.get_secret_value() if url is not None else store.local_path(LEDGER_FILE))


def _advice(fault: str) -> str:
    advice = {
        "locked": "another process holds it; wait for that run to end, then run the same command again",
        "readonly": "it is read-only; make the file and its folder writable, since no trial runs unrecorded",
        "read-only": "it is read-only; make it writable, since no trial runs unrecorded",
        "connection failed": "the server does not answer; check that it runs and that the URL names it",
        "unable to open": "the file cannot be opened; check that its folder exists and is writable",
        "not a database": "the file is not a ledger; restore it from a backup, or move it away and say in the report "
        "that the count starts anew",
        "malformed": "the file is damaged; restore it from a backup, or move it away and say in the report that the "
        "count starts anew",
        "unique": "another process wrote the same entry at the same moment; look what it says",
        "disk is full": "the disk is full; free some space and run the same command again",
    }
    return next((f"{text} ({fault})" for sign, text in advice.items() if sign in fault.lower()), fault)


def _grant(lineage: str, *, asof: Day, reason: str) -> Grant:
    quarter, line, day = quarter_of(asof), holdout_line(asof), pd.Timestamp(asof)
    ident = grant_id(lineage=lineage, quarter=quarter, line=line, asof=day, reason=reason)
    return Grant(ident, lineage, quarter, line, day, reason)


def _day(day: Day) -> str:
    return f"{pd.Timestamp(day):%Y-%m-%d}"


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _row(params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"params": json.loads(json.dumps(dict(params), sort_keys=True, allow_nan=False))}
    except (TypeError, ValueError) as error:
        raise EvidenceError(f"params of a trial must be plain JSON: {error}") from error


def _stored(returns: pd.DataFrame | None, trial: str) -> dict[str, bytes | None]:
    if returns is None or trial not in returns:
        return {"return_dates": None, "return_values": None}
    known = returns[trial].dropna().astype(float)
    days = known.index.to_numpy().astype("datetime64[D]").astype("<i8")
    return {"return_dates": days.tobytes(), "return_values": known.to_numpy(dtype="<f8").tobytes()}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _series(days: bytes, values: bytes) -> pd.Series:
    index = pd.DatetimeIndex(np.frombuffer(days, dtype="<i8").astype("datetime64[D]"), name="date").as_unit("us")
    return pd.Series(np.frombuffer(values, dtype="<f8"), index=index)
