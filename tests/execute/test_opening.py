import pandas as pd
import pytest

from alphalib.contracts import PlanRecord
from alphalib.errors import ContractError, InputError
from alphalib.execute.opening import opening
from alphalib.store import Store, content_hash
from tests.execute import morning

DAY = pd.Timestamp(morning.HALF_DAY)


@pytest.fixture
def store(tmp_path):
    bus = Store(tmp_path)
    book = morning.book(morning.HALF_DAY, entries=[morning.entry("AAA", 10, 100.0)])
    bus.write(book.at(), book)
    return bus


def test_a_first_morning_has_a_book_and_no_portfolio(store):
    found = opening(store, store, DAY)
    assert [entry.ticker for entry in found.book.approved_entries] == ["AAA"]
    assert found.portfolio is None
    assert found.marks == {"AAA": 100.0}


def test_the_portfolio_is_that_of_the_close_before(store):
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    assert opening(store, store, DAY).portfolio == file


def test_an_older_portfolio_is_refused(store):
    file = morning.portfolio("2026-11-25", {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    with pytest.raises(ContractError, match=r"1 session.s. before 2026-11-25; at most 0 old is accepted"):
        opening(store, store, DAY)


def test_a_portfolio_that_lacks_what_the_book_guards_is_refused(store):
    """Its stops would be cancelled as stops of nothing."""
    book = morning.book(
        morning.HALF_DAY, stops=[morning.stop("BBB", 5, 18.0, cost=20.0)], exits=[morning.sale("CCC", 1)]
    )
    store.write(book.at(), book)
    with pytest.raises(
        ContractError, match=r"portfolio/2026-11-25.json: .*\n.*is not there, and order_book/2026-11-27"
    ):
        opening(store, store, DAY)
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    with pytest.raises(ContractError, match=r"does not hold CCC, which order_book/2026-11-27.json guards or sells"):
        opening(store, store, DAY)


def test_a_session_that_was_not_planned_says_what_to_run(store):
    with pytest.raises(
        InputError, match=r"2026-11-30.json is not in the store .* `python -m alphalib.pipeline weekday`"
    ):
        opening(store, store, pd.Timestamp("2026-11-30"))


def test_whoever_only_sells_needs_no_plan(store):
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    found = opening(store, store, pd.Timestamp("2026-11-30"), or_empty=True)
    assert found.portfolio == file, "an older one will do"
    assert found.book.approved_entries == []
    assert found.book.notes == ["no entries: nothing was planned"]


def test_a_torn_book_is_refused_but_not_to_whoever_only_sells(store):
    path = f"order_book/{morning.HALF_DAY}.json"
    store.write_bytes(path, store.read_bytes(path)[:200])
    with pytest.raises(ContractError, match="not readable as JSON"):
        opening(store, store, DAY)
    assert opening(store, store, DAY, or_empty=True).book.approved_entries == []


def test_a_book_of_another_day_under_this_ones_name_is_refused(store):
    path = f"order_book/{morning.HALF_DAY}.json"
    store.write_bytes("order_book/2026-11-30.json", store.read_bytes(path))
    with pytest.raises(ContractError, match="is the book of 2026-11-27"):
        opening(store, store, pd.Timestamp("2026-11-30"))


def test_a_book_that_was_changed_by_hand_is_refused(store):
    """The plan's record has the hash of the book that was decided."""
    path = f"order_book/{morning.HALF_DAY}.json"
    record = PlanRecord(
        date=morning.HALF_DAY,
        decided_on="2026-11-25",
        members="by date",
        data_hash="0",
        files={"order_book.json": content_hash(store.read_bytes(path))},
    )
    store.write(record.at(), record)
    store.write_bytes(path, store.read_bytes(path).replace(b'"shares": 10,', b'"shares": 9999,'))
    with pytest.raises(ContractError, match="is not the book that was archived with its inputs: plan again"):
        opening(store, store, DAY)


def test_what_splits_overnight_is_planned_in_the_shares_and_prices_of_the_session(store):
    """3 for 2: 5 shares at 30 become 7 at 20 and half of one; docs/rules.md, "A simulated session", step 1."""
    book = morning.book(
        morning.HALF_DAY,
        entries=[morning.entry("AAA", 10, 90.0, atr=3.0)],
        exits=[morning.sale("CCC", 3, signal="REDUCE"), morning.sale("DDD", 1)],
        stops=[morning.stop("BBB", 5, 27.0, cost=30.0, atr=1.5)],
    )
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 30.0), "CCC": (9, 9.0), "DDD": (1, 1.0)})
    actions = pd.DataFrame(
        [
            (DAY, ticker, "split", ratio, "")
            for ticker, ratio in (("AAA", 1.5), ("BBB", 1.5), ("CCC", 1.5), ("DDD", 0.1))
        ],
        columns=["date", "ticker", "kind", "value", "detail"],
    )
    store.write(book.at(), book)
    store.write(file.at(), file)
    store.write_table("actions/actions.parquet", actions)
    found = opening(store, store, DAY)
    (entry,), (sale,), (stop,) = found.book.approved_entries, found.book.urgent_exits, found.book.active_stops
    assert found.portfolio is not None
    held, other = found.portfolio.positions
    assert (entry.shares, entry.current_price, entry.atr_value) == (15, 60.0, 2.0)
    assert (sale.ticker, sale.shares) == ("CCC", 4)  # 4.5
    assert (stop.shares, stop.current_stop, stop.trail_atr, stop.entry_price, stop.high_water) == (
        7,
        18.0,
        1.0,
        20.0,
        20.0,
    )
    assert (held.ticker, held.shares, held.entry_price, held.high_water) == ("BBB", 7, 20.0, 20.0)
    assert (other.ticker, other.shares, other.entry_price) == ("CCC", 13, 6.0)
    assert found.marks == {"AAA": 60.0}


def test_splits_of_other_sessions_change_nothing(store):
    before, after = DAY - pd.Timedelta(days=2), DAY + pd.Timedelta(days=3)
    rows = [(day, "AAA", "split", 2.0, "") for day in (before, after)] + [(DAY, "AAA", "dividend", 2.0, "")]
    actions = pd.DataFrame(rows, columns=["date", "ticker", "kind", "value", "detail"])
    store.write_table("actions/actions.parquet", actions)
    (entry,) = opening(store, store, DAY).book.approved_entries
    assert (entry.shares, entry.current_price) == (10, 100.0)
