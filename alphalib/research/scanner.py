"""Which members are worth a look: liquidity, price, volatility, momentum, and why every other one is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.features import features_off
from alphalib.market import Market, Panel
from alphalib.params import ResearchParams
from alphalib.research.outlook import regime
from alphalib.research.readings import Readings, complete, readings, technical_score

ALARM_SHARE = 0.95
"""A rule that rejects more of the members than this is more likely broken than strict."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Verdict on every member of one session.

    Parameters
    ----------
    date : Timestamp
        The session.
    table : DataFrame
        One row a member, by ticker: `ticker`, `passed`, `reason` (empty when passed), `value` and `limit` of the rule
        that rejected it, in the rule's unit; NaN where the rule has none.
    off : dict
        Rules that were not applied, each with the reason.
    alarms : tuple of str
        What a person should look at.
    """

    date: pd.Timestamp
    table: pd.DataFrame
    off: dict[str, str]
    alarms: tuple[str, ...]

    @property
    def candidates(self) -> list[str]:
        """Tickers that passed."""
        return list(self.table.loc[self.table["passed"], "ticker"])

    @property
    def rejected(self) -> dict[str, int]:
        """Number of members each rule rejected, the most first."""
        return {
            str(rule): int(count)
            for rule, count in self.table.loc[~self.table["passed"], "reason"].value_counts().items()
        }


@dataclass(frozen=True, eq=False)
class Check:
    """One rule on all names and rows: where it rejects, on which values, against which limit."""

    rule: str
    rejects: NDArray[np.bool_]
    value: NDArray[np.float64]
    limit: float


def scan(market: Market, params: ResearchParams) -> Scan:
    """Verdict on every member at the market's last session.

    Returns
    -------
    Scan
        Names fail by the first rule that rejects them; a rule that rejects more than 95 % raises an alarm.
    """
    rows = market.sessions[-1:]
    checks = scan_checks(market, readings(market, rows), regime(market).loc[rows], params)
    return scan_at(market, checks, rows, 0)


def scan_history(market: Market, params: ResearchParams) -> Panel:
    """Whether each name passed the scan at each session.

    Returns
    -------
    Panel
        Labels of `market.close`; row t is what `scan` of the market cut at t says. [bool]
    """
    checks = scan_checks(market, readings(market, market.sessions), regime(market), params)
    return pd.DataFrame(passing(market.member.to_numpy(), checks), index=market.sessions, columns=market.tickers)


def scan_checks(market: Market, read: Readings, state: pd.Series, params: ResearchParams) -> list[Check]:
    """The rules in their order, on the rows of the readings.

    Parameters
    ----------
    market : Market
        Members, sectors, prices.
    read : Readings
        Features at the rows wanted.
    state : Series
        Regime at the same rows.
    params : ResearchParams
        Limits.
    """
    rows = state.index
    member = market.member.loc[rows].to_numpy()
    missing = np.full(member.shape, np.nan)
    sector = market.sector.loc[rows].to_numpy().astype(float)
    technical = technical_score(read, state)
    checks = [
        Check("not_tradable", ~market.tradable.loc[rows].to_numpy(), missing, np.nan),
        Check("unknown_sector", sector < 0, sector, 0.0),
        Check("short_history", ~complete(read).to_numpy() | technical.isna().to_numpy(), missing, np.nan),
    ]
    if not rules_off(market):
        checks += [
            _at_least("min_avg_volume", read["avg_volume_20"].to_numpy(), params.min_avg_volume),
            _at_least("min_price", market.close.loc[rows].to_numpy(), params.min_price),
        ]
    volatility = read["atr_pct_14"].to_numpy()
    checks += [
        Check("max_atr_pct", ~(volatility <= params.max_atr_pct), volatility, params.max_atr_pct),
        _at_least("min_technical_score", technical.to_numpy(), params.min_technical_score),
        _at_least("min_price_vs_ma200", read["price_vs_ma200"].to_numpy(), params.min_price_vs_ma200),
    ]
    rank = _ranks(technical.where(passing(member, checks)))
    return [*checks, Check("max_candidates", rank > params.max_candidates, rank, params.max_candidates)]


def rules_off(market: Market) -> dict[str, str]:
    """Rules in shares or currency that are not applied, each with the reason; empty where prices are as printed."""
    if market.source.prices == "raw":
        return {}
    reason = features_off(market)["avg_volume_20"]
    return {"min_avg_volume": reason, "min_price": reason.replace("in shares", "in currency")}


def passing(member: NDArray[np.bool_], checks: list[Check]) -> NDArray[np.bool_]:
    """Members that no rule rejects, rows down and names across."""
    rejected: NDArray[np.bool_] = np.logical_or.reduce([check.rejects for check in checks])
    return member & ~rejected


def scan_at(market: Market, checks: list[Check], rows: pd.DatetimeIndex, row: int) -> Scan:
    """The verdict of the rules on one of their rows."""
    member = market.member.loc[rows[row]].to_numpy()
    reason = np.full(len(member), "", dtype=object)
    value, limit = np.full(len(member), np.nan), np.full(len(member), np.nan)
    for check in reversed(checks):  # so that the first rule has the last word
        rejects = check.rejects[row]
        reason[rejects], value[rejects], limit[rejects] = check.rule, check.value[row][rejects], check.limit
    table = pd.DataFrame(
        {"ticker": market.tickers, "passed": reason == "", "reason": reason, "value": value, "limit": limit}
    )
    verdict = table[member].sort_values("ticker", ignore_index=True)
    return Scan(date=rows[row], table=verdict, off=rules_off(market), alarms=_alarms(verdict))


def _alarms(table: pd.DataFrame) -> tuple[str, ...]:
    counts = table["reason"].value_counts()
    return tuple(
        f"{rule} rejects {count} of {len(table)} members ({count / len(table):.1%}): look at the rule and what it reads"
        for rule, count in counts.items()
        if rule not in ("", "max_candidates") and count > ALARM_SHARE * len(table)
    )


def _at_least(rule: str, value: NDArray[np.float64], limit: float) -> Check:
    return Check(rule, ~(value >= limit), value, limit)


def _ranks(scores: Panel) -> NDArray[np.float64]:
    """Place of each score in its row, the highest first, tickers breaking ties; NaN where there is none."""
    ordered = scores.sort_index(axis=1)
    ranks: Panel = ordered.rank(axis=1, ascending=False, method="first")[scores.columns]
    places: NDArray[np.float64] = ranks.to_numpy()
    return places
