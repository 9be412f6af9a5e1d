"""Pictures: what is drawn, and that one SVG is right on a light and on a dark page."""

import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest

from alphalib.report import canvas, figures
from alphalib.sessions import sessions_between


@pytest.fixture(scope="module")
def nav():
    sessions = sessions_between("2020-01-02", "2023-12-29")
    rng = np.random.default_rng(3)
    walk = 1e6 * np.cumprod(1 + rng.normal(0.0003, 0.01, (len(sessions), 3)), axis=0)
    table = pd.DataFrame(walk, columns=["nav", "spy", "equal_weight"])
    table.insert(0, "date", sessions)
    return table.assign(exposure=0.8, halted=np.arange(len(sessions)) // 40 == 5)


def test_growth_starts_at_100_and_ends_at_the_books_value(nav):
    lines = figures.growth(nav).axes[0].get_lines()
    for line, column in zip(lines, ["equal_weight", "spy", "nav"], strict=True):
        drawn = line.get_ydata()
        assert drawn[0] == pytest.approx(100)
        # The first row drawn is the base, and the last session is always drawn.
        first = nav[column].iloc[(len(nav) - 1) % -(-len(nav) // 640)]
        assert drawn[-1] == pytest.approx(100 * nav[column].iloc[-1] / first)


def test_drawdown_counts_every_session_not_only_those_drawn():
    # 100, 120, 60, … the peak of 120 falls on a session that a thinned line of 640 points may skip.
    sessions = sessions_between("2015-01-02", "2022-12-30")
    values = np.full(len(sessions), 100.0)
    values[1000] = 120.0
    drawn = figures.growth(pd.DataFrame({"date": sessions, "nav": values})).axes[1].get_lines()[0].get_ydata()
    assert drawn[-1] == pytest.approx(100 / 120 - 1)


def test_only_what_is_there_is_drawn(nav):
    assert len(figures.growth(nav[["date", "nav"]]).axes) == 2
    assert len(figures.growth(nav[["date", "nav"]]).axes[0].get_lines()) == 1


def test_the_svg_has_the_pages_colours_and_no_outside_address(nav):
    text = canvas.svg(figures.growth(nav), name="growth", description='a "book" & more')
    assert "var(--book)" in text
    assert not re.search(r"#[0-9a-f]{6}\b", text), "a colour of its own would not follow the page into the dark"
    assert "http" not in text
    assert 'aria-label="a &quot;book&quot; &amp; more"' in text
    ElementTree.fromstring(text.replace("xlink:href", "href"))  # well-formed


def test_two_pictures_of_a_page_share_no_id(nav):
    draw = figures.growth(nav)
    ids = [
        set(re.findall(r'\bid="([^"]+)"', canvas.svg(draw, name=name, description="")))
        for name in ("growth-wide", "growth-narrow")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_same_picture_is_the_same_text(nav):
    texts = [canvas.svg(figures.growth(nav), name="growth", description="") for _ in range(2)]
    assert texts[0] == texts[1]


def test_labels_at_the_lines_ends_do_not_overlap():
    apart = figures._spread([4.70, 4.71, 4.705], least=0.05)
    assert np.diff(sorted(apart)).min() >= 0.05 - 1e-6
    assert np.argsort(apart).tolist() == [0, 2, 1]  # their order is kept
    assert figures._spread([1.0, 2.0], least=0.05) == [1.0, 2.0]


@pytest.mark.parametrize("span", [(98.0, 103.0), (80, 160), (50, 900), (1, 40000)])
def test_levels_of_a_ratio_scale_are_few_and_inside(span):
    levels = figures._round_levels(*span)
    assert 1 <= len(levels) <= 7
    assert all(span[0] <= level <= span[1] for level in levels)


def test_ic_over_a_year_is_not_drawn_before_a_year_is_known():
    sessions = sessions_between("2022-01-03", "2023-12-29")
    ic = pd.DataFrame({"date": sessions, "rank_ic": np.linspace(-0.1, 0.1, len(sessions))})
    line = figures.information_coefficient(ic, mean=None, detectable=0.02).axes[0].get_lines()[0]
    assert pd.Timestamp(line.get_xdata()[0]) >= pd.Timestamp("2023-01-02")


def test_a_short_ic_history_is_drawn_without_a_year():
    sessions = sessions_between("2023-11-01", "2023-12-29")
    ic = pd.DataFrame({"date": sessions, "rank_ic": 0.01})
    drawn = canvas.svg(figures.information_coefficient(ic, mean=None, detectable=None), name="ic", description="")
    assert "<path" in drawn


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_the_first_days_of_a_book_are_drawn(nav, rows):
    short = nav.head(rows)
    ic = pd.DataFrame({"date": short["date"], "rank_ic": 0.02})
    priced = pd.DataFrame({"date": short["date"], "share": 1.0})
    figure = figures.information_coefficient(ic, mean=None, detectable=None)
    for drawn in (figures.growth(short), figure, figures.coverage(priced)):
        assert "<path" in canvas.svg(drawn, name="first", description="")


def test_a_picture_is_the_same_whatever_style_was_set_before(nav):
    plain = canvas.svg(figures.growth(nav), name="growth", description="")
    with matplotlib.rc_context(
        {"axes.grid": True, "grid.color": "#dddddd", "font.family": "serif", "axes.labelsize": 30}
    ):
        assert canvas.svg(figures.growth(nav), name="growth", description="") == plain
