"""Names of orders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.errors import SessionError
from alphalib.execute.refs import Role, foreign, parts_of, ref_of


@settings(deadline=None)
@given(st.text("ABCXYZ.-0123456789", min_size=1, max_size=8), st.sampled_from(Role), st.integers(1, 999))
def test_a_ref_is_taken_apart_as_it_was_put_together(ticker, role, number):
    ref = ref_of("2026-03-05", ticker, role, number)
    assert parts_of(ref) == ("260305", ticker, role, number)
    assert str(parts_of(ref)) == ref


@pytest.mark.parametrize(
    "ref", ["", "my order", "al-", "al-260305-AAA-entry", "AL-260305-AAA-entry-1", "xal-260305-A-exit-1"]
)
def test_what_somebody_else_named_is_foreign(ref):
    assert foreign(ref)


def test_a_ref_is_of_a_session():
    with pytest.raises(SessionError, match="is not a session"):
        ref_of("2026-03-07", "AAA", Role.ENTRY, 1)
