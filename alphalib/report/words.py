"""Numbers, dates and rules as a reader of the report sees them. A missing number is an en dash, never 'nan'."""

from __future__ import annotations

import math
from typing import TypeGuard

import pandas as pd

MINUS, NONE = "−", "–"
LEAST_CHANCE = 0.001
"""A probability below it is only said to be less. [fraction]"""

RULES = {
    "not_tradable": "did not trade, or left the universe",
    "halted": "no new entries after the drawdown",
    "min_score": "score below the minimum",
    "conviction": "conviction is declining",
    "momentum_gate": "20-session return below the gate",
    "veto": "the prediction vetoes it",
    "bear_sector": "bear market and the sector is underweight",
    "correlation": "too correlated with what is held in its sector",
    "sector_cap": "the sector is full",
    "equity_cap": "the book is fully invested",
    "position_cap": "largest position allowed",
    "cash": "no cash left",
    "below_minimum": "order too small to send",
    "research_exit": "research wants out",
    "stop": "stop reached",
    "momentum_exit": "momentum and RSI broke down",
    "time_exit": "held too long without a new reason",
    "drawdown_exit": "sold to cut the drawdown",
    "research_reduce": "research wants less",
    "profit_take": "part of the profit taken",
    "time_reduce": "held long without a new reason",
    "loss_floor": "lost too much since it was bought",
    "gap_exit": "opened far below its last close",
    "collapse": "fell far below the session's high",
    "intraday_profit": "part of a gain taken within the session",
    "daily_loss": "the book lost too much in a day",
    "kill_switch": "the kill switch is on",
    "cooldown": "sold at a loss a few sessions ago",
    "max_positions": "as many names as are allowed",
    "adv_cap": "more than the name trades in a day",
    "parity": "an order book differs from what its inputs give, and nobody has looked",
    "rebalance": "to its new weight",
    "dropped": "fell out of the best",
    "short": "sold short",
    "cover": "a short sale bought back",
    "infeasible": "no weights satisfy all limits",
    "delisting": "delisted",
    "entry": "approved by research and every guard",
}
"""What each rule of `docs/rules.md` means, in a few words."""

GATE = {
    "coverage": "share of the sessions with an IC",
    "folds": "years out of sample",
    "positive_folds": "share of the years with a positive IC",
    "mean_ic": "mean rank IC",
    "newey_west_bound": "lower bound of the mean rank IC (Newey–West)",
    "bootstrap_bound": "lower bound of the mean rank IC (bootstrap)",
    "incumbent": "lower bound of the gain over the model in use",
    "members": "share of the universe taken by date",
    "priced": "mean share of the members with a price",
    "calibration": "false promotions in worlds without alpha",
    "holdout_sessions": "sealed sessions",
    "holdout": "mean rank IC in the sealed quarters",
    "promise": "inside the interval promised for them",
}
"""What each rule of the promotion gate looks at."""

TUNER = {
    "sessions": "open sessions",
    "samples": "outcomes",
    "search": "better where it was searched",
    "search_trades": "fills where it was searched",
    "validation": "better where it was chosen",
    "validation_trades": "fills where it was chosen",
    "validation_dates": "dates where it was chosen",
    "validation_bound": "lower bound where it was chosen",
    "merit": "merit of its own",
    "detectable": "against the smallest detectable difference",
    "deflated": "more than the luck of all trials",
    "pbo": "probability of overfitting",
    "drawdown": "deepest fall",
    "alpha": "alpha over SPY",
    "alpha_upper": "upper bound of alpha over SPY",
    "holdout_dates": "sealed dates",
    "holdout_bound": "lower bound in the sealed quarters",
    "holdout_promise": "as good as was promised",
    "holdout_drawdown": "deepest fall in the sealed quarters",
}
"""What each check of the tuner looks at."""

TRIGGERS = {
    "pullback": "fell back from the session's high",
    "vwap": "below the session's average price",
    "support": "near the low of the last 20 sessions",
    "expiry": "no trigger all session: bought before the close",
}
"""What made an entry act."""

_UNITS_OF_RULES = {
    "min_score": "score",
    "momentum_gate": "fraction",
    "correlation": "ratio",
    "veto": "fraction",
    "below_minimum": "currency",
    "sector_cap": "currency",
    "equity_cap": "currency",
    "cash": "currency",
    "halted": "fraction",
    "stop": "currency",
    "adv_cap": "currency",
    "loss_floor": "currency",
    "gap_exit": "fraction",
    "daily_loss": "fraction",
    "max_positions": "names",
}


def percent(value: float | None, *, digits: int = 1, signed: bool = False) -> str:
    """A fraction in percent: `12.3%`."""
    return f"{_signed(100 * value, digits, signed)}%" if _known(value) else NONE


def number(value: float | None, *, digits: int = 2, signed: bool = False) -> str:
    """A number with a true minus and commas between thousands: `−1,234.50`."""
    return _signed(value, digits, signed) if _known(value) else NONE


def chance(value: float | None) -> str:
    """A p-value or q-value with three digits, never nothing at all: `0.016`, `< 0.001`."""
    return f"<\u00a0{LEAST_CHANCE}" if _known(value) and value < LEAST_CHANCE else number(value, digits=3)


def money(value: float | None) -> str:
    """A sum in whole units of the currency: `$12,345`."""
    if not _known(value):
        return NONE
    text = _signed(abs(value), 0, signed=False)
    return f"{MINUS if value < 0 and text != '0' else ''}${text}"


def measured(value: float | None, unit: str, *, signed: bool = False) -> str:
    """A value in the words of its unit, as `contracts.Performance` names them."""
    if unit == "currency":
        return money(value)
    if unit in ("sessions", "names"):
        return f"{_signed(value, 0, signed)} {unit}" if _known(value) else NONE
    if unit == "probability":
        return percent(value, digits=0)
    if unit == "score":
        return plain(value)
    return percent(value, signed=signed) if unit == "fraction" else number(value, signed=signed)


def interval(low: float | None, high: float | None, unit: str = "ratio", *, digits: int | None = None) -> str:
    """Two ends of an interval: `−0.12 to 1.35`; empty where there is none."""
    if not (_known(low) and _known(high)):
        return ""
    if digits is not None:
        return f"{number(low, digits=digits)} to {number(high, digits=digits)}"
    # The unit is said once, at the end.
    first = measured(low, unit)
    for tail in ("%", " sessions", " names"):
        first = first.removesuffix(tail)
    return f"{first} to {measured(high, unit)}"


def plain(value: float | None) -> str:
    """A number of unknown kind: whole ones without decimals, others with two or three figures."""
    if not _known(value):
        return NONE
    if value == round(value):
        return _signed(value, 0, signed=False)
    decimals = min(max((2 if abs(value) >= 1 else 1) - math.floor(math.log10(abs(value))), 0), 6)
    return _signed(value, decimals, signed=False)


def day(value: str | pd.Timestamp | None, *, weekday: bool = False) -> str:
    """A date in words: `8 March 2024`, with the weekday `Friday, 8 March 2024`."""
    if value is None or pd.isna(value):
        return NONE
    stamp = pd.Timestamp(value)
    words = f"{stamp.day} {stamp:%B %Y}"
    return f"{stamp:%A}, {words}" if weekday else words


def short_day(value: str | pd.Timestamp | None) -> str:
    """A date for a table: `8 Mar 2024`."""
    if value is None or pd.isna(value):
        return NONE
    stamp = pd.Timestamp(value)
    return f"{stamp.day} {stamp:%b %Y}"


def week_day(value: str | pd.Timestamp) -> str:
    """A date of the last days: `Thu 7 Mar`."""
    stamp = pd.Timestamp(value)
    return f"{stamp:%a} {stamp.day} {stamp:%b}"


def duration(seconds: float | None) -> str:
    """Wall time: `0.4 s`, `38 s`, `2 min 5 s`, `1 h 12 min`."""
    if not _known(seconds):
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number_of: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: `1 name`, `1,204 names`, `no names`."""
    words = noun if number_of == 1 else plural or f"{noun}s"
    return f"{_signed(number_of, 0, signed=False) if number_of else 'no'} {words}"


def listed(words: list[str]) -> str:
    """Words in a row: `a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def rule(name: str) -> str:
    """What a rule of the decision, the gate or the tuner means; an unknown one is its own name, spelled out."""
    return RULES.get(name) or GATE.get(name) or TUNER.get(name) or name.replace("_", " ")


def against(rule_name: str, value: float | None, limit: float | None) -> str:
    """The value that a rule saw and its limit: `−7.2% against −5.0%`; empty where neither was recorded."""
    unit = _UNITS_OF_RULES.get(rule_name, "ratio")
    said = [measured(part, unit) for part in (value, limit) if _known(part)]
    return " against ".join(said)


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _signed(value: float, digits: int, signed: bool) -> str:
    text = f"{abs(value):,.{digits}f}"
    if float(f"{value:.{digits}f}") == 0:
        return text
    return f"{MINUS if value < 0 else '+' if signed else ''}{text}"
