"""Several strategies in one account: each decides on its own cash and positions, and caps hold over their sum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alphalib.compiled import Floats, Ints
from alphalib.decision.decide import decide
from alphalib.decision.history import Day
from alphalib.decision.outcome import Decision, Purchase, Refusal
from alphalib.decision.portfolio import Portfolio
from alphalib.decision.shapes import Rule
from alphalib.decision.strategies.params import BetaNeutral, DollarNeutral, MeanVariance, TopkDropout
from alphalib.errors import InputError
from alphalib.market import SECTORS
from alphalib.params import ExecutorParams


class Sleeve(BaseModel):
    """One strategy and its share of the account's first cash; what it gains or loses stays its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    allocation: float = Field(gt=0, le=1, description="Of the cash at the start. [fraction]")
    params: ExecutorParams | TopkDropout | DollarNeutral | BetaNeutral | MeanVariance


class Account(BaseModel):
    """Sleeves by name, and caps over the sum of their positions, longs and shorts both counted as they are worth."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sleeves: dict[str, Sleeve] = Field(min_length=1)
    max_position_pct: float = Field(0.10, gt=0, le=1, description="One name over the account's NAV. [fraction]")
    max_sector_pct: float = Field(0.40, gt=0, le=4, description="One sector over it. [fraction]")
    max_equity_pct: float = Field(1.0, gt=0, le=4, description="All positions over it. [fraction]")

    @model_validator(mode="after")
    def _allocations_within_one(self) -> Account:
        total = sum(sleeve.allocation for sleeve in self.sleeves.values())
        if total > 1 + 1e-9:
            raise ValueError(f"allocations must not sum to more than 1, got {total:g}")
        return self

    def portfolios(self, cash: float) -> dict[str, Portfolio]:
        """Every sleeve's portfolio at the start; what is not allocated stays aside. [currency]"""
        return {name: Portfolio.of_cash(cash * sleeve.allocation) for name, sleeve in self.sleeves.items()}


@dataclass(frozen=True)
class AccountDecision:
    """What every sleeve does after one close.

    Parameters
    ----------
    date : Timestamp
        The session whose close was known.
    nav : float
        Of all sleeves. [currency]
    decisions : dict
        By sleeve, in the order of their names; entries as far as the account's caps let them.
    """

    date: pd.Timestamp
    nav: float
    decisions: dict[str, Decision]

    @cached_property
    def hash(self) -> str:
        """Content hash of every sleeve's decision: 16 hexadecimal digits."""
        content = repr([(name, decision.hash) for name, decision in self.decisions.items()])
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def decide_account(portfolios: Mapping[str, Portfolio], day: Day, account: Account) -> AccountDecision:
    """Decide for every sleeve, then cut what they open together down to the account's caps, all in one proportion.

    Parameters
    ----------
    portfolios : mapping
        One a sleeve, by its name.
    day : Day
        What was known at the close; all sleeves read the same.
    account : Account
        Sleeves and caps. Cash aside counts for no cap.

    Returns
    -------
    AccountDecision
        After the batch, sales included, every cap holds at max(cap, what was there without the entries).
    """
    if portfolios.keys() != account.sleeves.keys():
        raise InputError(
            f"the account has the sleeves {', '.join(sorted(account.sleeves))}, "
            f"the portfolios are of {', '.join(sorted(portfolios)) or 'none'}"
        )
    names = sorted(account.sleeves)
    decisions = {name: decide(portfolios[name], day, account.sleeves[name].params) for name in names}
    mark, nav = day.names["mark"], sum(decision.nav for decision in decisions.values())
    gross = np.zeros(len(day.tickers))
    for name, decision in decisions.items():
        shares = portfolios[name].held(day.tickers)["shares"]
        for sale in decision.exits:
            shares[day.tickers.get_loc(sale.ticker)] -= sale.shares
        gross += np.where(shares != 0, np.abs(shares) * mark, 0.0)
    entries = [(name, entry) for name in names for entry in decisions[name].entries]
    places = day.tickers.get_indexer([entry.ticker for _, entry in entries]).astype(np.int64)
    worth = np.array([abs(entry.shares) for _, entry in entries], dtype=float) * day.names["close"][places]
    share, bound = share_allowed(places, worth, gross, day.names["sector"], nav=nav, account=account)
    kept: dict[str, list[Purchase]] = {name: [] for name in names}
    refused: dict[str, list[Refusal]] = {name: [] for name in names}
    for (name, entry), part, rule, value in zip(entries, share, bound, worth, strict=True):
        left = whole_part(entry.shares, part)
        if left == 0 or value / abs(entry.shares) * abs(left) < account.sleeves[name].params.min_order:
            refused[name].append(Refusal(entry.ticker, Rule(rule).label, float(value / nav), limit_of(account, rule)))
        else:
            kept[name].append(entry if part == 1 else replace(entry, shares=left, bound_by=Rule(rule).label))
    return AccountDecision(
        day.date,
        nav,
        {
            name: replace(decision, entries=tuple(kept[name]), blocked=(*decision.blocked, *refused[name]))
            for name, decision in decisions.items()
        },
    )


def share_allowed(
    places: Ints, worth: Floats, gross: Floats, sector: Ints, *, nav: float, account: Account
) -> tuple[Floats, Ints]:
    """What part of every entry the caps over the account let through, and the cap that cut it last.

    Entries in one name are cut by one factor, then those in one sector, then all: no sleeve goes before another.

    Parameters
    ----------
    places : array of int, shape (entries,)
        Name of each.
    worth : array, shape (entries,)
        Asked for, above 0 for shorts too. [currency]
    gross : array, shape (names,)
        Held by all sleeves after today's sales, longs and shorts. [currency]
    sector : array of int, shape (names,)
        Codes, −1 unknown.
    nav : float
        Of all sleeves. [currency]
    account : Account
        Caps.
    """
    of_name = np.where(sector < 0, len(SECTORS), sector).astype(np.int64)
    part, bound = np.ones(len(places)), np.zeros(len(places), np.int64)
    for rule, limit, group, groups in (
        (Rule.POSITION_CAP, account.max_position_pct, np.arange(len(gross)), len(gross)),
        (Rule.SECTOR_CAP, account.max_sector_pct, of_name, len(SECTORS) + 1),
        (Rule.EQUITY_CAP, account.max_equity_pct, np.zeros(len(gross), np.int64), 1),
    ):
        room = np.maximum(limit * nav - np.bincount(group, gross, minlength=groups), 0.0)
        asked = np.bincount(group[places], worth * part, minlength=groups)
        let = np.where(asked > room, room / np.where(asked > 0, asked, 1.0), 1.0)[group[places]]
        part *= let
        bound[let < 1] = rule
    return part, bound


def whole_part(shares: int, part: float) -> int:
    """A part of the shares, in whole ones, towards 0. [shares]"""
    return shares if part == 1 else int(np.sign(shares)) * int(abs(shares) * part)


def limit_of(account: Account, rule: int) -> float | None:
    """The account's cap of a rule. [fraction]"""
    return {
        Rule.POSITION_CAP: account.max_position_pct,
        Rule.SECTOR_CAP: account.max_sector_pct,
        Rule.EQUITY_CAP: account.max_equity_pct,
    }.get(Rule(rule))
