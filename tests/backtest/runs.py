"""Random small runs of a simulation: a world with every kind of accident, signals, and parameters that bite."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from alphalib.backtest.costs import Costs
from alphalib.backtest.minutes import BARS, minutes_of
from alphalib.backtest.simulate import Backtest, simulate
from alphalib.decision.history import history
from alphalib.market import SECTORS, Market, Panel
from alphalib.params import DrawdownTier, ExecutorParams
from alphalib.scores import SignalCode, SignalPanels
from alphalib.sources.sample.minutes import session_path
from tests.worlds import random_market

RATIOS = (2.0, 3.0, 1.5, 0.1, 1.1)


@dataclass(frozen=True)
class Run:
    market: Market
    signals: SignalPanels
    percentile: Panel | None
    veto: Panel | None
    params: ExecutorParams
    costs: Costs
    cash: float
    minutes: dict[str, pd.DataFrame] | None = None

    def backtest(self) -> Backtest:
        """By the library."""
        known = history(self.market, self.signals, percentile=self.percentile, veto=self.veto, params=self.params)
        minutes = minutes_of(self.minutes, known) if self.minutes is not None else None
        return simulate(known, self.params, costs=self.costs, cash=self.cash, minutes=minutes)

    def arguments(self) -> dict[str, Any]:
        """What the plain reference is called with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def random_run(seed: int, *, names: int = 10, sessions: int = 160) -> Run:
    """The same seed gives the same run."""
    rng = np.random.default_rng(seed)
    market = eventful_market(rng, names=names, sessions=sessions)
    shape = market.close.shape
    percentile = pd.DataFrame(rng.random(shape), index=market.sessions, columns=market.tickers)
    veto = pd.DataFrame(rng.random(shape) < 0.1, index=market.sessions, columns=market.tickers)
    return Run(
        market=market,
        signals=random_signals(market, rng),
        percentile=percentile.where(rng.random(shape) > 0.1) if rng.random() < 0.8 else None,
        veto=veto if rng.random() < 0.8 else None,
        params=random_params(rng),
        costs=Costs(
            slippage_bps=float(rng.choice([0.0, 5.0, 50.0])),
            commission_bps=float(rng.choice([0.0, 1.0, 30.0])),
            commission_per_share=float(rng.choice([0.0, 0.005])),
            minimum_commission=float(rng.choice([0.0, 1.0, 30.0])),
            impact=float(rng.choice([0.0, 0.5, 5.0])),
        ),
        cash=float(rng.choice([20_000.0, 1_000_000.0])),
    )


def random_minutes(run: Run, *, seed: int, share: float = 0.8) -> Run:
    """The run with minute bars for most names and sessions of its second half, nine in ten of them missing."""
    rng, tables, market = np.random.default_rng(seed), {}, run.market
    for ticker in market.tickers:
        later = np.arange(len(market.sessions)) >= len(market.sessions) // 2
        bars = market.close[ticker].notna() & (rng.random(len(market.sessions)) < share) & later
        daily = pd.DataFrame({name: getattr(market, name)[ticker] for name in BARS})[bars]
        parts = [session_path(bar.to_dict(), seed=seed, ticker=ticker, day=day) for day, bar in daily.iterrows()]
        thinned = [path.sample(frac=0.1, random_state=int(rng.integers(2**31))).sort_index() for path in parts]
        if thinned:
            tables[ticker] = pd.concat(thinned, ignore_index=True)
    rules: dict[str, Any] = {
        "pullback_pct": float(rng.choice([0.002, 0.02])),
        "vwap_discount_pct": float(rng.choice([0.005, 0.02])),
        "support_pct": float(rng.choice([0.01, 0.05])),
        "expiry_minutes_before_close": int(rng.choice([30, 150])),
        "intraday_trail_atr": float(rng.choice([0.5, 2.0])),
        "intraday_tight_atr": float(rng.choice([0.5, 1.5])),
        "intraday_tight_sessions": int(rng.choice([1, 3])),
        "intraday_profit_pct": float(rng.choice([0.01, 0.04])),
        "intraday_profit_fraction": float(rng.choice([0.3, 0.5])),
        "intraday_collapse_pct": float(rng.choice([0.01, 0.03])),
    }
    return replace(run, minutes=tables, params=run.params.model_copy(update=rules))


def flat_run(*, sessions: int = 20) -> Run:
    """Two names at 100 for ever; research wants the first in until the tenth close, and out from then on."""
    market = random_market(names=2, sessions=60)
    market = market.asof(market.sessions[sessions - 1])
    flat = market.close * 0.0 + 100.0
    bars = dict.fromkeys(("open", "high", "low", "close", "vwap"), flat)
    market = replace(market, **bars, volume=flat * 1e4, member=flat > 0, actions=market.actions.iloc[:0])
    wanted = np.where(np.arange(sessions) < 10, SignalCode.ENTER, SignalCode.EXIT).astype(np.int8)

    def panel(value: float | np.ndarray, columns: pd.Index) -> Panel:
        return pd.DataFrame(dict.fromkeys(columns, value), index=market.sessions)

    signals = SignalPanels(
        score=panel(80.0, market.tickers),
        signal=panel(wanted, market.tickers).assign(N001=np.int8(SignalCode.NONE)),
        conviction=panel(1, market.tickers),
        upside=panel(np.nan, market.tickers),
        sector_rating=panel(0, pd.Index(SECTORS)),
        regime=pd.Series(1, index=market.sessions),
        age=pd.Series(0, index=market.sessions),
    )
    return Run(
        market,
        signals,
        None,
        None,
        ExecutorParams(),
        costs=Costs(slippage_bps=10, commission_bps=10, impact=0),
        cash=100_000.0,
    )


def rehearsed(changes: dict[int, dict[int, float]], *, reach: float = 0.0, **params: Any) -> Run:
    """`flat_run` with minutes at 100 on given rows, but for closes {row: {minute: close}}; each opens where it was.

    Daily bars of the other rows reach so far above and below 100. [currency]
    """
    run = flat_run()
    tables = []
    for row, closes in changes.items():
        path = session_path(dict.fromkeys(BARS, 100.0), seed=1, ticker="N000", day=run.market.sessions[row])
        close = path["close"].to_numpy(copy=True)
        for minute, price in closes.items():
            close[minute:] = price
        opened = np.append(close[0], close[:-1])
        high, low = np.maximum(opened, close), np.minimum(opened, close)
        tables.append(path.assign(open=opened, high=high, low=low, close=close, volume=1.0))
    bars = {"high": run.market.high + reach, "low": run.market.low - reach}
    for row, table in zip(changes, tables, strict=True):
        bars["high"].iloc[row], bars["low"].iloc[row] = table["high"].max(), table["low"].min()
    rules = run.params.model_copy(update=params)
    return replace(run, market=replace(run.market, **bars), params=rules, minutes={"N000": pd.concat(tables)})


def eventful_market(rng: np.random.Generator, *, names: int, sessions: int) -> Market:
    """A random market with more splits, dividends and delistings, lost bars and unknown sectors."""
    market = random_market(
        seed=int(rng.integers(2**31)), names=names, sessions=sessions, missing=float(rng.choice([0.0, 0.03]))
    )
    bars = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "volume", "vwap")}
    member, actions = market.member.copy(), [market.actions]
    for _ in range(6):
        row, column = int(rng.integers(2, sessions)), int(rng.integers(names - 1))
        kind = str(rng.choice(["split", "dividend", "dividend", "delisting"], p=[0.4, 0.2, 0.2, 0.2]))
        value = float(rng.choice(RATIOS)) if kind == "split" else 0.8 if kind == "dividend" else -0.5
        if kind == "split":
            for name in ("open", "high", "low", "close", "vwap"):
                bars[name].iloc[row:, column] /= value
        if kind == "delisting":
            for panel in bars.values():
                panel.iloc[row:, column] = np.nan
            member.iloc[row:, column] = False
        event = {"date": market.sessions[row], "ticker": market.tickers[column], "kind": kind, "value": value}
        actions.append(pd.DataFrame([{**event, "detail": ""}]))
    table = pd.concat(actions, ignore_index=True).sort_values(["date", "ticker"], kind="stable", ignore_index=True)
    gone = table[table["kind"] == "delisting"].groupby("ticker")["date"].transform("min")
    table = table[~((table["kind"] == "delisting") & (table["date"] > gone.reindex(table.index)))]
    sector = market.sector.copy()
    sector.iloc[:, int(rng.integers(names))] = -1
    return replace(market, **bars, member=member, sector=sector, actions=table.reset_index(drop=True))


def random_signals(market: Market, rng: np.random.Generator) -> SignalPanels:
    """Weekly signals, carried forward with their age; a name keeps its tendency, so that some are held for long."""
    sessions, tickers = market.sessions, market.tickers
    weeks = np.arange(len(sessions)) // 5

    def panel(values: np.ndarray) -> Panel:
        return pd.DataFrame(values[weeks], index=sessions, columns=tickers)

    shape = (weeks[-1] + 1, len(tickers))
    score = np.round(np.clip(rng.normal(70, 10, len(tickers)) + rng.normal(0, 9, shape), 0, 100))
    score[rng.random(shape) < 0.05] = np.nan
    signal = np.select(
        [np.isnan(score), score >= 68, score >= 58, score >= 52], [0, 2, rng.choice([0, 1], shape), 3], default=4
    )
    rated = rng.integers(-1, 2, (shape[0], len(SECTORS)))
    columns = pd.Index(SECTORS, name="sector", dtype="str")
    return SignalPanels(
        score=panel(score),
        signal=panel(signal.astype(np.int8)),
        conviction=panel(rng.choice([0, 1, 2], shape, p=[0.2, 0.5, 0.3]).astype(np.int8)),
        upside=panel(np.where(rng.random(shape) < 0.3, np.nan, rng.normal(0.1, 0.05, shape))),
        sector_rating=pd.DataFrame(rated[weeks].astype(np.int8), index=sessions, columns=columns),
        regime=pd.Series(rng.integers(0, 4, shape[0])[weeks].astype(np.int8), index=sessions),
        age=pd.Series(np.arange(len(sessions)) % 5 + int(rng.choice([0, 4])) * (weeks % 3), index=sessions),
    )


def random_params(rng: np.random.Generator) -> ExecutorParams:
    """Parameters near the edges, so that every rule acts somewhere among some dozens of runs."""
    pick = rng.choice
    bounds = [(-0.02, -0.04, -0.08), (-0.005, -0.01, -0.02), (-0.05, -0.10, -0.25)][int(rng.integers(3))]
    multipliers, forced = (0.5, 0.25, 0.0), (0, 1, 2)
    return ExecutorParams(
        drawdown_tiers=tuple(
            DrawdownTier(drawdown=bound, multiplier=multiplier, forced_exits=count)
            for bound, multiplier, count in zip(bounds, multipliers, forced, strict=True)
        ),
        min_score=float(pick([60.0, 72.0])),
        conviction_rule=str(pick(["block", "reduce", "ignore"])),
        momentum_gate_threshold=float(pick([-0.05, -0.2])),
        correlation_block_threshold=float(pick([0.3, 0.8])),
        correlation_window=int(pick([20, 60])),
        cooldown_sessions=int(pick([0, 5, 20])),
        daily_loss_limit=float(pick([0.002, 0.02])),
        max_position_pct=float(pick([0.05, 0.15, 0.25])),
        max_positions=int(pick([3, 40])),
        max_adv_pct=float(pick([0.0005, 0.1])),
        sizing_rule=str(pick(["equal", "kelly"], p=[0.7, 0.3])),
        kelly_win_rate=float(pick([0.4, 0.55])),
        max_sector_pct=float(pick([0.1, 0.25, 0.6])),
        max_equity_pct=float(pick([0.3, 0.9, 1.0])),
        target_positions=int(pick([3, 6, 20])),
        rearm_rule=str(pick(["sessions", "recovery", "person"], p=[0.6, 0.3, 0.1])),
        rearm_sessions=int(pick([3, 20])),
        tier_rearm_sessions=int(pick([5, 63])),
        atr_multiplier=float(pick([1.0, 2.5])),
        time_decay_reduce_days=int(pick([3, 7])),
        time_decay_exit_days=int(pick([8, 14])),
        profit_take_pct=float(pick([0.05, 0.25])),
        reduce_fraction=float(pick([0.3, 0.5])),
        momentum_exit_threshold=float(pick([-0.05, -0.15])),
        momentum_exit_rsi=float(pick([30.0, 50.0])),
        loss_floor_pct=float(pick([0.03, 0.15])),
        gap_exit_pct=float(pick([0.01, 0.15])),
        sector_veto_pct=float(pick([0.0, 0.05])),
    )
