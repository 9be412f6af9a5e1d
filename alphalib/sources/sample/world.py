"""The embedded market as a whole: made from a recipe, written to the bus, read as a `Market`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Market, Panel, Source
from alphalib.sessions import SESSIONS_PER_YEAR, all_sessions, require_session, session_minutes
from alphalib.sources.sample import index, names, reports, texts
from alphalib.sources.sample.actions import Decided, decided
from alphalib.sources.sample.alpha import oracle
from alphalib.sources.sample.bars import FIELDS, Bars, printed, tidy
from alphalib.sources.sample.faults import as_written, fault_table, planted_faults
from alphalib.sources.sample.lives import LISTED_ON, Lives, lives
from alphalib.sources.sample.minutes import session_path
from alphalib.sources.sample.returns import FAST, MARKET_VOLATILITY, SLOW, Climate, climate, flow
from alphalib.sources.sample.roster import companies
from alphalib.sources.sample.streams import Floats, autoregression, normal, stream
from alphalib.sources.stored import TABLES, assemble, bars_by_year
from alphalib.store import Store, json_bytes, parquet_bytes

SOURCE = Source(name="embedded market (simulated)", simulated=True, prices="raw", members="by date")


VIX_OVER_VOLATILITY = 1.1  # what insurance costs over what happens


@dataclass(frozen=True)
class Recipe:
    """What a world is made from; the same recipe gives the same bytes."""

    seed: int
    start: str
    sessions: int
    names: int
    alpha: float


@dataclass(frozen=True, eq=False)
class World:
    """A simulated market, with what only its maker knows.

    Parameters
    ----------
    recipe : Recipe
        What it was made from.
    bars : DataFrame
        `date, ticker, open, high, low, close, volume, vwap` as a vendor would send them, faults included.
    actions, benchmarks, membership, sectors, aliases, macro, earnings, fundamentals, headlines : DataFrame
        As in `stored.TABLES`.
    faults : DataFrame
        Hidden: `date, ticker, kind, field, true_value`, one wrong value a row. Halts are listed too, though nothing
        is wrong with them: `true_value` is NaN, for nothing traded.
    driver : Panel
        Hidden: the latent driver at each session's close. [standard deviations]
    oracle : Panel
        Hidden: what the driver adds to the return from t+1 to t+6; zero at alpha 0. [fraction]
    decoys : mapping of str to Panel
        Hidden: `calm` predicts until it dies, `reversal` is eaten by costs. [standard deviations]
    """

    recipe: Recipe
    bars: pd.DataFrame
    actions: pd.DataFrame
    benchmarks: pd.DataFrame
    membership: pd.DataFrame
    sectors: pd.DataFrame
    aliases: pd.DataFrame
    macro: pd.DataFrame
    earnings: pd.DataFrame
    fundamentals: pd.DataFrame
    headlines: pd.DataFrame
    faults: pd.DataFrame
    driver: Panel
    oracle: Panel
    decoys: Mapping[str, Panel]
    source: Source = SOURCE

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Sessions of the world, ascending."""
        return pd.DatetimeIndex(self.driver.index)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables on the bus, by name."""
        return {name: getattr(self, name) for name in TABLES}

    @cached_property
    def true_bars(self) -> pd.DataFrame:
        """The bars as they would be without faults, sorted by ticker and date."""
        wrong = self.faults[self.faults["true_value"].notna()]
        truth = wrong.pivot(index=["ticker", "date"], columns="field", values="true_value")
        bars = self.bars.set_index(["ticker", "date"])
        mended = truth.reindex(columns=list(FIELDS)).combine_first(bars)
        return mended.reset_index()[["date", "ticker", *FIELDS]]

    def market(self) -> Market:
        """The market that `read_market` reads after `write_sample`, faults included."""
        return assemble(self.bars, self.tables, self.source)

    def true_market(self) -> Market:
        """The market without the faults."""
        return assemble(self.true_bars, self.tables, self.source)

    def longer(self, by: int = 1) -> World:
        """The same world with `by` more sessions at its end."""
        return _made(replace(self.recipe, sessions=self.recipe.sessions + by))

    @cached_property
    def _bar(self) -> dict[tuple[str, pd.Timestamp], dict[str, float]]:
        keys = zip(self.true_bars["ticker"], self.true_bars["date"], strict=True)
        return dict(zip(keys, self.true_bars[list(FIELDS)].to_dict("records"), strict=True))


def simulate_market(
    *, seed: int = 7, start: str = "2016-01-04", sessions: int = 2012, names: int = 150, alpha: float = 1.0
) -> World:
    """Make the embedded market.

    Parameters
    ----------
    seed : int
        Everything random follows from it.
    start : str
        First session.
    sessions : int
        How many. A longer world begins with the bytes of a shorter one.
    names : int
        Companies listed at the start; later arrivals about replace those that leave.
    alpha : float
        Multiplies the planted drift, decoys included. At 0 the same draws give a world in which nothing predicts.

    Raises
    ------
    InputError
        When there are too few sessions or names, or the calendar ends before the world does.
    SessionError
        When `start` is not a session.
    """
    if sessions < 2 or names < 2:
        raise InputError(f"a world needs at least 2 sessions and 2 names, got {sessions} and {names}")
    require_session(start)
    return _made(Recipe(seed=seed, start=start, sessions=sessions, names=names, alpha=alpha))


def write_sample(store: Store, world: World, *, bars: pd.DataFrame | None = None) -> None:
    """Write what a vendor would send, nothing hidden: all tables, the source and the bars, all or none.

    Parameters
    ----------
    store : Store
        The bus.
    world : World
        The market.
    bars : DataFrame, optional
        What a quality gate left of the bars; without it they are written with their faults.
    """
    store.write_together(sample_files(world, bars), instead_of=store.paths("prices/daily/*.parquet"))


def sample_files(world: World, bars: pd.DataFrame | None = None) -> dict[str, bytes]:
    """What `write_sample` writes, by path."""
    return {
        **{TABLES[name][0]: parquet_bytes(table) for name, table in world.tables.items()},
        "prices/source.json": json_bytes(asdict(world.source), name="prices/source.json"),
        **bars_by_year(world.bars if bars is None else bars),
    }


def minute_bars(world: World, ticker: str, day: str | pd.Timestamp) -> pd.DataFrame:
    """Minute bars of one name and session, which agree with its true daily bar.

    Returns
    -------
    DataFrame
        `time` (start of the minute, UTC), open, high, low, close [currency], volume [shares].

    Raises
    ------
    InputError
        When the name did not trade in that session.
    """
    session = require_session(day)
    bar = world._bar.get((ticker, session))
    if bar is None:
        raise InputError(f"{ticker} did not trade on {session:%Y-%m-%d} in the embedded market")
    return session_path(bar, seed=world.recipe.seed, ticker=ticker, day=session)


def _made(recipe: Recipe) -> World:
    seed, count = recipe.seed, recipe.sessions
    sessions = _sessions(recipe)
    roster = companies(seed, sessions=count, names=recipe.names)
    common = climate(seed, count)
    calendar = reports.report_calendar(seed, roster, sessions)
    surprise = reports.surprises(calendar, (count, roster.count))
    moves = flow(seed, roster, common, surprise, alpha=recipe.alpha)
    life = lives(seed, roster, moves)
    decision = decided(roster, life)
    called = names.named(seed, roster, life, sessions)
    half_days = np.array([session_minutes(day) < 390 for day in sessions])
    true = printed(seed, roster, moves, life, decision, reported=(surprise != 0).astype(float), half_days=half_days)
    wrong = planted_faults(seed, true)
    raw = decision.price_factor * life.wealth
    capitalisation = roster.capitalisation / roster.price * raw * decision.share_factor
    member = index.membership(capitalisation, life, names=recipe.names)

    def panel(values: Floats) -> Panel:
        found = pd.DataFrame(np.where(life.trading, values, np.nan), index=sessions, columns=called.tickers)
        return found.sort_index(axis=1)  # the order of the market's panels

    return World(
        recipe=recipe,
        bars=tidy(as_written(true.fields, wrong), sessions, called.tickers),
        actions=_action_table(decision, life, raw, true, called, sessions),
        benchmarks=index.fund_table(index.funds(common, roster, life, member, capitalisation), sessions),
        membership=index.intervals(member, sessions, called.tickers),
        sectors=index.sector_table(roster, sessions, called.tickers),
        aliases=names.alias_table(called, life, sessions),
        macro=_macro_table(seed, common, sessions),
        earnings=reports.earnings_table(calendar, roster, life, sessions, called.tickers),
        fundamentals=reports.fundamentals_table(
            seed, calendar.quarter_ends, roster, life, decision.share_factor, sessions, called.tickers
        ),
        headlines=texts.headline_table(seed, surprise, moves, life, called, sessions),
        faults=fault_table(wrong, sessions, called.tickers),
        driver=panel(moves.signals.driver),
        oracle=panel(recipe.alpha * oracle(moves.signals, moves.idiosyncratic_volatility)),
        decoys={"calm": panel(moves.signals.calm), "reversal": panel(moves.signals.reversal)},
    )


def _sessions(recipe: Recipe) -> pd.DatetimeIndex:
    span = all_sessions()
    first = int(span.searchsorted(pd.Timestamp(recipe.start)))
    if first + recipe.sessions > len(span):
        raise InputError(
            f"{recipe.sessions} sessions from {recipe.start} pass {span[-1]:%Y-%m-%d}, the end of the calendar"
        )
    return span[first : first + recipe.sessions]


def _action_table(
    decision: Decided, life: Lives, raw: Floats, true: Bars, called: names.Names, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """Splits, dividends, renames and delistings effective by the last session, by date and ticker."""
    rows = [(at, called.tickers[company], kind, value, "") for at, company, kind, value in decision.events]
    for company, spells in enumerate(called.symbols):
        rows += [(at, called.tickers[company], "rename", np.nan, name) for at, name in spells[1:]]
    for company in map(int, np.flatnonzero(life.last != LISTED_ON)):
        last = int(life.last[company])
        prices = true.fields["close"][: last + 1, company]
        received = raw[last, company] * (1.0 + life.proceeds[company])
        value = received / prices[np.flatnonzero(~np.isnan(prices))[-1]] - 1.0
        reason = "distress" if life.failed[company] else "merger"
        rows.append((last + 1, called.tickers[company], "delisting", round(float(value), 6), reason))
    effective = sorted((row for row in rows if row[0] < len(sessions)), key=lambda row: (row[0], row[1], row[2]))
    table = pd.DataFrame(effective, columns=["at", "ticker", "kind", "value", "detail"])
    table.insert(0, "date", sessions[table.pop("at").to_numpy(dtype=np.int64)])
    return table.astype({"ticker": "str", "kind": "str", "detail": "str"})


def _macro_table(seed: int, common: Climate, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """`date, series, value`: VIX follows the market's volatility to come, yields wander."""
    count = len(sessions)
    haze = normal(stream(seed, "vix"), count)
    # Over the next month most of the slow part and about half of the fast part is still there; the rest is the mean.
    forecast = np.exp(2.0 * (0.92 * SLOW * common.slow + 0.55 * FAST * common.fast - SLOW**2 - FAST**2 / 3.0))
    expected = 100.0 * MARKET_VOLATILITY * np.sqrt(SESSIONS_PER_YEAR * (0.25 + 0.75 * forecast))
    long_rate = 0.026 + 0.008 * autoregression(normal(stream(seed, "long rate"), count), halflife=500.0)
    slope = 0.010 + 0.007 * autoregression(normal(stream(seed, "slope"), count), halflife=400.0)
    series = {
        "vix": np.round(VIX_OVER_VOLATILITY * expected * np.exp(0.03 * haze), 2),
        "yield_10y": np.round(np.maximum(long_rate, 0.004), 5),
        "yield_3m": np.round(np.maximum(long_rate - slope, 0.0005), 5),
    }
    parts = [pd.DataFrame({"date": sessions, "series": name, "value": values}) for name, values in series.items()]
    return pd.concat(parts, ignore_index=True).astype({"series": "str"})
