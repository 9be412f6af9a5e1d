"""A factor's report in words and pictures."""

import math
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest

from alphalib.evidence.factor_report import factor_report
from alphalib.evidence.factor_table import FactorTable
from alphalib.market import Source
from alphalib.report import factor as shown
from alphalib.report.canvas import Shown, png
from tests.evidence.test_factor_report import foresight, noise
from tests.worlds import random_market

REAL = Source(name="a market")


@pytest.fixture(scope="module")
def market():
    return random_market(names=40, sessions=520)


@pytest.fixture(scope="module")
def report(market):
    known = {"knows": foresight(market)}
    factor = known["knows"] + noise(market, 9)
    rng = np.random.default_rng(0)
    return factor_report(factor, market, rng=rng, name="mine", known=known.items(), draws=50)


@pytest.fixture(scope="module")
def idle(market):
    return factor_report(noise(market, 6), market, rng=np.random.default_rng(0), name="idle", draws=200)


def said(report, source=REAL, *, trials=1, effective=1.0, priced=1.0):
    return shown.conclusion(report, source, trials=trials, effective=effective, priced=priced)


def test_the_conclusion_says_what_was_found(report):
    text = said(report)
    assert f"mine: rank IC {report.rank_ic} over 5 sessions, told from zero by both intervals" in text
    assert "It orders the names most like knows (rank correlation 0.9" in text
    assert f"has a rank IC of {report.left}." in text
    assert "too good for a daily factor: look for a leak" in text


def test_the_conclusion_of_noise_promises_nothing(idle):
    text = said(idle)
    assert "which cannot be told from zero" in text
    assert "Half is lost" not in text
    assert "leak" not in text
    assert "nan" not in text


def test_the_chance_of_the_best_of_many_by_hand(idle):
    rows = idle.horizons.copy()
    rows.loc[5, "p"] = 0.01
    # 1 − 0.99¹⁰⁰ = 63.4 %.
    assert "chance of 63%" in said(replace(idle, horizons=rows), trials=250, effective=100.0)
    assert "chance of 1% if none" in said(replace(idle, horizons=rows))
    assert "p = 0.010." in said(replace(idle, horizons=rows))
    rows.loc[5, "p"] = 1e-5
    assert "p <\u00a00.001." in said(replace(idle, horizons=rows))
    assert "chance of less than 1% if none" in said(replace(idle, horizons=rows))


def test_a_market_that_is_no_evidence_is_called_so(report):
    assert "The market is simulated: this says nothing" in said(report, replace(REAL, simulated=True))
    assert "Members: survivors only. This is not evidence." in said(report, replace(REAL, members="survivors only"))
    assert "Only 74% of the members had a price" in said(report, priced=0.744)
    assert not any(word in said(report) for word in ("evidence", "had a price", "simulated"))


def test_tables_keep_their_rows_and_have_no_nan(report):
    tables = [
        shown.horizon_words(report),
        shown.book_words(report),
        shown.quantile_words(report),
        shown.group_words(report.years),
        shown.group_words(report.sectors),
        shown.persistence_words(report),
        shown.known_words(report),
    ]
    for table in tables:
        assert len(table)
        assert "nan" not in table.to_string()
    assert tables[0].loc[5, "rank IC"] == str(report.rank_ic)
    assert tables[1].loc[5, "turnover"] == f"{100 * report.horizons.loc[5, 'turnover']:.0f}%"
    assert tables[2].columns.tolist() == [1, 5, 10, 21]
    assert tables[3].index.tolist() == report.years.index.tolist()


PICTURES = {
    "rank IC": shown.rank_ic_picture,
    "quantiles": shown.quantile_picture,
    "decay": shown.decay_picture,
    "spread": shown.spread_picture,
    "years": lambda report: shown.group_picture(report.years, title="Rank IC by year"),
    "sectors": lambda report: shown.group_picture(report.sectors, title="Rank IC by sector"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_drawn_and_leaves_matplotlib_as_it_was(report, name):
    before = dict(matplotlib.rcParams)
    content, size = Shown(PICTURES[name](report))._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert size == {"width": 700.0}
    assert dict(matplotlib.rcParams) == before


def test_the_spread_ends_where_the_returns_add_up_to(report):
    gross, net = (line.get_ydata() for line in shown.spread_picture(report).axes[0].get_lines()[1:])
    of_dates = report.by_date.spread(5).dropna()
    assert gross[-1] == pytest.approx(of_dates.sum() / 5)
    assert net[-1] == pytest.approx((of_dates - report.horizons.loc[5, "cost"]).sum() / 5)


def test_a_short_history_without_intervals_is_drawn(market):
    few = random_market(names=40, sessions=60)
    short = factor_report(noise(few, 2), few, rng=np.random.default_rng(0), horizons=[1, 21], draws=20)
    assert math.isnan(short.horizons.loc[21, "low"])
    for picture in PICTURES.values():
        assert png(picture(short))
    assert "n/a" not in said(short)


def test_a_ranked_table_says_how_many_were_found():
    rows = pd.DataFrame(
        {"rank_ic": 0.02, "low": 0.01, "high": 0.03, "t": 4.0, "q": [0.01, 0.04], "q_any": [0.02, 0.08], "net": 0.001}
        | {"net_low": 0.0, "net_high": 0.002, "turnover": 0.4, "decay_half": [math.inf, 3.4], "coverage": 1.0}
        | {"note": ["", "few names"]},
        index=["a", "b"],
    )
    table = FactorTable(rows, "factors", 5, 6.0, 7, 3.2, {"c": "a"}, dict.fromkeys("defghijkl", "no such field"))
    text = shown.ranked_conclusion(table)
    assert "2 factors over 5 sessions: 2 with q of 5% or less by Benjamini–Hochberg, 1 under any dependence." in text
    assert "7 trials in 'factors', worth 3 independent ones." in text
    assert "Counted once: c is a." in text
    assert "Without d, e, f, g, h, i and 3 more: no such field." in text
    words = shown.ranked_words(table)
    assert words["half lost after"].tolist() == ["more than 63 sessions", "3 sessions"]
    assert words["note"].tolist() == ["", "few names"]
    assert "note" not in shown.ranked_words(table, first=1)
    assert shown.ranked_words(replace(table, rows=rows.head(0))).empty
