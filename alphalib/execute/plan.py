"""The morning's plan: what was known at the last close becomes the order book of the next session. Places nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from alphalib.contracts import OrderBook, PortfolioFile, Predictions, Signals, require_fresh
from alphalib.decision import Decision, Portfolio, day_of, decide, order_book
from alphalib.errors import InputError
from alphalib.market import Market
from alphalib.params import ExecutorParams
from alphalib.sessions import sessions_from
from alphalib.store import Store, content_hash

SIGNALS_MAY_BE = 5
"""Age at which signals are still traded on. [sessions]"""


@dataclass(frozen=True)
class Inputs:
    """What a plan reads from the bus besides the market.

    Parameters
    ----------
    signals, predictions, portfolio
        Artefacts, checked for their age.
    read : dict
        Path of each to its content hash, for the order book.
    """

    signals: Signals
    predictions: Predictions | None
    portfolio: Portfolio
    read: dict[str, str]


def read_inputs(store: Store, *, asof: pd.Timestamp, cash: float) -> Inputs:
    """Signals at most five sessions old, predictions of `asof`, and the latest portfolio, which starts as cash.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Last session known.
    cash : float
        What a portfolio that was never recorded starts with. [currency]

    Raises
    ------
    InputError
        When there are no signals up to `asof`.
    ContractError
        When the signals are too old, or an artefact breaks its schema.
    """
    found = store.latest(Signals.path, asof=asof)
    if found is None:
        raise InputError(f"there are no signals up to {asof:%Y-%m-%d}; run `python -m alphalib.pipeline weekly` first")
    signals = store.read(found[0], Signals)
    require_fresh(signals, asof=asof, within=SIGNALS_MAY_BE)
    paths = [found[0]]
    predictions = None
    expected = Predictions.path.format(date=f"{asof:%Y-%m-%d}")
    if store.exists(expected):
        predictions = store.read(expected, Predictions)
        paths.append(expected)
    portfolio = Portfolio.of_cash(cash)
    recorded = store.latest(PortfolioFile.path, asof=asof)
    if recorded is not None:
        portfolio = Portfolio.of_file(store.read(recorded[0], PortfolioFile))
        paths.append(recorded[0])
    return Inputs(signals, predictions, portfolio, {path: content_hash(store.read_bytes(path)) for path in paths})


def planned(market: Market, inputs: Inputs, params: ExecutorParams) -> tuple[Decision, OrderBook]:
    """Decide on the market's last close; pure.

    Parameters
    ----------
    market : Market
        Known up to the session before the one that is planned.
    inputs : Inputs
        As read from the bus.
    params : ExecutorParams
        The rules' numbers.
    """
    day = day_of(market, inputs.signals, inputs.predictions, params=params)
    decision = decide(inputs.portfolio, day, params)
    age = sessions_from(inputs.signals.date, market.last)
    notes = [
        f"signals of {inputs.signals.date}, {age} session{'s' * (age != 1)} old, by {inputs.signals.analyst}",
        "no predictions for this session: nothing is vetoed"
        if inputs.predictions is None
        else f"predictions by model {inputs.predictions.model_version}",
    ]
    if market.source.prices == "split-adjusted":
        notes.append("prices are split-adjusted: whole shares are counted on levels that know later splits")
    book = order_book(
        decision, day, inputs.portfolio, params, predictions=inputs.predictions, inputs=inputs.read, notes=notes
    )
    return decision, book
