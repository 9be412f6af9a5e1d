"""The tear sheet: quantstats' page of statistics and pictures, against a benchmark series."""

from __future__ import annotations

import html
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from alphalib.errors import InputError

WITHOUT_INTERVALS = "The figures of this sheet have no intervals; those of the weekly report have."


def tear_sheet(returns: pd.Series, benchmark: pd.Series, *, title: str = "Simulated book", notice: str = "") -> str:
    """A tear sheet by quantstats as one HTML page that needs no network.

    Parameters
    ----------
    returns : Series
        Simple returns of the book by session, tz-naive. [fraction]
    benchmark : Series
        Returns of the benchmark on the same sessions. Never a ticker: quantstats would ask the network for it, and
        report a benchmark of 0 % when that fails. [fraction]
    title : str
        Heading.
    notice : str
        A line across the top, such as that the market is simulated; after it stands where the intervals are.

    Raises
    ------
    InputError
        When quantstats could not make a true page: too few returns, none that moves, time zones, dates that differ,
        or a return of 100 % and more, which it would take for a price.
    """
    book, against = returns.dropna(), benchmark.dropna()
    _check(book, against)
    with _quiet_pictures(), tempfile.TemporaryDirectory() as folder:
        import quantstats

        path = Path(folder) / "tearsheet.html"  # without a path quantstats opens a browser
        reports: Any = quantstats.reports  # carries no types
        reports.html(
            book.rename("Book"),
            benchmark=against.rename("SPY"),
            title=title,
            benchmark_title="SPY",
            strategy_title="Book",
            output=str(path),
            periods_per_year=252,
        )
        return _mended(path.read_text(encoding="utf-8"), f"{notice} {WITHOUT_INTERVALS}".strip())


@contextmanager
def _quiet_pictures() -> Iterator[None]:
    """No window, no change of matplotlib's settings left behind, and none of the drawing libraries' complaints."""
    import matplotlib

    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    with warnings.catch_warnings(), matplotlib.rc_context({"backend": "Agg"}):
        warnings.simplefilter("ignore")  # seaborn, matplotlib and quantstats warn about each other
        fonts.setLevel(logging.ERROR)
        try:
            yield
        finally:
            fonts.setLevel(level)


def _check(book: pd.Series, against: pd.Series) -> None:
    if len(book) < 30:
        raise InputError(f"a tear sheet needs at least 30 returns, got {len(book)}")
    if not book.index.equals(against.index):
        raise InputError("a tear sheet needs the benchmark's return on each session of the book, and on no other")
    for name, series in (("book", book), ("benchmark", against)):
        if pd.DatetimeIndex(series.index).tz is not None:
            raise InputError(f"returns of the {name} must be tz-naive, got {pd.DatetimeIndex(series.index).tz}")
        if (series == 0).all():
            raise InputError(f"all returns of the {name} are zero: there is nothing to draw")
        if series.max() >= 1:
            raise InputError(f"the {name} has a return of {series.max():.0%} in one session; are these prices?")


def _mended(page: str, notice: str) -> str:
    """With the notice, without the favicon on quantstats' own site, and with a percent sign that every font has."""
    band = f'<p style="margin:0 0 20px;padding:9px 14px;background:#f6dfa4;color:#47330a">{html.escape(notice)}</p>'
    page = re.sub(r"<link\b[^>]*https?://[^>]*>", "", page).replace("\ufe6a", " %")
    return re.sub(r"<body\b[^>]*>", f"<body>{band}", page, count=1)  # its onload calls a script that is not there
