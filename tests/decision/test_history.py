"""Indicators by hand, what the past knows, and the two ways to the same day."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import Prediction, Predictions, SectorView, Signal, Signals
from alphalib.decision import day_of, decide, history
from alphalib.decision.shapes import NAME
from alphalib.errors import InputError, SessionError
from alphalib.market import SECTORS
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from tests.backtest.runs import random_run, random_signals
from tests.corruption import CORRUPTIONS, corrupted
from tests.decision.days import portfolio
from tests.worlds import random_market

CASH = portfolio(cash=100_000.0)
RUN = random_run(7, names=12, sessions=200)
RATINGS = ["underweight", "market_weight", "overweight"]


def history_of(run, market=None):
    return history(market or run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


HISTORY = history_of(RUN)


def same(one, other):
    """Whether two days are equal to the last bit."""
    return (
        one.date == other.date
        and one.tickers.equals(other.tickers)
        and all(one.names[field].tobytes() == other.names[field].tobytes() for field in NAME.names)
        and one.moment.returns.tobytes() == other.moment.returns.tobytes()
        and one.moment.wanted.tobytes() == other.moment.wanted.tobytes()
        and one.moment[1:-1] == other.moment[1:-1]
    )


def writable(run):
    """The run with signals and predictions that files can hold: who is to enter scores 70, no veto without a place."""
    enters = run.signals.signal == SignalCode.ENTER
    score = run.signals.score.where(~enters, run.signals.score.clip(lower=70))
    return replace(run, signals=replace(run.signals, score=score), veto=run.veto & run.percentile.notna())


def signals_file(run, t, *, made):
    """The artefact that says what the panels say at row t, made so many sessions before."""
    panels, sector = run.signals, run.market.sector.iloc[t]
    views = dict(zip(SECTORS, panels.sector_rating.iloc[t], strict=True))
    entries = []
    for ticker in run.market.tickers:
        code = panels.signal[ticker].iloc[t]
        name = SECTORS[sector[ticker]] if sector[ticker] >= 0 else "Unknown"
        if code != SignalCode.NONE:
            score, upside = panels.score[ticker].iloc[t], panels.upside[ticker].iloc[t]
            entries.append(
                Signal(
                    ticker=ticker,
                    signal=SignalCode(code).name,
                    score=score,
                    rating="BUY" if score >= 70 else "SELL" if score <= 40 else "HOLD",
                    conviction=ConvictionCode(panels.conviction[ticker].iloc[t]).name.lower(),
                    sector=name,
                    sector_rating=RATINGS[views[name] + 1] if name in views else "market_weight",
                    price_target_upside=None if np.isnan(upside) else upside,
                )
            )
    ratings = {name: SectorView(rating=RATINGS[code + 1]) for name, code in views.items()}
    return Signals(
        date=f"{run.market.sessions[t - made]:%Y-%m-%d}",
        market_regime=RegimeCode(panels.regime.iloc[t]).name.lower(),
        sector_ratings={**ratings, "Unknown": SectorView(rating="market_weight")},
        sector_modifiers={},
        universe=entries[::-1],
        buy_candidates=[],
        absent={"thesis_summary": "not written"},
    )


def predictions_file(run, t, *, version="v1"):
    used = run.percentile.iloc[t].dropna()
    rows = [
        Prediction(
            ticker=ticker,
            predicted_direction="FLAT",
            prediction_confidence=0.0,
            predicted_alpha=0.0,
            combined_rank=1,
            gbm_veto=bool(run.veto[ticker].iloc[t]) and version != "none",
            p_up=place,
        )
        for ticker, place in used.items()
    ]
    return Predictions(
        date=f"{run.market.sessions[t]:%Y-%m-%d}", model_version=version, n_predictions=len(rows), predictions=rows
    )


@pytest.mark.parametrize("t", [30, 61, 120, 159])
def test_a_day_from_files_is_the_day_from_panels_to_the_last_bit(t):
    run = writable(random_run(1))
    market, age = run.market.asof(run.market.sessions[t]), int(run.signals.age.iloc[t])
    from_files = day_of(market, signals_file(run, t, made=age), predictions_file(run, t), params=run.params)
    from_panels = history_of(run).day(t)
    assert same(from_files, from_panels)
    assert decide(CASH, from_files, run.params).hash == decide(CASH, from_panels, run.params).hash


def test_without_a_model_in_use_nothing_is_predicted():
    run = writable(random_run(1))
    market, signals = run.market.asof(run.market.sessions[60]), signals_file(run, 60, made=0)
    for predictions in (None, predictions_file(run, 60, version="none")):
        day = day_of(market, signals, predictions, params=run.params)
        assert np.isnan(day.names["percentile"]).all()
        assert not day.names["veto"].any()


def test_files_of_another_day_are_refused():
    run = writable(random_run(1))
    market, signals = run.market.asof(run.market.sessions[60]), signals_file(run, 60, made=0)
    with pytest.raises(InputError, match=r"predictions are of .*; predict again"):
        day_of(market, signals, predictions_file(run, 59), params=run.params)
    with pytest.raises(InputError, match="later than the market"):
        day_of(run.market.asof(run.market.sessions[50]), signals, None, params=run.params)


@pytest.mark.parametrize("how", CORRUPTIONS)
@pytest.mark.parametrize("t", [60, 110, 150])
def test_what_is_known_ignores_the_future(t, how):
    nonsense = history_of(RUN, corrupted(RUN.market, t, how))
    assert same(nonsense.day(t), HISTORY.day(t))


@pytest.mark.parametrize("t", [25, 90, 198])
def test_a_shorter_history_ends_with_the_same_day(t):
    market = RUN.market.asof(RUN.market.sessions[t])
    signals = replace(
        RUN.signals, **{name: getattr(RUN.signals, name).iloc[: t + 1] for name in RUN.signals.__dataclass_fields__}
    )
    assert same(
        history_of(replace(RUN, signals=signals, percentile=None, veto=None), market).day(t),
        history_of(replace(RUN, percentile=None, veto=None)).day(t),
    )


def test_the_order_of_tickers_does_not_matter():
    order = list(RUN.market.tickers)[::-1]
    panels = ("open", "high", "low", "close", "volume", "vwap", "member", "sector")
    market = replace(RUN.market, **{name: getattr(RUN.market, name)[order] for name in panels})
    assert all(same(history_of(RUN, market).day(t), HISTORY.day(t)) for t in (30, 100, 199))


def test_indicators_by_hand():
    market, name = RUN.market, HISTORY.tickers[3]
    row = HISTORY.day(100).table.loc[name]
    total = market.adj_close[name]
    assert row["momentum"] == total.iloc[100] / total.iloc[80] - 1
    lows = market.low[name].iloc[81:101] * market.split_factor[name].iloc[81:101]
    assert row["low"] == lows.min() / market.split_factor[name].iloc[100]
    assert np.isnan(HISTORY.day(18).table["low"]).all()


def test_a_gap_is_measured_over_split_dividend_and_days_without_trade():
    market = random_market(sessions=160)
    split = 160 // 3  # N000 splits 2:1 there; nothing trades the session before
    bars = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "volume", "vwap")}
    for panel in bars.values():
        panel.iloc[split - 1, 0] = np.nan
    signals = random_signals(market, np.random.default_rng(0))
    gaps = history(replace(market, **bars), signals, params=ExecutorParams()).names["gap"]
    close, opened = bars["close"]["N000"], bars["open"]["N000"]
    assert gaps[split, 0] == pytest.approx(2 * opened.iloc[split] / close.iloc[split - 2] - 1)
    assert np.isnan(gaps[split - 1, 0])
    paid = market.sessions.get_loc(market.actions.loc[market.actions["kind"] == "dividend", "date"].iloc[0])
    close, opened = bars["close"]["N001"], bars["open"]["N001"]
    factor = 1 + 0.5 / close.iloc[paid]  # reinvested at that close
    assert gaps[paid, 1] == pytest.approx(factor * opened.iloc[paid] / close.iloc[paid - 1] - 1)


def test_value_traded_volatility_and_unbroken_returns_by_hand():
    close = HISTORY.names["close"]
    name = int(np.isnan(close).any(axis=0).argmax())
    assert np.isnan(close[:, name]).any()
    ticker, row = HISTORY.tickers[name], HISTORY.names[:, name]
    market = RUN.market
    traded = (market.close * market.volume)[ticker].iloc[81:101].dropna()
    returns = (market.adj_close / market.adj_close.shift(1) - 1)[ticker]
    assert row["adv"][100] == pytest.approx(traded.mean())
    assert row["volatility"][100] == pytest.approx(returns.iloc[81:101].dropna().std())
    broken = returns.isna().to_numpy()
    for t in range(0, 200, 7):
        assert row["unbroken"][t] == (0 if broken[t] else np.argmax(broken[t::-1]))


def test_a_share_counts_its_last_close_in_units_of_the_day():
    market, split = random_market(sessions=160), 160 // 3  # N000 splits 2:1 there
    bars = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "volume", "vwap")}
    for panel in bars.values():
        panel.iloc[split : split + 3, 0] = np.nan
    signals = random_signals(market, np.random.default_rng(0))
    marks = history(replace(market, **bars), signals, params=ExecutorParams()).names["mark"][:, 0]
    assert marks[split + 1] == pytest.approx(market.close["N000"].iloc[split - 1] / 2)


def test_the_next_report_counts_from_when_it_was_announced():
    report = RUN.market.earnings.iloc[0]
    announced, on = (RUN.market.sessions.get_loc(report[field]) for field in ("scheduled", "date"))
    waits = HISTORY.names["report_in"][:, HISTORY.tickers.get_loc(report["ticker"])]
    assert waits[announced - 1] == 0
    assert waits[announced] == on - announced
    assert waits[on - 1] == 1
    assert waits[on] == 0


def test_a_late_etf_gives_no_veto_before_it_exists():
    late = RUN.market.benchmarks.astype(float).copy()
    late.loc[late.index[:50], "XLC"] = np.nan
    table = history_of(RUN, replace(RUN.market, benchmarks=late)).day(60).table
    assert table.loc[table["sector"] == 0, "sector_momentum"].isna().all()
    assert table.loc[table["sector"] == 1, "sector_momentum"].notna().all()


def test_arrays_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        HISTORY.day(50).names["score"][0] = 99.0


def test_a_session_is_found_by_date_or_row():
    assert same(HISTORY.day(50), HISTORY.day(f"{HISTORY.sessions[50]:%Y-%m-%d}"))
    with pytest.raises(SessionError, match="is not a session of this history, which runs from 2019-01-02"):
        HISTORY.day("2030-01-02")


def test_signals_of_unknown_names_are_an_error():
    score = RUN.signals.score.rename(columns={RUN.market.tickers[0]: "XXXX"})
    with pytest.raises(InputError, match="score has 1 label\\(s\\) that the market has not, XXXX first"):
        history_of(replace(RUN, signals=replace(RUN.signals, score=score)))


def test_a_missing_veto_is_not_taken_for_one():
    with pytest.raises(InputError, match="veto has missing values; where there is none it says False"):
        history_of(replace(RUN, veto=RUN.veto.iloc[100:].reindex(RUN.market.sessions)))


def test_predictions_may_start_late():
    late = replace(RUN, percentile=RUN.percentile.iloc[100:], veto=None)
    known = history_of(late)
    assert np.isnan(known.day(99).names["percentile"]).all()
    assert np.isfinite(known.day(100).names["percentile"]).any()


@pytest.mark.parametrize(
    ("panel", "value", "message"),
    [
        ("score", 101.0, "score must be from 0 to 100, got 101 for N000 on"),
        ("signal", 9, "signal must be from 0 to 4, got 9 for N000"),
        ("conviction", 300, "conviction must be from 0 to 2, got 300"),  # 44 in eight bits
        ("sector_rating", 2, "sector_rating must be from -1 to 1, got 2 for Communication Services on"),
        ("regime", 4, "regime must be from 0 to 3, got 4 for regime on"),
        ("age", -2, "age must be from -1 to inf, got -2"),
    ],
)
def test_an_opinion_that_cannot_be_is_refused(panel, value, message):
    wrong = replace(RUN.signals, **{panel: getattr(RUN.signals, panel).astype(float) * 0 + value})
    with pytest.raises(InputError, match=message):
        history(RUN.market, wrong, params=RUN.params)


def test_percents_are_no_percentiles():
    with pytest.raises(InputError, match="percentile must be from 0 to 1, got 55 for N000 on 2019-01-02"):
        history(RUN.market, RUN.signals, percentile=RUN.market.close * 0 + 55.0, params=RUN.params)


def test_a_label_twice_and_a_regime_that_is_missing_are_refused():
    score, regime = RUN.signals.score, RUN.signals.regime
    for doubled in (pd.concat([score, score.iloc[:1]]), pd.concat([score, score[["N000"]]], axis=1)):
        with pytest.raises(InputError, match=r"score has (N000|2019-01-02 00:00:00) more than once"):
            history(RUN.market, replace(RUN.signals, score=doubled), params=RUN.params)
    with pytest.raises(InputError, match="regime has missing values; where there is none it says"):
        history(RUN.market, replace(RUN.signals, regime=regime * np.nan), params=RUN.params)
