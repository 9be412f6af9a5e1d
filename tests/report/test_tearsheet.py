"""The tear sheet: a true one, or a reason why there is none."""

import re

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.report.tearsheet import WITHOUT_INTERVALS, tear_sheet
from alphalib.sessions import sessions_between


def returns(*, seed=0, sessions=300, **options):
    index = sessions_between("2021-01-04", "2024-03-08")[:sessions]
    return pd.Series(np.random.default_rng(seed).normal(0.0004, 0.01, sessions), index=index, **options)


@pytest.mark.slow
def test_the_sheet_holds_both_books_and_asks_the_network_for_nothing():
    book, spy = returns(seed=1), returns(seed=2)
    sheet = tear_sheet(book, spy, title="Simulated book", notice="Simulated <market>.")
    assert f"Simulated &lt;market&gt;. {WITHOUT_INTERVALS}" in sheet
    assert not re.search(r"<(?:link|script|img|iframe)\b[^>]*https?://", sheet)
    # Growth over 300 sessions, by hand from the series: what quantstats calls the cumulative return.
    for series in (book, spy):
        assert f"{np.prod(1 + series) - 1:.2%}" in sheet
    assert "Book" in sheet
    assert "SPY" in sheet


@pytest.mark.parametrize(
    ("book", "spy", "message"),
    [
        (returns(sessions=20), returns(sessions=20), "at least 30 returns, got 20"),
        (returns() * 0, returns(), "all returns of the book are zero"),
        (returns(), returns() * 0, "all returns of the benchmark are zero"),
        (returns(), returns(sessions=250), "benchmark's return on each session"),
        (returns().tz_localize("UTC"), returns().tz_localize("UTC"), "must be tz-naive, got UTC"),
        (100 * np.exp(returns().cumsum()), returns(), "are these prices"),
    ],
)
def test_what_quantstats_would_get_wrong_is_refused(book, spy, message):
    with pytest.raises(InputError, match=message):
        tear_sheet(book, spy)
