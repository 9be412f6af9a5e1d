"""What holds at the venue whatever is asked of it and wherever the market goes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.gateway.ledger import Charged, Executed, Refused, Stated
from alphalib.gateway.orders import Order, Status
from alphalib.gateway.playback import Bar, prints
from tests.gateway.stage import ACCOUNT, BBB, OPEN, Stage, at

price = st.integers(9_000, 11_000).map(lambda cents: cents / 100)
bars = st.tuples(price, price, price, price)
shares = st.integers(1, 300)


@dataclass
class Day:
    """Minutes of one name, what is done when, and how the venue is set up."""

    minutes: list[tuple[float, float, float, float]]
    acts: list[tuple[float, str, tuple[Any, ...]]]
    options: dict[str, Any]


def act(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[float, str, tuple[Any, ...]]]:
    return st.tuples(st.integers(-60, 400), st.just(name), st.tuples(*arguments))


number = st.integers(1, 8)
ACTS = st.one_of(
    act("bracket", shares, price, st.sampled_from(["STP", "TRAIL", "LMT"])),
    act("single", st.sampled_from(["BUY", "SELL"]), shares, st.sampled_from(["MKT", "LMT", "STP", "TRAIL"]), price),
    act("pair", shares, price, price, st.integers(1, 3)),
    act("half", shares),
    act("change", number, shares, price),
    act("cancel", number),
    act("ration", number, shares),
    act("correct", number, st.one_of(st.none(), price), st.integers(0, 1)),
    act("halt"),
    act("resume"),
    act("reject", number),
    act("leave"),
    act("restart", st.integers(0, 3)),
    act("cancel_all"),
)
DAYS = st.builds(
    Day,
    st.lists(bars, min_size=1, max_size=6),
    st.lists(ACTS, max_size=12).map(lambda acts: sorted(acts, key=lambda each: each[0])),
    st.fixed_dictionaries(
        {
            "max_fill": st.sampled_from([None, 70]),
            "active_on_partial": st.booleans(),
            "cancel_latency": st.sampled_from([0.0, 3.0]),
            "latency": st.sampled_from([0.0, 1.0, 25.0]),
        }
    ),
)


def lived(day: Day) -> Stage:
    """The day as it went, to its close."""
    stage = Stage(opened=False, **day.options)
    path = [
        each
        for place, (first, second, third, last) in enumerate(day.minutes)
        for each in prints("AAA", bar_of(place, (first, second, third, last)))
    ]
    steps = [(each.at, 2, each) for each in path] + [
        (at(seconds), 1, (name, given)) for seconds, name, given in day.acts
    ]
    steps += [(OPEN, 0, None)]
    for now, kind, what in sorted(steps, key=lambda step: step[:2]):
        if kind == 0:
            stage.venue.open_session(now)
        elif kind == 1:
            do(stage, now, *what)
        else:
            stage.venue.print_(what)
    stage.venue.close_session(at(60.0 * max(len(day.minutes), 7)))
    return stage


def bar_of(place: int, path: tuple[float, ...]) -> Bar:
    return Bar(at(60.0 * place), path[0], max(path), min(path), path[-1], 1000.0)


def do(stage: Stage, now: Any, name: str, given: tuple[Any, ...]) -> None:
    """One act of client 1, or of fate."""
    venue = stage.venue
    seconds = (now - OPEN).total_seconds()
    fresh = venue.next_id(1)
    match name, given:
        case "bracket", (quantity, level, kind):
            stage.place(fresh, "BUY", quantity, "MKT", transmit=False, now=seconds)
            fields = {"limit": level} if kind == "LMT" else {"aux": level if kind == "STP" else 1.5}
            stage.place(fresh + 1, "SELL", quantity, kind, parent_id=fresh, tif="GTC", now=seconds, **fields)
        case "single", (action, quantity, kind, level):
            stage.place(fresh, action, quantity, kind, limit=level, aux=level, tif="GTC", now=seconds)
        case "pair", (quantity, low, high, oca_type):
            group = {"oca_group": f"g{fresh}", "oca_type": oca_type, "now": seconds}
            stage.place(fresh, "SELL", quantity, "STP", aux=low, **group)
            stage.place(fresh + 1, "SELL", quantity, "LMT", limit=high, **group)
        case "half", (quantity,):
            stage.place(fresh, "BUY", quantity, "MKT", transmit=False, now=seconds)
        case "change", (which, quantity, level):
            if old := picked(stage, which):
                kind, action = old.kind, old.action
                number = old.order_id
                stage.place(
                    number, action, quantity, kind, limit=level, aux=level, parent_id=old.parent_id, now=seconds
                )
        case "cancel", (which,):
            stage.cancel(which, seconds)
        case "ration", (which, most):
            if old := picked(stage, which):
                venue.ration(old.perm_id, most)
        case "correct", (which, level, fewer):
            if filled := venue.executions():
                done, _ = filled[which % len(filled)]
                venue.correct(done.exec_id, now, price=level, shares=done.shares - min(fewer, done.shares - 1))
        case "reject", (which,):
            if old := picked(stage, which):
                venue.reject(old.perm_id, now)
        case "halt", ():
            venue.halt("AAA", now)
        case "resume", ():
            venue.resume("AAA", now)
        case "leave", ():
            venue.drop_untransmitted(1)
        case "restart", (lower,):
            venue.restart(now, roll_back=lower)
        case "cancel_all", ():
            venue.cancel_all(now)


def picked(stage: Stage, which: int) -> Order | None:
    """One of the orders that client 1 has sent."""
    return stage.venue.order(1, 1 + which % max(stage.venue.next_id(1) - 1, 1))


many = settings(max_examples=200, deadline=None)


@many
@given(DAYS)
def test_cash_and_positions_are_what_was_traded_less_its_costs(day):
    stage = lived(day)
    ledger = stage.venue.ledger
    done = ledger.executions().values()
    paid = sum(each.signed * each.price for each in done) + sum(ledger.commissions().values())
    assert stage.venue.cash[ACCOUNT] == pytest.approx(100_000.0 - paid, abs=1e-6)
    assert stage.held == sum(each.signed for each in done)
    assert ledger.positions_at(ACCOUNT).get("AAA", 0.0) == stage.held
    last = stage.venue.last("AAA") or 0.0
    assert stage.venue.nav(ACCOUNT) == pytest.approx(100_000.0 - paid + stage.held * last, abs=1e-6)


@many
@given(DAYS)
def test_a_fill_lies_within_its_bar(day):
    for entry in lived(day).venue.ledger.entries:
        if isinstance(entry, Executed) and entry.exec_id.endswith(".01"):
            seconds = (entry.at - OPEN).total_seconds()
            place = min(int(seconds // 60), len(day.minutes) - 1)
            near = day.minutes[max(place - (seconds < 60 * place + 0.5), 0)]
            assert min(near) <= entry.price <= max(near)


@many
@given(DAYS)
def test_children_never_sell_what_their_parent_has_not_bought(day):
    ledger = lived(day).venue.ledger
    filled: dict[int, dict[str, float]] = defaultdict(dict)
    states: dict[int, Stated] = {}
    parents = bracket_parents(ledger.entries)
    for entry in ledger.entries:
        if isinstance(entry, Stated):
            states[entry.perm_id] = entry
        if isinstance(entry, Executed):
            most = max(entry.shares, filled[entry.perm_id].get(entry.root, 0.0))
            parent = parents.get(entry.perm_id)
            filled[entry.perm_id][entry.root] = most if parent is None else entry.shares
            if entry.exec_id.endswith(".01") and parent is not None and states[parent].status is not Status.FILLED:
                assert day.options["active_on_partial"]
                assert sum(filled[entry.perm_id].values()) <= sum(filled[parent].values())


def bracket_parents(entries: tuple[Any, ...]) -> dict[int, int]:
    """Of each order that ever waited for another: the one placed just before it."""
    return {
        entry.perm_id: entry.perm_id - 1
        for entry in entries
        if isinstance(entry, Stated) and entry.held_for.startswith("child")
    }


@many
@given(DAYS)
def test_one_of_an_oca_group_fills(day):
    stage = lived(day)
    for first, second in itertools.pairwise(stage.venue.orders() + stage.venue.completed()):
        if first.oca_group and first.oca_group == second.oca_group:
            assert not (first.filled and second.filled) or first.oca_type != 1
            assert Status.FILLED not in (first.status, second.status) or first.status is not second.status


@many
@given(DAYS)
def test_what_is_over_stays_over_and_no_order_fills_beyond_its_size(day):
    over: dict[int, Status] = {}
    for entry in lived(day).venue.ledger.entries:
        if isinstance(entry, Stated):
            assert 0 <= entry.filled <= entry.quantity
            assert 0 <= entry.working <= entry.quantity - entry.filled
            assert over.get(entry.perm_id, entry.status) is entry.status
            if entry.status.over:
                over[entry.perm_id] = entry.status
                assert entry.working == 0


@many
@given(DAYS)
def test_the_same_calls_make_the_same_ledger(day):
    first, second = lived(day), lived(day)
    assert first.venue.ledger.entries == second.venue.ledger.entries
    assert first.heard() == second.heard()


@many
@given(DAYS)
def test_time_in_the_ledger_never_runs_backwards_and_each_fill_is_charged(day):
    entries = lived(day).venue.ledger.entries
    assert all(before.at <= after.at for before, after in itertools.pairwise(entries))
    filled = [entry.exec_id for entry in entries if isinstance(entry, Executed)]
    charged = [entry.exec_id for entry in entries if isinstance(entry, Charged)]
    assert filled == charged
    assert len(set(filled)) == len(filled)
    assert all(entry.commission >= 0 for entry in entries if isinstance(entry, Charged))


def test_the_random_days_reach_what_they_are_for():
    """Else the properties above would hold of nothing."""
    seen: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(DAYS)
    def look(day):
        for entry in lived(day).venue.ledger.entries:
            match entry:
                case Stated():
                    seen.update([entry.status.value, entry.held_for])
                    seen.update(["partly"] if 0 < entry.filled < entry.quantity else [])
                case Refused():
                    seen.add(str(entry.code))
                case Executed():
                    seen.add(f"{entry.action} {entry.exec_id[-2:]}")

    look()
    wanted = {*(state.value for state in Status), "child,trigger", "child", "trigger", "partly", "BUY 01", "SELL 01"}
    wanted |= {"BUY 02", "202", "399", "104", "10147", "10148"}
    assert wanted <= seen


def test_names_do_not_touch_each_other():
    stage = Stage()
    stage.place(1, "SELL", 100, "STP", aux=95.0)
    stage.place(2, "SELL", 100, "STP", aux=95.0, contract=BBB)
    stage.prints(0.5, 94.0, opens=True, symbol="BBB")
    assert (stage.status(1), stage.status(2)) == (Status.PRE_SUBMITTED, Status.FILLED)
