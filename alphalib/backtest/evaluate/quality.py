"""Signal quality: how often what research liked beat SPY, and by how much, against what all scored names did.

A name's return runs from the close of t+1 to that of t+1+horizon, at the horizon and not on the day the job ran. Fewer
than half of all names beat an index that the largest carry, so every rate stands beside the rate of all names scored on
the same dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from alphalib.evidence.events import event_means, with_q
from alphalib.labels import return_over_spy
from alphalib.market import SECTORS, Market
from alphalib.scores import RegimeCode, SignalCode, SignalPanels

HORIZONS = (5, 10, 21, 30)
"""As the seed looked: 5 and 21 sessions later on, 10 and 30 at first. [sessions]"""

BUCKETS = (0.0, 40.0, 60.0, 70.0, 80.0, 90.0)
"""Lower edges of the score buckets. [0–100]"""


def signal_events(signals: SignalPanels, market: Market, *, horizon: int) -> pd.DataFrame:
    """Every name that was scored on a date when signals were made, with what came after.

    Parameters
    ----------
    signals : SignalPanels
        Only sessions of age 0 count: a signal carried on is not another signal.
    market : Market
        With SPY among its benchmarks.
    horizon : int
        [sessions]

    Returns
    -------
    DataFrame
        `date, ticker, signal, score, regime, sector`; `excess` the return over SPY's [fraction], `beat` whether it is
        above 0, `lift` and `edge` the same two less their mean over the date's names. Names without an outcome are
        left out.

    Raises
    ------
    InputError
        When the market has no SPY.
    """
    made = signals.score.index[(signals.age == 0).to_numpy()]
    after = return_over_spy(market, horizon=horizon)
    long = pd.DataFrame(
        {
            "score": _stacked(signals.score, made),
            "excess": _stacked(after.reindex(columns=signals.score.columns), made),
            "signal": _stacked(signals.signal, made),
            "sector": _stacked(market.sector.reindex(columns=signals.score.columns), made),
        }
    )
    events = long[long["score"].notna() & long["excess"].notna()].reset_index()
    events["regime"] = signals.regime.reindex(events["date"]).to_numpy()
    events["beat"] = (events["excess"] > 0).astype(float)
    by_date = events.groupby("date")
    events["lift"] = events["beat"] - by_date["beat"].transform("mean")
    events["edge"] = events["excess"] - by_date["excess"].transform("mean")
    return events


def signal_quality(
    signals: SignalPanels,
    market: Market,
    *,
    horizons: Sequence[int] = HORIZONS,
    rng: np.random.Generator,
    draws: int = 1000,
) -> pd.DataFrame:
    """Hit rate against SPY at each horizon: of the names to enter, by regime and sector, and by bucket of the score.

    Parameters
    ----------
    signals, market
        As in `signal_events`.
    horizons : sequence of int
        [sessions]
    rng : Generator
        Randomness of the intervals.
    draws : int
        Resamples.

    Returns
    -------
    DataFrame
        `of` (enter, score, regime, sector), `group`, `horizon`, `events`, `dates`; `hit_rate` with `low` and `high`;
        `all_names`, the hit rate of every name scored on the same dates; `lift` between the two with its ends;
        `excess` a name over SPY [fraction] with its ends; `p` of the lift, and `q`, adjusted for all rows. Groups
        without an event are not there.
    """
    dates = pd.DatetimeIndex(signals.score.index[(signals.age == 0).to_numpy()])
    rows = []
    for horizon in horizons:
        events = signal_events(signals, market, horizon=horizon)
        block = blocks_for(dates, horizon=horizon)
        for of, group, chosen in _groups(events):
            if len(chosen):
                means = event_means(chosen, ["beat", "lift", "excess"], dates=dates, block=block, rng=rng, draws=draws)
                rows.append({"of": of, "group": group, "horizon": horizon, **_row(means)})
    columns = ["of", "group", "horizon", *_ROW]
    return with_q(pd.DataFrame(rows, columns=columns))


def blocks_for(dates: pd.DatetimeIndex, *, horizon: int) -> int:
    """Neighbouring dates to draw together so that a block is twice as long as an outcome. [dates]"""
    if len(dates) < 2:
        return 1
    spacing = float(np.median(np.busday_count(*_days(dates))))
    return max(int(np.ceil(2 * (1 + horizon) / max(spacing, 1.0))), 1)


_ROW = [
    "events", "dates", "hit_rate", "low", "high", "all_names", "lift", "lift_low", "lift_high", "excess", "excess_low",
    "excess_high", "p",
]  # fmt: skip


def _row(means: pd.DataFrame) -> dict[str, float]:
    beat, lift, excess = (means.loc[name] for name in ("beat", "lift", "excess"))
    values = [
        int(beat["events"]), int(beat["dates"]), beat["mean"], beat["low"], beat["high"], beat["mean"] - lift["mean"],
        lift["mean"], lift["low"], lift["high"], excess["mean"], excess["low"], excess["high"], lift["p"],
    ]  # fmt: skip
    return dict(zip(_ROW, values, strict=True))


def _groups(events: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    entered = events[events["signal"] == SignalCode.ENTER]
    yield "enter", "all", entered
    edges = [*BUCKETS, 100.0]
    bucket = np.searchsorted(BUCKETS, events["score"].to_numpy(), side="right") - 1
    for place in range(len(BUCKETS)):
        yield "score", f"{edges[place]:g}–{edges[place + 1]:g}", events[bucket == place]
    for code in RegimeCode:
        yield "regime", code.name.lower(), entered[entered["regime"] == code]
    for place, name in enumerate(SECTORS):
        yield "sector", name, entered[entered["sector"] == place]


def _stacked(panel: pd.DataFrame, dates: pd.Index) -> pd.Series:
    index = pd.MultiIndex.from_product([dates, panel.columns], names=["date", "ticker"])
    return pd.Series(panel.loc[dates].to_numpy().ravel(), index=index)


def _days(dates: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    days = dates.to_numpy().astype("datetime64[D]")
    return days[:-1], days[1:]
