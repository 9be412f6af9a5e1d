"""The weekly page: one HTML file with everything inside it, made from artefacts and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from alphalib.report import canvas, figures, sections, words
from alphalib.report.canvas import Whisker
from alphalib.report.evidence import evidence
from alphalib.report.execution import beside_spy
from alphalib.report.inputs import WeeklyInputs, read_inputs
from alphalib.report.paper import paper
from alphalib.report.summary import bands, five_lines, headline, key_figures, measure, standfirst
from alphalib.store import Store

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["WeeklyInputs", "five_lines", "page", "read_inputs", "weekly_page"]

PICTURES = ("growth", "sharpes", "ic", "coverage", "paper_growth")

HOW_TO_READ = (
    "Two books whose intervals overlap widely cannot be told apart. The rank IC is the correlation, on one date, "
    "between what was predicted and what happened; the smallest detectable mean is 2.49 standard errors, which a "
    "one-sided 5% test finds four times out of five. The deflated Sharpe is the probability that the Sharpe is above "
    "what the best of N attempts without any skill would have shown."
)


def weekly_page(
    store: Store, asof: pd.Timestamp, *, run: Mapping[str, Any] | None = None, tear_sheet: str | None = None
) -> str:
    """Read the bus and make the page.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Last session known.
    run : mapping, optional
        Content of the pipeline's `run.json`.
    tear_sheet : str, optional
        Link to the tear sheet beside the page.
    """
    return page(read_inputs(store, asof, run), tear_sheet=tear_sheet)


def page(inputs: WeeklyInputs, *, tear_sheet: str | None = None) -> str:
    """The weekly page as HTML that needs no other file, no script and no network."""
    return render(
        "weekly.html",
        asof=inputs.asof,
        bands=bands(inputs),
        headline=headline(inputs),
        standfirst=standfirst(inputs),
        lines=five_lines(inputs),
        key=key_figures(inputs),
        book=sections.book(inputs),
        model=sections.model(inputs),
        orders=sections.orders(inputs),
        week=sections.week(inputs),
        paper=paper(inputs),
        research=sections.research(inputs),
        evidence=evidence(inputs),
        data=sections.data(inputs),
        provenance=sections.provenance(inputs),
        tear_sheet=tear_sheet,
        how_to_read=HOW_TO_READ,
        why=inputs.why,
        **_pictures(inputs),
    )


def render(template: str, **values: Any) -> str:
    """Fill in one of the templates; a value it asks for and does not get is an error."""
    return _environment().get_template(template).render(**values)


def _pictures(inputs: WeeklyInputs) -> dict[str, str]:
    """Inline pictures of the parts that are there."""
    from markupsafe import Markup

    drawn = {
        name: Markup(canvas.both_widths(draw, name=name, description=description))
        for name, (draw, description) in pictures(inputs).items()
    }
    return dict.fromkeys(PICTURES, "") | drawn


def pictures(inputs: WeeklyInputs) -> dict[str, tuple[canvas.Draw, str]]:
    """How to draw each picture at a width, and its description in words; only those there is something to draw for."""
    found: dict[str, tuple[canvas.Draw, str]] = {}
    nav, ic, coverage = inputs.nav, inputs.ic, inputs.coverage
    if nav is not None:
        found["growth"] = (lambda width: figures.growth(nav, width=width), f"Value of the book. {headline(inputs)}.")
    sharpe = measure(inputs, "Sharpe ratio")
    rows = whiskers(inputs, "Sharpe ratio") if sharpe else []
    if rows:
        found["sharpes"] = (
            lambda _: figures.intervals(rows, title="Sharpe ratio, with its interval", width=canvas.NARROW),
            "Sharpe ratios with their intervals: the table above has the numbers.",
        )
    if ic is not None and inputs.predictor is not None and ic["rank_ic"].notna().any():
        metrics = inputs.predictor
        found["ic"] = (
            lambda width: figures.information_coefficient(
                ic, mean=_mean_ic(inputs), detectable=metrics.minimum_detectable_ic, width=width
            ),
            f"Rank IC through time: {five_lines(inputs)[2]}",
        )
    if coverage is not None and coverage["share"].notna().any():
        found["coverage"] = (
            lambda width: figures.coverage(coverage, width=min(width, 506)),
            "Share of members priced, by date.",
        )
    account = inputs.account
    if account is not None and len(account):
        found["paper_growth"] = (
            lambda width: beside_spy(account, width=width),
            "Return of the paper account and of SPY since its record began, and its alpha session by session.",
        )
    return found


def whiskers(inputs: WeeklyInputs, name: str) -> list[Whisker]:
    """A measure of book, SPY and equal weight, those that have an interval."""
    row = measure(inputs, name)
    if row is None:
        return []
    parts = [("Book", row.book, "--book"), ("SPY", row.spy, "--spy"), ("Equal weight", row.equal_weight, "--equal")]
    return [
        Whisker(title, part.value, part.low, part.high, colour)
        for title, part, colour in parts
        if part is not None and part.value is not None and part.low is not None and part.high is not None
    ]


def _mean_ic(inputs: WeeklyInputs) -> Whisker | None:
    ic = inputs.predictor.ic if inputs.predictor else None
    if ic is None or ic.value is None or ic.low is None or ic.high is None:
        return None
    return Whisker("all dates", ic.value, ic.low, ic.high)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("alphalib.report"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": words.day,
        "interval": words.interval,
        "measured": words.measured,
        "number": words.number,
    }
    return environment
