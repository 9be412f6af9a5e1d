"""What an order book was decided from, kept beside it in `inputs/{date}/`, so that it can be derived again.

The arrays of the `Day` are kept one a field, under the field's name: a field that the rules read one day and not the
other is noticed, not guessed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alphalib.compiled import frozen
from alphalib.contracts import OrderBook, PlanRecord, PortfolioFile, Predictions, Signals
from alphalib.decision import Day, Portfolio
from alphalib.decision.shapes import NAME, Moment
from alphalib.errors import ContractError
from alphalib.params import ExecutorParams
from alphalib.store import MEND, Store, checked, content_hash, json_bytes

FOLDER = "inputs/{date}"


@dataclass(frozen=True, eq=False)
class Archive:
    """Everything that an order book was made of, and the book as it was made.

    Parameters
    ----------
    params : ExecutorParams
        The rules' numbers.
    day : Day
        What was known.
    portfolio : Portfolio
        As it stood.
    signals, predictions
        Artefacts that the day was made of.
    book : OrderBook
        As it was planned.
    """

    params: ExecutorParams
    day: Day
    portfolio: Portfolio
    signals: Signals
    predictions: Predictions | None
    book: OrderBook

    def contents(self) -> dict[str, bytes]:
        """The files of the archive by their name in the folder."""
        portfolio = self.portfolio.to_file(self.day.date, nav=self.book.nav)
        artefacts = {
            "executor_params.json": self.params,
            # The peak as it was before this close, not yet raised to it: what was decided from.
            "portfolio.json": portfolio.model_copy(update={"nav_peak": self.portfolio.nav_peak}),
            "signals.json": self.signals,
            "predictions.json": self.predictions,
            "order_book.json": self.book,
        }
        files = {
            name: json_bytes(artefact.model_dump(mode="json"), name=name)
            for name, artefact in artefacts.items()
            if artefact is not None
        }
        return files | {"day.npz": day_bytes(self.day)}

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Archive:
        """From its files.

        Raises
        ------
        ContractError
            When one is missing, broken, or knows other fields than these rules read.
        """

        def artefact(name: str, contract: Any) -> Any:
            return checked(_json(files, name), contract, name=name)

        return cls(
            params=artefact("executor_params.json", ExecutorParams),
            day=day_of_bytes(_file(files, "day.npz")),
            portfolio=Portfolio.of_file(artefact("portfolio.json", PortfolioFile)),
            signals=artefact("signals.json", Signals),
            predictions=artefact("predictions.json", Predictions) if "predictions.json" in files else None,
            book=artefact("order_book.json", OrderBook),
        )


def write_archive(store: Store, archive: Archive, *, members: Any, data_hash: str, withheld: tuple[str, ...]) -> None:
    """Write the order book and everything it was made of, all or none."""
    files = archive.contents()
    record = PlanRecord(
        date=archive.book.date,
        decided_on=archive.book.decided_on,
        members=members,
        data_hash=data_hash,
        files={name: content_hash(content) for name, content in files.items()},
        withheld=list(withheld),
    )
    folder = FOLDER.format(date=record.date)
    store.write_together(
        {
            **{f"{folder}/{name}": content for name, content in files.items()},
            record.at(): json_bytes(record.model_dump(mode="json"), name=record.at()),
            archive.book.at(): files["order_book.json"],
        },
        instead_of=[] if "predictions.json" in files else [f"{folder}/predictions.json"],
    )


def read_files(store: Store, record: PlanRecord) -> dict[str, bytes]:
    """The files that a record names, those of them that are there."""
    folder = FOLDER.format(date=record.date)
    return {name: store.read_bytes(f"{folder}/{name}") for name in record.files if store.exists(f"{folder}/{name}")}


def day_bytes(day: Day) -> bytes:
    """A day as the content of a file; the same day gives the same bytes."""
    arrays: dict[str, Any] = {
        "date": np.array(f"{day.date:%Y-%m-%d}"),
        "tickers": np.array([str(ticker) for ticker in day.tickers], dtype=np.str_),
        "atr_window": np.array(day.atr_window),
        "correlation_window": np.array(day.correlation_window),
        **{f"name.{field}": day.names[field] for field in day.names.dtype.names or ()},
        **{f"moment.{field}": np.asarray(value) for field, value in day.moment._asdict().items()},
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def day_of_bytes(content: bytes) -> Day:
    """A day from `day_bytes`, the same to the last bit.

    Raises
    ------
    ContractError
        When the content is broken, or has other fields than these rules read.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ContractError("day.npz", [f"not readable as arrays: {error}; {MEND}"]) from error
    wanted = {
        *(f"name.{field}" for field in NAME.names or ()),
        *(f"moment.{field}" for field in Moment._fields),
        *("date", "tickers", "atr_window", "correlation_window"),
    }
    strange = sorted(wanted ^ arrays.keys())
    if strange:
        faults = [f"{field} is {'not there' if field in wanted else 'no field of these rules'}" for field in strange]
        raise ContractError("day.npz", [*faults, "it was archived by another version of the rules: plan again"])
    names = np.zeros(len(arrays["tickers"]), NAME)
    for field in NAME.names or ():
        names[field] = arrays[f"name.{field}"]
    moment = {field: arrays[f"moment.{field}"] for field in Moment._fields}
    return Day(
        date=pd.Timestamp(str(arrays["date"])),
        tickers=pd.Index(arrays["tickers"].tolist(), name="ticker", dtype="str"),
        names=frozen(names),
        moment=Moment(
            **{
                field: frozen(np.asfortranarray(value)) if value.ndim else value.item()
                for field, value in moment.items()
            }
        ),
        atr_window=int(arrays["atr_window"]),
        correlation_window=int(arrays["correlation_window"]),
    )


def _json(files: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(_file(files, name))
    except ValueError as error:
        raise ContractError(name, [f"not readable as JSON: {error}; {MEND}"]) from error


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise ContractError(name, ["is not in the archive of its order book: plan again"])
    return files[name]
