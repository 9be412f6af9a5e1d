"""What is mailed after the close: NAV, alpha over SPY, positions, trades, the last ten sessions. Plain text."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alphalib.contracts.account import AccountDay, TradeRow
from alphalib.execute.account.attribution import by_sector
from alphalib.execute.tape import NEW_YORK

TRAILING = 10
"""Sessions that are listed."""

_LINE = 72


def subject(account: AccountDay) -> str:
    """One line: date, NAV, alpha."""
    return f"alphalib {account.date}: NAV {account.portfolio_nav:,.0f}, alpha {_percent(account.daily_alpha_pct)}"


def letter(account: AccountDay, trades: Sequence[TradeRow], earlier: pd.DataFrame) -> str:
    """The account after a session as text.

    Parameters
    ----------
    account : AccountDay
        Of the session.
    trades : sequence of TradeRow
        Of the session.
    earlier : DataFrame
        `eod_pnl.csv` before it.
    """
    parts = [
        [subject(account), "=" * _LINE, *_summary(account)],
        [f"! {note}" for note in account.notes.splitlines()],
        _titled("POSITIONS", _positions(account)),
        _titled("SECTORS", _sectors(account)),
        _titled("TRADES", _trades(trades)),
        _titled("REALISED", _realised(trades)),
        _titled(f"LAST {TRAILING} SESSIONS", _trailing(account, earlier)),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _summary(account: AccountDay) -> list[str]:
    rows = [
        ("NAV", f"{account.portfolio_nav:,.2f}"),
        ("return", _percent(account.daily_return_pct)),
        ("SPY", _percent(account.spy_return_pct)),
        ("alpha", _percent(account.daily_alpha_pct)),
        ("cash", f"{account.total_cash:,.2f}"),
        ("change", _money(account.nav_change_usd)),
        ("  positions held", _money(account.position_pnl_usd)),
        ("  trades", _money(account.trade_pnl_usd)),
        ("  dividends", _money(account.dividend_usd)),
        ("  interest", _money(account.interest_usd)),
        ("  commissions", _money(-account.commission_usd)),
        ("  unattributed", _money(account.unattributed_usd)),
    ]
    if account.flow_usd:
        rows.insert(5, ("deposit" if account.flow_usd > 0 else "withdrawal", _money(account.flow_usd)))
    return [f"{name:<18}{value:>16}" for name, value in rows]


def _positions(account: AccountDay) -> list[str]:
    held = {ticker: name for ticker, name in account.positions_snapshot.items() if name.shares}
    if not held:
        return ["none"]
    lines = [f"{'':<8}{'shares':>8}{'price':>11}{'value':>14}{'of NAV':>8}{'day':>12}{'since entry':>14}"]
    for ticker, name in held.items():
        since = name.price / name.cost - 1.0 if name.price and name.cost else None
        lines.append(
            f"{ticker:<8}{name.shares:>8,}{name.price or 0.0:>11,.2f}{name.value:>14,.0f}"
            f"{name.value / account.portfolio_nav:>8.1%}{name.day:>+12,.0f}{_percent(since and 100 * since):>14}"
        )
    return lines


def _sectors(account: AccountDay) -> list[str]:
    found = by_sector(account.positions_snapshot, account.portfolio_nav)
    return [
        f"{sector:<26}{weight:>8.1%}{_percent(100 * contribution, digits=3):>10} of NAV{held:>4} held"
        for sector, (weight, contribution, held) in found.items()
    ]


def _trades(trades: Sequence[TradeRow]) -> list[str]:
    lines = []
    for row in sorted(trades, key=lambda row: row.fill_time or "9"):
        why = row.exit_reason or row.trigger_type or ""
        if row.filled_shares and row.fill_price:
            against = (
                ""
                if row.slippage_vs_signal_bps is None
                else f"  {_near(row.slippage_vs_signal_bps, 1):+.1f} bps to signal"
            )
            lines.append(
                f"{_clock(row.fill_time)} {row.action:<7}{row.ticker:<7}{row.filled_shares:>7,} "
                f"@ {row.fill_price:>9,.2f}  {why:<12}{against}"
            )
        else:
            lines.append(f"{'':<8} {row.action:<7}{row.ticker:<7}{row.shares:>7,}   nothing filled: {row.status}")
    return lines or ["none"]


def _realised(trades: Sequence[TradeRow]) -> list[str]:
    return [
        f"{row.ticker:<7}{row.realized_pnl:>+12,.2f}  {_percent(row.realized_return_pct):>8}"
        f"  alpha {_percent(row.realized_alpha_pct):>8}  {row.days_held} sessions  {row.exit_reason}"
        for row in trades
        if row.realized_pnl is not None
    ]


def _trailing(account: AccountDay, earlier: pd.DataFrame) -> list[str]:
    rows = [
        (row["date"], row["portfolio_nav"], row["daily_return_pct"], row["spy_return_pct"], row["daily_alpha_pct"])
        for row in earlier.tail(TRAILING - 1).to_dict("records")
    ]
    returns = account.daily_return_pct, account.spy_return_pct, account.daily_alpha_pct
    rows.append((account.date, account.portfolio_nav, *returns))
    lines = [f"{'':<12}{'NAV':>14}{'return':>10}{'SPY':>10}{'alpha':>10}"]
    return lines + [
        f"{d:<12}{nav:>14,.0f}{_percent(r):>10}{_percent(s):>10}{_percent(a):>10}" for d, nav, r, s, a in rows
    ]


def _clock(instant: str | None) -> str:
    """Time of day in New York."""
    return f"{pd.Timestamp(instant).tz_convert(NEW_YORK):%H:%M:%S}" if instant else ""


def _titled(title: str, lines: list[str]) -> list[str]:
    return [title, "-" * _LINE, *lines] if lines else []


def _percent(value: float | None, *, digits: int = 2) -> str:
    return "unknown" if value is None or pd.isna(value) else f"{_near(value, digits):+.{digits}f}%"


def _money(value: float) -> str:
    return f"{_near(value, 2):+,.2f}"


def _near(value: float, digits: int) -> float:
    """Rounded, and nothing below 0 is no minus nothing."""
    return round(value, digits) + 0.0
