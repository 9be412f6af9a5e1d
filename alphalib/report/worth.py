"""Signal quality, attribution and the worth of rules as a reader sees them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alphalib.report.canvas import Whisker
from alphalib.report.words import chance, number, percent, rule


def quality_words(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `backtest.evaluate.quality.signal_quality`, percents with their intervals."""
    return pd.DataFrame(
        {
            "group": table["group"],
            "horizon, sessions": table["horizon"],
            "names × dates": _counts(table["events"]),
            "beat SPY": _intervals(table, "hit_rate", "low", "high"),
            "all names": _percents(table["all_names"]),
            "above them": _intervals(table, "lift", "lift_low", "lift_high"),
            "excess over SPY": _intervals(table, "excess", "excess_low", "excess_high", digits=2),
            "p": _chances(table["p"]),
            "q": _chances(table["q"]),
        }
    ).set_index(["group", "horizon, sessions"])


def worth_words(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `backtest.evaluate.worth.blocked_worth` or `exit_worth`."""
    columns = {
        "rule": [rule(name) for name in table.index],
        "times": _counts(table["events"]),
        "on dates": _counts(table["dates"]),
        "then, over SPY": _intervals(table, "mean", "low", "high", digits=2),
        "p": _chances(table["p"]),
        "q": _chances(table["q"]),
    }
    if "realised" in table:
        columns["realised"] = _percents(table["realised"], digits=2)
        columns["held, sessions"] = [number(value, digits=1) for value in table["held"]]
    return pd.DataFrame(columns).set_index("rule")


def lift_whiskers(table: pd.DataFrame, names: Sequence[str], *, low: str = "low", high: str = "high") -> list[Whisker]:
    """The lift of each row for `figures.intervals`; rows without an interval are left out."""
    rows = zip(names, table["lift"], table[low], table[high], strict=True)
    return [Whisker(*row) for row in rows if pd.notna(row[2])]


def _intervals(table: pd.DataFrame, value: str, low: str, high: str, *, digits: int = 1) -> list[str]:
    parts = (
        [percent(part, digits=digits) for part in row] for row in table[[value, low, high]].itertuples(index=False)
    )
    return [f"{middle} [{start}, {end}]" for middle, start, end in parts]


def _percents(column: pd.Series, digits: int = 1) -> list[str]:
    return [percent(value, digits=digits) for value in column]


def _chances(column: pd.Series) -> list[str]:
    return [chance(value) for value in column]


def _counts(column: pd.Series) -> list[str]:
    return [number(value, digits=0) for value in column]
