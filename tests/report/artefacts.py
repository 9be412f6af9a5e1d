"""A store with what a weekly run leaves behind, drawn at random: for the report's tests, and for looking at it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphalib.contracts import (
    ActiveStop,
    BacktestSummary,
    Blocked,
    CrossCheck,
    Entry,
    Fold,
    GateCheck,
    Measured,
    OrderBook,
    Performance,
    PredictorMetrics,
    SectorView,
    Signal,
    Signals,
    Triggers,
    UrgentExit,
)
from alphalib.market import SECTORS
from alphalib.sessions import next_session, sessions_between
from alphalib.sources.quality import KINDS, Finding, Gap, QualityReport, Relisting
from alphalib.store import Store

ASOF = pd.Timestamp("2024-03-08")
RULES = ["min_score", "momentum_gate", "conviction", "sector_cap", "correlation", "equity_cap", "below_minimum"]
LIMITS = {"min_score": 70.0, "momentum_gate": -0.05, "correlation": 0.8, "below_minimum": 500.0}


def write_artefacts(store: Store, *, asof: pd.Timestamp = ASOF, years: int = 8, seed: int = 7) -> None:
    """Everything the weekly page reads, on the sample of a simulated market."""
    rng = np.random.default_rng(seed)
    sessions = sessions_between(asof - pd.DateOffset(years=years), asof)
    date = f"{asof:%Y-%m-%d}"
    store.write_json(
        "prices/source.json",
        {"name": "embedded market, seed 1", "simulated": True, "prices": "raw", "members": "by date"},
    )
    _write_data(store, rng, sessions)
    _write_backtest(store, rng, sessions, date)
    store.write(f"signals/{date}/signals.json", _signals(rng, date))
    store.write(f"order_book/{next_session(asof):%Y-%m-%d}.json", _order_book(rng, asof))
    store.write(PredictorMetrics.path, _metrics(rng, date, sessions))
    ic = rng.normal(0.021, 0.12, len(sessions) - 504)
    store.write_table("predictor/oos/ic.parquet", pd.DataFrame({"date": sessions[504:], "rank_ic": ic}))


def names(rng: np.random.Generator, count: int) -> list[str]:
    """Ticker-like words, all different."""
    letters = np.array(list("ABCDEFGHIKLMNOPRSTUVWXYZ"))
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(letters, rng.integers(2, 5)))] = None
    return list(found)


def _write_data(store: Store, rng: np.random.Generator, sessions: pd.DatetimeIndex) -> None:
    members = np.full(len(sessions), 150)
    priced = members - rng.binomial(4, np.linspace(0.6, 0.05, len(sessions)))
    table = pd.DataFrame({"date": sessions, "members": members, "priced": priced, "share": priced / members})
    store.write_table("universe/priced.parquet", table)
    kinds = dict(zip(KINDS, (3, 0, 4, 11, 2, 6), strict=True))
    findings = [
        Finding(date=f"{sessions[int(rng.integers(len(sessions)))]:%Y-%m-%d}", ticker=name, kind=kind, detail=detail)
        for name, kind, detail in zip(
            names(rng, 9),
            ["decimal_slip", "impossible_bar", "unexplained_jump"] * 3,
            [
                "close is 10.02 times the last accepted close, 41.2",
                "not low ≤ open, close ≤ high",
                "+61% on quiet volume",
            ]
            * 3,
            strict=True,
        )
    ]
    report = QualityReport(
        date=f"{sessions[-1]:%Y-%m-%d}",
        rows=298_144,
        names=171,
        first=f"{sessions[0]:%Y-%m-%d}",
        accepted=298_118,
        quarantined=kinds,
        findings=findings,
        relisted=[
            Relisting(ticker="KLM.2", symbol="KLM", start="2021-05-03", reason="the listing before it had ended")
        ],
        gap_sessions=14,
        gap_names=6,
        longest_gaps=[Gap(ticker="ORB", after="2020-03-18", sessions=4)],
    )
    store.write(QualityReport.path, report)


def _write_backtest(store: Store, rng: np.random.Generator, sessions: pd.DatetimeIndex, date: str) -> None:
    count = len(sessions)
    market = rng.standard_t(5, count) * 0.0078 + 0.0003
    paths = {
        "spy": market,
        "equal_weight": 1.05 * market + rng.normal(0, 0.003, count),
        "nav": 0.62 * market + rng.normal(0.00006, 0.0042, count),
    }
    nav = pd.DataFrame({name: 1e6 * np.cumprod(1 + path) for name, path in paths.items()})
    halted = pd.Series(False, index=range(count))
    for start in (610, 1340):
        halted[start : start + 20] = True
    nav.insert(0, "date", sessions)
    nav["exposure"] = np.clip(0.78 + pd.Series(rng.normal(0, 0.02, count)).rolling(30, min_periods=1).sum(), 0.05, 0.9)
    nav.loc[halted, "exposure"] *= 0.4
    nav["cash"] = nav["nav"] * (1 - nav["exposure"])
    nav["halted"] = halted
    store.write_table(f"backtest/{date}/nav.parquet", nav)
    store.write_table(f"backtest/{date}/trades.parquet", _trades(rng, sessions))
    store.write_table(f"backtest/{date}/blocked.parquet", _blocked(rng, sessions))
    store.write(f"backtest/{date}/metrics.json", _summary(date, sessions))


def _trades(rng: np.random.Generator, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    rows = []
    for session in sessions[60:]:
        for name in names(rng, int(rng.poisson(0.9))):
            side = "buy" if rng.random() < 0.5 else "sell"
            price, shares = float(rng.uniform(12, 300)), int(rng.integers(20, 900))
            reason = (
                "entry" if side == "buy" else str(rng.choice(["stop", "time_exit", "profit_take", "research_exit"]))
            )
            bound = "position_cap" if side == "buy" and rng.random() < 0.3 else None
            cost = price * shares * 0.0006
            rows.append((session, name, side, shares, price, price * shares, cost, reason, bound))
    return pd.DataFrame(
        rows, columns=["date", "ticker", "side", "shares", "price", "value", "cost", "reason", "bound_by"]
    )


def _blocked(rng: np.random.Generator, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    odds = np.array([30, 22, 14, 12, 9, 8, 5]) / 100
    rows = []
    for session in sessions[60:]:
        for name in names(rng, int(rng.poisson(3))):
            rule = str(rng.choice(RULES, p=odds))
            limit = LIMITS.get(rule)
            rows.append((session, name, rule, None if limit is None else limit * float(rng.uniform(0.7, 0.99)), limit))
    return pd.DataFrame(rows, columns=["date", "ticker", "rule", "value", "limit"])


def _summary(date: str, sessions: pd.DatetimeIndex) -> BacktestSummary:
    def row(measure, unit, book, spy, equal, note=""):
        parts = [
            None if part is None else Measured(value=part[0], low=part[1], high=part[2]) for part in (book, spy, equal)
        ]
        return Performance(measure=measure, unit=unit, book=parts[0], spy=parts[1], equal_weight=parts[2], note=note)

    return BacktestSummary(
        date=date,
        start=f"{sessions[0]:%Y-%m-%d}",
        sessions=len(sessions),
        halted_sessions=40,
        interval_method="percentiles of 1000 circular block resamples of 21 sessions; Newey–West for alpha and beta",
        performance=[
            row("Total return", "fraction", (0.605, -0.16, 1.88), (0.892, -0.24, 3.3), (0.837, -0.29, 3.4)),
            row("Annual return", "fraction", (0.061, -0.021, 0.142), (0.083, -0.034, 0.201), (0.079, -0.041, 0.203)),
            row("Volatility", "fraction", (0.094, 0.086, 0.104), (0.161, 0.148, 0.176), (0.172, 0.158, 0.188)),
            row("Sharpe ratio", "ratio", (0.65, -0.18, 1.46), (0.52, -0.21, 1.24), (0.46, -0.25, 1.18)),
            row("Sortino ratio", "ratio", (0.93, -0.24, 2.2), (0.74, -0.28, 1.8), (0.66, -0.33, 1.7)),
            row(
                "Maximum drawdown", "fraction", (-0.142, -0.231, -0.082), (-0.261, -0.38, -0.15), (-0.284, -0.41, -0.17)
            ),
            row("Calmar ratio", "ratio", (0.43, -0.11, 1.5), (0.32, -0.1, 1.2), (0.28, -0.12, 1.1)),
            row("Sessions that rose", "fraction", (0.53, 0.508, 0.552), (0.541, 0.52, 0.562), (0.54, 0.52, 0.56)),
            row("Alpha a year", "fraction", (0.012, -0.041, 0.066), None, (-0.006, -0.034, 0.022)),
            row("Beta", "ratio", (0.58, 0.53, 0.63), None, (1.05, 1.04, 1.07)),
            row("Tracking error", "fraction", (0.088, 0.081, 0.097), None, (0.047, 0.044, 0.051)),
            row("Information ratio", "ratio", (-0.25, -0.93, 0.44), None, (-0.08, -0.77, 0.6)),
            row("Exposure", "fraction", (0.71, 0.66, 0.75), None, None),
            row("Turnover a year, one way", "fraction", (5.9, 5.4, 6.4), None, None),
        ],
        trials=3,
        effective_trials=2.4,
        deflated_sharpe=0.58,
        costs=48_310.0,
        cross_checks=[CrossCheck(by="vectorbt", agrees=True, largest_difference=0.004)],
    )


def _metrics(rng: np.random.Generator, date: str, sessions: pd.DatetimeIndex) -> PredictorMetrics:
    folds = []
    for start in range(504, len(sessions), 252):
        span = sessions[start : start + 252]
        mean = float(rng.normal(0.02, 0.012))
        ic = Measured(value=mean, low=mean - 0.021, high=mean + 0.021)
        folds.append(Fold(start=f"{span[0]:%Y-%m-%d}", end=f"{span[-1]:%Y-%m-%d}", ic=ic, dates=len(span), rounds=84))
    return PredictorMetrics(
        date=date,
        model_version="none",
        ic=Measured(value=0.0207, low=-0.0013, high=0.0427),
        minimum_detectable_ic=0.028,
        icir=0.17,
        folds=folds,
        reasons=[
            "failed newey_west_bound: -0.0013 against 0 (one-sided 0.05)",
            "predictions lean to one side: 83% are positive",
        ],
        trials=4,
        effective_trials=1.9,
        checks=[
            GateCheck(rule="coverage", value=0.997, limit=0.9, passed=True, note="1511 sessions"),
            GateCheck(rule="folds", value=6.0, limit=4.0, passed=True),
            GateCheck(rule="positive_folds", value=0.833, limit=0.6, passed=True, note="of 6"),
            GateCheck(rule="mean_ic", value=0.0207, limit=0.005, passed=True),
            GateCheck(rule="newey_west_bound", value=-0.0013, limit=0.0, passed=False, note="one-sided 0.05"),
        ],
        importances={
            "momentum_12_1": 0.21,
            "reversal_5": 0.17,
            "realized_volatility_63": 0.14,
            "earnings_surprise": 0.11,
            "turnover_21": 0.09,
            "beta_252": 0.07,
        },
    )


def _signals(rng: np.random.Generator, date: str) -> Signals:
    ratings = dict(zip(SECTORS, rng.choice(["overweight", "market_weight", "underweight"], 11), strict=True))
    universe = []
    for name in names(rng, 48):
        score = float(np.clip(rng.normal(56, 14), 3, 97))
        rating = "BUY" if score >= 70 else "SELL" if score <= 40 else "HOLD"
        sector = str(rng.choice(SECTORS))
        universe.append(
            Signal(
                ticker=name,
                signal="ENTER" if rating == "BUY" else "EXIT" if rating == "SELL" else "HOLD",
                score=score,
                rating=rating,
                conviction=str(rng.choice(["rising", "stable", "declining"])),
                sector=sector,
                sector_rating=ratings[sector],
                price_target_upside=float(rng.normal(0.1, 0.08)),
                sub_scores={"quant": min(100.0, score + 3), "qual": None},
                thesis_summary="Momentum over a year is in the top fifth, volatility below the median of its sector.",
            )
        )
    return Signals(
        date=date,
        market_regime="neutral",
        sector_ratings={name: SectorView(rating=rating) for name, rating in ratings.items()},
        sector_modifiers=dict.fromkeys(SECTORS, 1.0),
        universe=universe,
        buy_candidates=[entry.ticker for entry in universe if entry.rating == "BUY"],
        population=[entry.ticker for entry in universe[:25]],
        absent={"qual": "no language model was used"},
        analyst="rule-based analyst, no language model",
    )


def _order_book(rng: np.random.Generator, asof: pd.Timestamp) -> OrderBook:
    tickers = names(rng, 34)
    entries = [
        Entry(
            ticker=name,
            shares=int(rng.integers(40, 600)),
            current_price=float(rng.uniform(20, 240)),
            dollar_size=float(rng.uniform(12_000, 50_000)),
            position_pct=float(rng.uniform(0.012, 0.05)),
            atr_value=2.1,
            triggers=Triggers(
                pullback_pct=0.02, vwap_discount=0.005, support_level=51.2, expiry_minutes_before_close=30
            ),
            research_score=float(rng.uniform(71, 93)),
            research_conviction="rising",
            sector=str(rng.choice(SECTORS)),
            sector_rating="market_weight",
            market_regime="neutral",
            sizing_factors={
                "base": 0.05,
                "sector_tilt": 1.05,
                "conviction_tilt": 1.0,
                "confidence_tilt": 0.92,
                "position_cap": 0.05,
                "earnings_scaler": 0.5,
            },
            bound_by="position_cap" if number == 1 else None,
        )
        for number, name in enumerate(tickers[:5])
    ]
    exits = [
        UrgentExit(ticker=tickers[5], signal="EXIT", shares=120, reason="stop", detail="41.20 at or below 41.75"),
        UrgentExit(ticker=tickers[6], signal="REDUCE", shares=60, reason="profit_take", detail="+27.1% since entry"),
    ]
    stops = [
        ActiveStop(ticker=name, entry_price=50, current_stop=46.5, high_water=55, entry_date="2024-02-20", shares=100)
        for name in tickers[7:16]
    ]
    blocked = []
    for name in tickers[16:]:
        rule = str(rng.choice(RULES))
        limit = LIMITS.get(rule)
        blocked.append(Blocked(ticker=name, rule=rule, value=None if limit is None else 0.9 * limit, limit=limit))
    return OrderBook(
        date=f"{next_session(asof):%Y-%m-%d}",
        decided_on=f"{asof:%Y-%m-%d}",
        nav=1_184_220.0,
        drawdown=-0.013,
        drawdown_multiplier=1.0,
        approved_entries=entries,
        urgent_exits=exits,
        active_stops=stops,
        blocked=blocked,
        decision_hash="9f3b0c4d5e6f7a81",
        notes=["Prices are as printed on the day: rules in dollars are on."],
    )
