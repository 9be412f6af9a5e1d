"""When faults strike."""

import json
import math
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from alphalib.errors import InputError
from alphalib.gateway.faults import AT_A_MESSAGE, AT_A_TIME, NEEDS, Act, Fault, Script, read_faults

OPEN = datetime(2026, 3, 9, 13, 30, tzinfo=UTC)  # summer time


def test_times_are_of_new_york_or_seconds_from_the_open():
    script = Script([Fault(do="lost", at="09:45:30"), Fault(do="restored", at=60.0)], OPEN)
    assert script.due == datetime(2026, 3, 9, 13, 31, tzinfo=UTC)
    assert [fault.do for fault in script.timed(OPEN.replace(minute=31))] == [Act.RESTORED]
    assert script.due == datetime(2026, 3, 9, 13, 45, 30, tzinfo=UTC)
    assert script.timed(OPEN.replace(minute=45)) == []
    assert [fault.do for fault in script.timed(OPEN.replace(hour=15))] == [Act.LOST]
    assert script.due is None


def test_a_message_strikes_at_its_count_and_as_often_as_it_says():
    script = Script([Fault(do="drop", message="orderStatus", count=2, times=2)], OPEN)
    assert [len(script.struck("orderStatus")) for _ in range(5)] == [0, 1, 1, 0, 0]


def test_only_what_fits_is_counted():
    script = Script([Fault(do="reject", message="placeOrder", client=1, symbol="AAA", ref="-stop-")], OPEN)
    for other in (
        {"client": 2, "symbol": "AAA", "ref": "al-AAA-stop-1"},
        {"client": 1, "symbol": "BBB", "ref": "al-AAA-stop-1"},
        {"client": 1, "symbol": "AAA", "ref": "al-AAA-entry-1"},
    ):
        assert script.struck("placeOrder", **other) == []
    assert script.struck("cancelOrder", client=1, symbol="AAA", ref="al-AAA-stop-1") == []
    assert len(script.struck("placeOrder", client=1, symbol="AAA", ref="al-AAA-stop-1")) == 1


def test_two_faults_of_one_message_both_strike():
    script = Script(
        [Fault(do="delay", message="execDetails", seconds=3), Fault(do="double", message="execDetails")], OPEN
    )
    assert [fault.do for fault in script.struck("execDetails")] == ["delay", "double"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"do": "cut"}, "give one of `at` and `message`"),
        ({"do": "cut", "at": 1.0, "message": "openOrder"}, "give one of `at` and `message`"),
        ({"do": "drop", "message": "orderState"}, "no message is called 'orderState'; did you mean 'orderStatus'"),
        ({"do": "hold", "message": "openOrder", "until": "exec"}, "no message is called 'exec'"),
        ({"do": "double", "at": 5.0}, "double needs a message"),
        (
            {"do": "halt", "message": "placeOrder", "symbol": "AAA"},
            "halt cannot strike placeOrder; it happens at a time",
        ),
        (
            {"do": "warn", "message": "openOrder", "code": 399},
            "cannot strike openOrder; it strikes placeOrder or cancelOrder",
        ),
        ({"do": "no_end", "message": "openOrderEnd"}, "cannot strike openOrderEnd; it strikes requests"),
        ({"do": "lost", "at": "quarter to ten"}, "written \"09:45:30\", got 'quarter to ten'"),
        ({"do": "lost", "at": "09:45:30+01:00"}, "written \"09:45:30\", got '09:45:30\\+01:00'"),
        ({"do": "lost", "at": math.nan}, "finite number of seconds from the open, got nan"),
        ({"do": "silent", "at": 5.0, "seconds": math.inf}, "finite number"),
        ({"do": "partial", "message": "placeOrder", "shares": math.nan}, "finite number"),
        ({"do": "explode", "at": 5.0}, "Input should be"),
        ({"do": "lost", "at": 5.0, "secnds": 3}, "Extra inputs"),
    ],
)
def test_a_fault_that_makes_no_sense_says_so(fields, words):
    with pytest.raises(ValidationError, match=words):
        Fault(**fields)


@pytest.mark.parametrize("act", NEEDS)
def test_an_act_asks_for_the_field_it_cannot_do_without(act):
    place = {"at": 5.0} if act in AT_A_TIME else {"message": AT_A_MESSAGE[act][0]}
    with pytest.raises(ValidationError, match=f"{act} needs `{NEEDS[act]}`"):
        Fault(do=act, **place)


def test_every_act_has_its_place():
    assert AT_A_TIME | AT_A_MESSAGE.keys() == set(Act)


def test_a_script_is_read_from_a_file(tmp_path):
    path = tmp_path / "faults.json"
    faults = [Fault(do="restart", at="11:00", seconds=90, roll_back=4), Fault(do="accounts", at=0, accounts=("U1",))]
    path.write_text(json.dumps([fault.model_dump(exclude_defaults=True) for fault in faults]))
    assert list(read_faults(path)) == faults


def test_a_file_that_is_none_says_where(tmp_path):
    path = tmp_path / "faults.json"
    with pytest.raises(InputError, match=r"faults\.json: No such file"):
        read_faults(path)
    path.write_text('[{"do": "cut", "at": 1}, {"do": "drop", "message": "open"}]')
    with pytest.raises(InputError, match=r"no fault script:\n  - 1: .*no message is called 'open'"):
        read_faults(path)
    path.write_text("[{")
    with pytest.raises(InputError, match="Invalid JSON"):
        read_faults(path)
