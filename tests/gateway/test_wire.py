import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.gateway.wire import Frames, frame, number, reply, text, whole

FIELDS = st.lists(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))


def test_a_message_is_its_length_and_fields_that_end_in_nul():
    # nextValidId is message 9: "9" "1" "42", two, two and three bytes with their NULs
    assert reply("nextValidId", 1, 42) == b"\x00\x00\x00\x07" + b"9\x001\x0042\x00"


@pytest.mark.parametrize(
    ("field", "written"),
    [(None, ""), (True, "1"), (False, "0"), (100.0, "100"), (0.1, "0.1"), (7, "7"), ("x", "x"), (1e300, "1e+300")],
)
def test_a_field_is_text(field: object, written: str):
    assert text(field) == written


@pytest.mark.parametrize(
    ("said", "read"),
    [("", None), ("1.7976931348623157e+308", None), ("Infinite", None), ("nan", None), ("0.0", 0.0), ("95.5", 95.5)],
)
def test_a_number_that_is_not_set_is_none(said: str, read: float | None):
    assert number(said) == read


def test_a_count_that_is_not_set_is_zero():
    assert (whole(""), whole("12")) == (0, 12)


@given(messages=FIELDS, size=st.integers(1, 9))
def test_messages_are_the_same_however_the_bytes_arrive(messages: list[list[str]], size: int):
    stream = b"".join(frame(message) for message in messages)
    frames = Frames()
    heard = [list(fields) for at in range(0, len(stream), size) for fields in frames.messages(stream[at : at + size])]
    assert heard == messages


@given(size=st.integers(1, 30))
def test_a_handshake_is_the_same_however_its_bytes_arrive(size: int):
    stream = b"API\0" + b"\0\0\0\x09v157..176" + frame(["71", "2", "1", ""])
    frames, offered, rest = Frames(), None, 0
    for at in range(0, len(stream), size):
        rest = at + size
        offered = frames.handshake(stream[at:rest])
        if offered is not None:
            break
    assert offered == "v157..176"
    assert list(frames.messages(stream[rest:])) == [["71", "2", "1", ""]]


def test_a_peer_that_speaks_something_else_is_told_apart_at_its_first_bytes():
    with pytest.raises(ValueError, match="expected API"):
        Frames().handshake(b"GE")
    assert Frames().handshake(b"AP") is None


def test_an_endless_number_is_no_whole_one():
    assert text(math.inf) == "inf"
