"""After the close: the session is settled and written down, what the next decision starts from included."""

from __future__ import annotations

from contextlib import closing
from typing import Literal

import pandas as pd

from alphalib.contracts.account import BlockedRow, RiskEvent
from alphalib.execute.account.gather import opening_of, session_of, written
from alphalib.execute.account.record import account_day, read_account, read_trades, write_settled
from alphalib.execute.account.settlement import Opening, Settled, end_of_day
from alphalib.execute.actions import actions_of
from alphalib.execute.journal.journal import Told, journal_of
from alphalib.store import Store


def settle(record: Store, bus: Store, session: pd.Timestamp, *, flow: float | None = None) -> Settled:
    """Settle a session from the journal and write its record, all or none; to do it twice is to do it once.

    Writes `portfolio/{date}.json`, the session's rows of `trades/trades_full.csv` and `trades/eod_pnl.csv`,
    `trades/{date}.txt`, and the same as tables beside the journal. A row that was flagged because something was missing
    is mended by doing it again once that is there.

    Parameters
    ----------
    record : Store
        Of paper trading (the bus itself) or of a rehearsal; a folder.
    bus : Store
        Where the plan and the market lie; only read when it is another store.
    session : Timestamp
        Which; its account must have been stated.
    flow : float, optional
        Money paid in, or taken out below 0, in that session: it moves the NAV's peak and is no return. What was said
        of that session before, without one. [currency]

    Raises
    ------
    JournalError
        When the journal has no statement of that close, or cannot be read or written.
    ContractError
        When an artefact is broken.
    """
    date = f"{session:%Y-%m-%d}"
    before = account_day(record, session)
    paid = flow if flow is not None else before.flow_usd if before else 0.0
    trades, account = (table[table["date"] < date] for table in (read_trades(record), read_account(record)))
    with closing(journal_of(record)) as journal:
        opening = opening_of(record, bus, session)
        actions = actions_of(record, bus, session)
        happened = session_of(written(journal, session), opening, bus, session, actions=actions, flow=paid)
        settled = end_of_day(opening, happened, trades=trades, account=account)
        alerts = [event for event in journal.events(date) if event.kind == "alert"]
        write_settled(record, journal, settled, blocked=_blocked(opening, settled), risks=_risks(opening, alerts, date))
    return settled


def _blocked(opening: Opening, settled: Settled) -> list[BlockedRow]:
    """Entries that the plan did not let through, with what was known of them."""
    if opening.decided is None:
        return []
    book, signals = opening.decided.book, {row.ticker: row for row in opening.decided.signals.universe}
    predictions = opening.decided.predictions
    predicted = {row.ticker: row for row in predictions.predictions} if predictions else {}
    rows = []
    for refused in book.blocked:
        said, expected = signals.get(refused.ticker), predicted.get(refused.ticker)
        rows.append(
            BlockedRow(
                shadow_id=f"{book.date}-{refused.ticker}-{refused.rule}",
                date=book.date,
                ticker=refused.ticker,
                block_reason=refused.rule,
                value=refused.value,
                threshold=refused.limit,
                detail=refused.detail,
                research_score=said.score if said else None,
                conviction=said.conviction if said else None,
                sector=said.sector if said else None,
                sector_rating=said.sector_rating if said else None,
                predicted_direction=expected.predicted_direction if expected else None,
                prediction_confidence=expected.prediction_confidence if expected else None,
                current_price=opening.marks.get(refused.ticker),
                portfolio_nav=book.nav,
                market_regime=opening.decided.signals.market_regime,
                created_at=settled.account.created_at,
            )
        )
    return rows


def _risks(opening: Opening, alerts: list[Told], date: str) -> list[RiskEvent]:
    """Entries vetoed, the drawdown's halt or throttle, and what the daemon raised an alarm for."""
    events = [RiskEvent(date=date, event_type="alert", ticker=told.ticker, detail=told.text) for told in alerts]
    if opening.decided is None:
        return events
    book = opening.decided.book
    if book.drawdown_multiplier < 1.0:
        kind: Literal["halt", "throttle"] = "halt" if book.halted else "throttle"
        drawn = RiskEvent(
            date=date, event_type=kind, rule="drawdown", value=book.drawdown, threshold=book.drawdown_multiplier
        )
        events.append(drawn)
    return events + [
        RiskEvent(
            date=date,
            event_type="veto",
            rule=row.rule,
            ticker=row.ticker,
            value=row.value,
            threshold=row.limit,
            detail=row.detail,
        )
        for row in book.blocked
    ]
