import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.features.events import earnings_surprise, sessions_since_earnings
from tests.features.panels import NAN, panel

CLOSE = panel(A=[10.0] * 8, B=[10, 10, NAN, 10, 10, 10, 10, 10])


def reports(*rows):
    return pd.DataFrame(
        [(ticker, CLOSE.index[row], pd.NaT, surprise) for ticker, row, surprise in rows],
        columns=["ticker", "date", "scheduled", "surprise"],
    )


def test_surprise_is_known_at_its_session_and_forgotten_after():
    told = earnings_surprise(reports(("A", 1, 0.1), ("A", 5, -0.2)), CLOSE, within=2)["A"]
    assert told.fillna(0).tolist() == [0, 0.1, 0.1, 0.1, 0, -0.2, -0.2, -0.2]


def test_the_latest_report_counts_even_when_its_surprise_is_unknown():
    assert earnings_surprise(reports(("A", 1, 0.1), ("A", 3, NAN)), CLOSE)["A"].iloc[3:].isna().all()


def test_sessions_since_earnings_by_hand():
    since = sessions_since_earnings(reports(("A", 1, 0.1), ("A", 5, NAN), ("B", 1, 0.0)), CLOSE)
    assert since["A"].fillna(-1).tolist() == [-1, 0, 1, 2, 3, 0, 1, 2]
    assert since["B"].fillna(-1).tolist() == [-1, 0, -1, 2, 3, 4, 5, 6]


def test_an_old_report_is_forgotten():
    since = sessions_since_earnings(reports(("A", 1, 0.1)), CLOSE, within=3)["A"]
    assert since.fillna(-1).tolist() == [-1, 0, 1, 2, 3, -1, -1, -1]
    with pytest.raises(InputError, match="within must be at least 0 sessions, got -1"):
        sessions_since_earnings(reports(), CLOSE, within=-1)


def test_reports_outside_the_market_are_not_seen():
    table = reports(("A", 1, 0.1))
    table["date"] = [CLOSE.index[-1] + pd.Timedelta(days=1)]
    assert sessions_since_earnings(table, CLOSE).isna().all(axis=None)
    table["date"] = [CLOSE.index[0] - pd.Timedelta(days=30)]
    assert sessions_since_earnings(table, CLOSE).isna().all(axis=None)
    assert sessions_since_earnings(table.iloc[:0], CLOSE).isna().all(axis=None)
    stranger = reports(("Z", 1, 0.1))
    assert earnings_surprise(stranger, CLOSE).isna().all(axis=None)


def test_a_report_on_a_weekend_is_known_at_the_next_session():
    table = reports(("A", 0, 0.1))
    table["date"] = [pd.Timestamp("2024-01-06")]  # Saturday; the fifth row is Monday 8 January
    assert sessions_since_earnings(table, CLOSE)["A"].fillna(-1).tolist() == [-1, -1, -1, -1, 0, 1, 2, 3]


def test_a_negative_age_is_refused():
    with pytest.raises(InputError, match="within must be at least 0 sessions, got -1"):
        earnings_surprise(reports(), CLOSE, within=-1)
