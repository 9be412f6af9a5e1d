"""Seed defects of the expression language: looks ahead, evaluated text, missing history read as 0, units."""

import re
from pathlib import Path

import numpy as np
import pytest

import alphalib
from alphalib.features import FactorError, parse
from alphalib.features.compute import factor
from alphalib.features.language.operators import OPERATORS
from tests.worlds import random_market

LAGS = [
    "-1",
    "(-1)",
    "- 1",
    "0-1",
    "+-1",
    "--1",
    "-(1)",
    "1-2",
    "2*-1",
    "-0.5",
    "-1e0",
    "$vix",
    "Neg(1)",
    "1/-1",
    "-9999",
]
AROUND = [
    "{}",
    "Mean({}, 5)",
    "CSRank(Abs({}) / $close)",
    "If($vix > 1, {}, $close)",
    "-({} + $close)",
    "Corr($close, {}, 10)",
]


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("around", AROUND)
def test_d46_no_lag_is_negative_or_computed_at_any_depth(around, lag):
    for name in ("Ref", "Delta", "Mean", "Max", "Slope", "EMA", "Last"):
        with pytest.raises(FactorError, match=r"must not be negative|must be a number written out, never computed"):
            parse(around.format(f"{name}(Mean($close, 5), {lag})"))


@pytest.mark.parametrize(
    "text",
    ["DELTA(TS_MEAN($close,5),-1)", "DELAY($close,0-1)", "DELTA($close,(-1))", "TS_CORR(close, DELAY(open, -2), 5)",
     "SUMIF(close, -5, close > open)", "MACD(close, 12, -26)", "TS_PCTCHANGE(close, -1)", "RSI(DELTA(close, - 3))"],
)  # fmt: skip
def test_d46_nor_in_the_seed_s_own_spelling(text):
    with pytest.raises(FactorError, match="sessions that have not happened yet"):
        parse(text, dialect="quant-stream")


def test_d46_every_operator_over_time_refuses_a_negative_literal():
    for operator in OPERATORS.values():
        if operator.kind == "time":
            expressions = ", ".join(["$close"] * operator.expressions[0])
            for place in range(len(operator.parameters)):
                literals = ["5", "0.5"][: len(operator.parameters)]
                literals[place] = f"-{literals[place]}"
                with pytest.raises(FactorError, match="-"):
                    parse(f"{operator.name}({expressions}, {', '.join(literals)})")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "$close.__class__",
        "().__class__",
        "[c for c in $close]",
        "(lambda: $close)()",
        "open('/etc/passwd')",
        "Mean.__init__($close, 5)",
        "print($close)",
        "$close if 1 else $open",
        "$close; import os",
        "f'{$close}'",
        "Mean($close, *[5])",
        "Mean(feature=$close, N=5)",
        "$close := 1",
    ],
)
@pytest.mark.parametrize("dialect", ["qlib", "quant-stream"])
def test_d47_text_is_never_run(text, dialect):
    with pytest.raises(FactorError):
        parse(text, dialect=dialect)


def test_d47_nothing_in_the_features_evaluates_text():
    evaluates = re.compile(r"\b(eval|exec|__import__)\(|(?<!re\.)\bcompile\(|^import ast|\.eval\(", re.MULTILINE)
    for path in (Path(alphalib.__file__).parent / "features").rglob("*.py"):
        assert not evaluates.search(path.read_text()), path


def test_d48_a_change_from_nothing_is_missing():
    market = random_market(sessions=40)
    changes = factor("TS_PCTCHANGE($close, 5)", market, dialect="quant-stream", mask=False)
    assert changes.iloc[:5].isna().all().all()
    expected = market.adj_close["N002"].iloc[39] / market.adj_close["N002"].iloc[34] - 1
    assert changes["N002"].iloc[39] == pytest.approx(expected)


def test_d48_missing_stays_missing_where_the_seed_had_0_or_the_other_branch():
    market = random_market(sessions=40, missing=0.2)
    gone = market.adj_close["N003"].isna()
    assert gone.any()
    for text in ("FILTER(close, close > 0)", "close > 0 ? 1 : 2", "IF(close, 1, 2)", "ZSCORE(close)", "SCALE(close)",
                 "TS_PCTCHANGE(close)", "close > 0 && open > 0", "!close", "close == close"):  # fmt: skip
        values = factor(text, market, dialect="quant-stream", mask=False)["N003"]
        assert values[gone].isna().all(), text
        assert np.isfinite(values[~gone].iloc[2:]).any(), text


@pytest.mark.parametrize("text", ["$close + $volume", "Greater($volume, $raw_close)", "$volume > $close",
                                  "If($vix > 20, $close, $volume)", "$close - $close / Ref($close, 1)"])  # fmt: skip
def test_d29_prices_and_shares_do_not_add(text):
    with pytest.raises(FactorError, match="cannot be added or compared"):
        parse(text)
