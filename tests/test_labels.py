"""What the labels measure, and when they are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.labels import forward_return, label_end, sector_relative_return
from alphalib.sessions import next_session
from tests.worlds import random_market


def test_forward_return_by_hand():
    market = random_market(names=3, sessions=60)
    market.close.iloc[11, 2], market.close.iloc[16, 2] = 40.0, 44.0
    # Decided at 10, bought at the close of 11 for 40, sold at the close of 16 = 11 + 5 for 44: +10 %.
    assert forward_return(market, horizon=5)["N002"].iloc[10] == pytest.approx(0.10)


def test_splits_and_dividends_are_in_the_return():
    market = random_market(names=3, sessions=60)
    close = market.close
    # N000 splits 2:1 at session 20: two shares are held afterwards.
    expected = 2 * close["N000"].iloc[24] / close["N000"].iloc[19] - 1
    assert forward_return(market, horizon=5)["N000"].iloc[18] == pytest.approx(expected)
    # N001 pays 0.50 at session 30, reinvested at that close.
    expected = close["N001"].iloc[32] * (1 + 0.5 / close["N001"].iloc[30]) / close["N001"].iloc[29] - 1
    assert forward_return(market, horizon=3)["N001"].iloc[28] == pytest.approx(expected)


def test_a_delisting_pays_what_holders_received():
    market = random_market(names=3, sessions=60)
    # N002 trades last at session 49 and is delisted at 50 with a return of −40 % from that close.
    returns = forward_return(market, horizon=5)["N002"]
    close = market.close["N002"]
    assert returns.iloc[46] == pytest.approx(0.6 * close.iloc[49] / close.iloc[47] - 1)
    assert returns.iloc[48] == pytest.approx(-0.4)
    assert returns.iloc[49:].isna().all()


def test_a_name_that_does_not_trade_at_t_plus_1_has_no_label():
    market = random_market(names=3, sessions=60)
    market.close.iloc[20, 1] = np.nan
    market.volume.iloc[30, 1] = 0.0
    missing = forward_return(market, horizon=5)["N001"].isna()
    assert list(np.flatnonzero(missing)) == [19, 29, *range(54, 60)]


def test_the_last_rows_are_not_known_yet():
    market = random_market(sessions=60)
    label = sector_relative_return(market, horizon=5)
    assert label["N000"].last_valid_index() == market.sessions[60 - 1 - 5 - 1]
    assert forward_return(market.asof(market.sessions[5]), horizon=5).isna().all(axis=None)


def test_a_label_is_the_same_once_it_is_known():
    market = random_market(missing=0.02)
    day = market.sessions[200]
    now, later = sector_relative_return(market.asof(day)), sector_relative_return(market).loc[:day]
    known = label_end(market.sessions[:201], 5) <= day
    pd.testing.assert_frame_equal(now[known], later[known], check_exact=True)
    assert now[~known].isna().all(axis=None)


def test_sector_relative_return_by_hand():
    market = random_market(names=7, sessions=60)  # sectors 0 1 2 0 1 2 0
    forward = forward_return(market).iloc[10]
    # N000's sector holds N003 and N006 besides it; when N006 is no member it is N003 alone.
    assert sector_relative_return(market)["N000"].iloc[10] == pytest.approx(
        forward.iloc[0] - forward.iloc[[3, 6]].mean()
    )
    market.member.iloc[10, 6] = False
    relative = sector_relative_return(market).iloc[10]
    assert relative["N000"] == pytest.approx(forward.iloc[0] - forward.iloc[3])
    # A name outside the universe is measured against the members.
    assert relative["N006"] == pytest.approx(forward.iloc[6] - forward.iloc[[0, 3]].mean())


def test_no_peer_or_no_sector_no_label():
    market = random_market(names=4, sessions=60)  # sectors 0 1 2 0
    sector = market.sector.copy()
    sector.iloc[:, [0, 3]] = -1
    assert sector_relative_return(replace(market, sector=sector)).isna().all(axis=None)


def test_label_end_counts_exchange_sessions():
    market = random_market(sessions=60)
    ends = label_end(market.sessions, 5)
    assert ends[10] == market.sessions[16]
    assert ends[-1] == next_session(market.last, count=6)


def test_horizon_below_one_is_refused():
    with pytest.raises(InputError, match="horizon must be at least 1 session, got 0"):
        forward_return(random_market(sessions=60), horizon=0)


def test_labels_leave_the_market_alone():
    market = random_market(missing=0.02)
    before = market.data_hash
    sector_relative_return(market)
    assert (
        type(market)(**{k: v for k, v in market.__dict__.items() if k in market.__dataclass_fields__}).data_hash
        == before
    )
