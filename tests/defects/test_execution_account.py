"""The account after a session."""

import pytest

from alphalib.contracts.account import AccountDay
from alphalib.execute.account.attribution import Standing, attributed, by_sector
from alphalib.execute.actions import Actions

HELD = Standing(100_000.0, 0.0, 0.0, {"OLD": 1000, "NEW": 1000}, {"OLD": 80.0, "NEW": 20.0})
COSTS = {"OLD": 10.0, "NEW": 20.0}
SECTORS = {"OLD": "Energy", "NEW": "Utilities"}
NOTHING = Actions({}, {})


def test_d13_a_day_is_attributed_by_its_change_and_not_by_the_unrealised_total():
    # OLD gained 70,000 since it was bought and lost 1,000 today; NEW gained 500 today.
    end = Standing(99_500.0, 0.0, 0.0, HELD.shares, {"OLD": 79.0, "NEW": 20.5})
    day = attributed(HELD, end, [], costs=COSTS, sectors=SECTORS, actions=NOTHING)
    assert {ticker: name.day for ticker, name in day.names.items()} == pytest.approx({"OLD": -1000.0, "NEW": 500.0})
    assert day.names["OLD"].unrealized == pytest.approx(69_000.0)
    contributions = {sector: row[1] for sector, row in by_sector(day.names, end.nav).items()}
    assert contributions == pytest.approx({"Energy": -1000 / 99_500, "Utilities": 500 / 99_500})
    assert day.unattributed == pytest.approx(0.0)


@pytest.mark.parametrize("lost", [1_100.0, -1_100.0])
def test_d13_more_than_a_hundredth_unattributed_cannot_pass_unflagged(lost):
    end = Standing(100_000.0 + lost, 0.0, 0.0, HELD.shares, HELD.prices)
    day = attributed(HELD, end, [], costs=COSTS, sectors=SECTORS, actions=NOTHING)
    row = {
        "date": "2024-03-08",
        "portfolio_nav": end.nav,
        "total_cash": 0.0,
        "unrealized_pnl": 0.0,
        "realized_pnl": 0.0,
        "nav_change_usd": day.change,
        "position_pnl_usd": day.total("held"),
        "interest_usd": day.interest,
        "dividend_usd": 0.0,
        "unattributed_usd": day.unattributed,
        "unattributed_residual_pct": 100 * day.unattributed / end.nav,
        "created_at": "",
        "trade_pnl_usd": 0.0,
        "commission_usd": 0.0,
    }
    assert day.unattributed == pytest.approx(lost)
    with pytest.raises(ValueError, match="is unattributed and the row is not flagged"):
        AccountDay(**row)
    assert AccountDay(**row, flagged=True).flagged
    with pytest.raises(ValueError, match="the parts of the day make"):
        AccountDay(**row | {"interest_usd": 5.0}, flagged=True)
