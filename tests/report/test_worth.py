import numpy as np
import pandas as pd

from alphalib.report.worth import lift_whiskers, quality_words, worth_words

QUALITY = pd.DataFrame(
    {
        "of": ["enter", "regime"],
        "group": ["all", "bear"],
        "horizon": [5, 5],
        "events": [1234, 0],
        "dates": [100, 0],
        "hit_rate": [0.512, np.nan],
        "low": [0.49, np.nan],
        "high": [0.534, np.nan],
        "all_names": [0.487, np.nan],
        "lift": [0.025, np.nan],
        "lift_low": [0.001, np.nan],
        "lift_high": [0.049, np.nan],
        "excess": [-0.0012, np.nan],
        "excess_low": [-0.002, np.nan],
        "excess_high": [0.0004, np.nan],
        "p": [0.04, np.nan],
        "q": [0.0001, np.nan],
    }
)


def test_a_rate_is_read_with_its_interval_and_what_is_missing_is_a_dash():
    words = quality_words(QUALITY)
    row = words.loc[("all", 5)]
    assert row["beat SPY"] == "51.2% [49.0%, 53.4%]"
    assert row["excess over SPY"] == "−0.12% [−0.20%, 0.04%]"
    assert row["names × dates"] == "1,234"
    assert row["q"] == "<\u00a00.001"
    assert words.loc[("bear", 5), "beat SPY"] == "– [–, –]"


def test_rules_are_told_in_words():
    table = pd.DataFrame(
        {"events": [3], "dates": [2], "mean": [0.01], "low": [-0.01], "high": [0.03], "p": [0.3], "q": [0.3]},
        index=["min_score"],
    )
    assert worth_words(table)["times"].to_list() == ["3"]
    assert worth_words(table).index[0] != "min_score"
    sold = worth_words(table.assign(realised=-0.0103, held=9.26))
    assert sold[["realised", "held, sessions"]].iloc[0].to_list() == ["−1.03%", "9.3"]


def test_a_row_without_an_interval_is_not_drawn():
    found = lift_whiskers(QUALITY, QUALITY["group"], low="lift_low", high="lift_high")
    assert [(w.name, w.low, w.high) for w in found] == [("all", 0.001, 0.049)]
