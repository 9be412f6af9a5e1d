"""Membership, sectors and symbols by date."""

import pandas as pd

from alphalib.market import SECTORS
from alphalib.sessions import sessions_between
from alphalib.universe import members_priced, membership_mask, sector_codes, symbols

SESSIONS = sessions_between("2024-03-01", "2024-03-15")
TICKERS = pd.Index(["AAA", "BBB"], name="ticker", dtype="str")


def day(number: int) -> pd.Timestamp:
    return SESSIONS[number]


def test_intervals_include_both_ends_and_may_repeat():
    table = pd.DataFrame(
        {"ticker": ["AAA", "AAA", "ZZZ"], "start": [day(1), day(6), day(0)], "end": [day(2), pd.NaT, pd.NaT]}
    )
    mask = membership_mask(table, SESSIONS, TICKERS)
    assert mask["AAA"].tolist() == [False, True, True, False, False, False] + [True] * (len(SESSIONS) - 6)
    assert not mask["BBB"].any()


def test_a_sector_holds_until_the_next_row():
    table = pd.DataFrame(
        {"ticker": ["AAA", "AAA"], "start": [day(5), day(2)], "sector": ["Healthcare", "Energy"]}  # in no order
    )
    codes = sector_codes(table, SESSIONS, TICKERS)
    names = [SECTORS[code] if code >= 0 else None for code in codes["AAA"]]
    assert names[:6] == [None, None, "Energy", "Energy", "Energy", "Health Care"]
    assert (codes["BBB"] == -1).all()


def test_symbols_are_those_of_the_date():
    table = pd.DataFrame({"ticker": ["FB"], "symbol": ["META"], "start": [day(4)], "end": [pd.NaT]})
    assert symbols(table, day(3)) == {}
    assert symbols(table, day(4)) == {"FB": "META"}


def test_d36_members_without_a_price_count_against_the_share():
    table = pd.DataFrame({"ticker": ["AAA", "ZZZ"], "start": [day(0)] * 2, "end": [pd.NaT] * 2})
    close = pd.DataFrame(1.0, index=SESSIONS, columns=TICKERS)
    priced = members_priced(table, close)
    assert priced.iloc[0].to_dict() == {"members": 2, "priced": 1, "share": 0.5}
