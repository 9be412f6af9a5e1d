"""Defects of the seed's trading within the session."""

import pandas as pd

from alphalib.decision import Portfolio, Position
from tests.backtest.runs import rehearsed


def test_d08_a_profit_is_taken_once_whatever_is_polled_after():
    """109 is above the target of 100.1 × 1.08 in 290 minutes of one session and in all of the next but one."""
    trades = rehearsed({5: {100: 109.0}, 7: {0: 109.0}}, sector_veto_pct=0.0).backtest().trades
    assert trades["reason"].tolist() == ["entry", "intraday_profit", "research_exit"]
    assert trades["shares"].tolist() == [50, 25, 25]


def test_d08_what_was_done_and_the_high_water_mark_survive_the_night():
    day = pd.Timestamp("2024-03-08")
    position = Position("AAA", 25, 100.1, pd.Timestamp("2024-03-01"), 109.0, intraday_profit_taken=True)
    book = Portfolio(cash=1000.0, nav_peak=5000.0, positions=(position,))
    assert Portfolio.of_file(book.to_file(day, nav=4000.0)).positions == (position,)
    older = book.to_file(day, nav=4000.0).model_dump(mode="json")
    del older["positions"][0]["intraday_profit_taken"]
    read = Portfolio.of_file(type(book.to_file(day, nav=4000.0)).model_validate(older))
    assert not read.positions[0].intraday_profit_taken
