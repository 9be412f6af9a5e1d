"""The order book: what a person reads and the daemon trades."""

import pytest

from alphalib.contracts import OrderBook, PortfolioFile, Prediction, Predictions
from alphalib.decision import Portfolio, decide, order_book
from alphalib.decision.explain import reason
from alphalib.decision.shapes import Rule
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.scores import RegimeCode, SignalCode
from alphalib.store import checked
from tests.decision.days import DATE, PARAMS, day_of_names, held, portfolio

DAY = day_of_names(
    {"rating": 1, "report_in": 3},
    {"momentum": -0.06},
    {"signal": SignalCode.REDUCE},
    {"signal": SignalCode.EXIT},
    {"atr": 60.0},
)
HELD = portfolio(held("C", shares=10), held("D", shares=20), held("E", shares=7))
DECISION = decide(HELD, DAY, PARAMS)
BOOK = order_book(DECISION, DAY, HELD, PARAMS, inputs={"signals/2024-03-08/signals.json": "abc"}, notes=["a note"])


def test_a_book_is_for_the_next_session_and_passes_its_own_contract():
    assert (BOOK.date, BOOK.decided_on) == ("2024-03-11", "2024-03-08")
    assert checked(BOOK.model_dump(mode="json"), OrderBook, name="book") == BOOK
    assert BOOK.decision_hash == DECISION.hash
    assert BOOK.inputs == {"signals/2024-03-08/signals.json": "abc"}


def test_an_entry_shows_every_factor_and_the_cap_that_bound():
    entry = BOOK.approved_entries[0]
    # min(0.05 × 1.05, 0.05) × 0.5 of a NAV of 93,700 is 2,342.50: 23 shares of 100
    assert (entry.ticker, entry.shares, entry.dollar_size) == ("A", 23, 2300.0)
    assert entry.position_pct == pytest.approx(2300 / 93_700)
    assert entry.bound_by == "position_cap"
    assert entry.sizing_factors["sector_tilt"] == 1.05
    assert entry.sizing_factors["earnings_scaler"] == 0.5
    assert (entry.sector, entry.sector_rating, entry.market_regime) == (
        "Communication Services",
        "overweight",
        "neutral",
    )


def test_triggers_come_from_the_parameters_and_the_low():
    triggers = BOOK.approved_entries[0].triggers
    assert triggers.support_level == pytest.approx(95 * 1.01)
    assert triggers.support_floor == 95
    assert (triggers.pullback_pct, triggers.vwap_discount, triggers.expiry_minutes_before_close) == (0.02, 0.005, 30)


def test_sales_and_refusals_say_why_in_words():
    assert [(e.ticker, e.signal, e.shares, e.reason) for e in BOOK.urgent_exits] == [
        ("C", "REDUCE", 5, "research_reduce"),
        ("D", "EXIT", 20, "research_exit"),
    ]
    blocked = BOOK.blocked[0]
    assert (blocked.ticker, blocked.rule, blocked.value, blocked.limit) == ("B", "momentum_gate", -0.06, -0.05)
    assert blocked.detail == "20-session return -6.0% below -5.0%"


def test_stops_cover_what_is_left_and_an_impossible_one_is_a_note():
    assert [(stop.ticker, stop.shares, stop.current_stop) for stop in BOOK.active_stops] == [("C", 5, 95.0)]
    assert BOOK.notes == ["E has no stop: its range is wider than its price", "a note"]


def test_a_book_says_how_what_is_held_is_guarded():
    assert BOOK.intraday.model_dump() == {
        "intraday_trail_atr": 2.0,
        "intraday_tight_atr": 1.5,
        "intraday_tight_sessions": 3,
        "intraday_profit_pct": 0.08,
        "intraday_profit_fraction": 0.5,
        "intraday_collapse_pct": 0.05,
        "fallback_stop_pct": 0.10,
        "daily_loss_limit": 0.02,
    }
    taken = portfolio(held("C", shares=10, intraday_profit_taken=True))
    stops = order_book(decide(taken, DAY, PARAMS), DAY, taken, PARAMS).active_stops
    assert [(stop.ticker, stop.intraday_profit_taken) for stop in stops] == [("C", True)]


def test_a_book_from_before_there_were_exits_within_the_session_is_read():
    older = BOOK.model_dump(mode="json")
    del older["intraday"], older["active_stops"][0]["intraday_profit_taken"]
    book = checked(older, OrderBook, name="book")
    assert book.intraday is None
    assert book.active_stops == BOOK.active_stops


def test_a_halt_is_said_first():
    fallen = portfolio(held("C"), peak=200_000.0)
    book = order_book(decide(fallen, DAY, PARAMS), DAY, fallen, PARAMS)
    assert book.halted
    assert book.notes[0] == "no entries: halted after a drawdown, decision 1 of the halt"


@pytest.mark.parametrize(
    ("memory", "note"),
    [
        ({"killed": True}, "no entries: the kill switch is on"),
        ({"nav_before": 125_000.0}, "no entries: the book lost 20.0% in a session, the limit is 2.0%"),
    ],
)
def test_what_closes_the_whole_book_is_said_first(memory, note):
    start = portfolio(cash=100_000.0, **memory)
    assert order_book(decide(start, day_of_names({}), PARAMS), day_of_names({}), start, PARAMS).notes[0] == note


def test_predictions_are_shown_beside_the_entries():
    row = Prediction(
        ticker="A", predicted_direction="UP", prediction_confidence=0.8, predicted_alpha=0.01, combined_rank=1,
        gbm_veto=False,
    )  # fmt: skip
    made = Predictions(date="2024-03-08", model_version="v1", n_predictions=1, predictions=[row])
    entry = order_book(DECISION, DAY, HELD, PARAMS, predictions=made).approved_entries[0]
    assert (entry.predicted_direction, entry.prediction_confidence) == ("UP", 0.8)


def test_a_book_of_another_days_decision_is_refused():
    other = type(DAY)(**{**DAY.__dict__, "date": DATE.replace(day=7)})
    with pytest.raises(InputError, match="the decision is of 2024-03-08, the day is 2024-03-07"):
        order_book(DECISION, other, HELD, PARAMS)


SAID = {rule for rule in Rule if 0 < rule < Rule.ENTRY} - {Rule.POSITION_CAP} | {Rule.COLLAPSE, Rule.INTRADAY_PROFIT}


@pytest.mark.parametrize("rule", sorted(SAID))
def test_every_rule_has_words(rule):
    assert reason(rule.label, 1.0, 2.0)


def test_a_missing_score_is_said_so():
    assert reason("min_score", None, 70.0) == "no score"


def test_a_portfolio_survives_its_file():
    start = portfolio(
        held("C", shares=3, sessions=4, profit_taken=True, intraday_profit_taken=True),
        halted=2,
        tiers_fired=1,
        under_tier=7,
        rearmed=True,
        killed=True,
        nav_before=91_000.0,
        stopped=(("A", DATE), ("D", DATE)),
    )
    assert Portfolio.of_file(start.to_file(DATE, nav=90_300.0)) == start


def test_a_file_from_before_there_was_such_memory_is_read():
    file = portfolio(held("C")).to_file(DATE, nav=100_000.0).model_dump(mode="json")
    for later in ("decisions_under_tier", "killed", "nav_before", "stopped"):
        del file[later]
    del file["positions"][0]["intraday_profit_taken"]
    assert Portfolio.of_file(checked(file, PortfolioFile, name="portfolio")) == portfolio(held("C"))


def test_a_deposit_is_no_gain_and_a_withdrawal_no_drawdown():
    start = portfolio(held("A", shares=100), cash=90_000.0, peak=125_000.0, nav_before=101_000.0)  # NAV 100,000: −20 %
    for amount in (50_000.0, -50_000.0):
        after = start.with_flows(amount, nav=100_000.0)
        decision = decide(after, day_of_names({}, regime=RegimeCode.BULL), ExecutorParams())
        assert decision.nav == 100_000.0 + amount
        assert decision.drawdown == pytest.approx(-0.20)
        assert after.nav_before / decision.nav == pytest.approx(1.01)
