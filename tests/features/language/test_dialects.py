"""Quant-Stream's spelling, and what each dialect says of the other's names."""

import re

import pytest

from alphalib.errors import FactorError
from alphalib.features.language.dialects import GRAMMARS
from alphalib.features.language.parser import parse

# Every function of the operator table, as short as it may be written and with all its arguments.
FUNCTIONS = {
    "RANK(x)": "CSRank(x)",
    "ZSCORE(x)": "CSZScore(x)",
    "SCALE(x)": "CSScale(x, 1)",
    "SCALE(x, 2.5)": "CSScale(x, 2.5)",
    "MEAN(x)": "CSMean(x)",
    "STD(x)": "CSStd(x)",
    "SKEW(x)": "CSSkew(x)",
    "MAX(x)": "CSMax(x)",
    "MIN(x)": "CSMin(x)",
    "MEDIAN(x)": "CSMedian(x)",
    "DELTA(x)": "Delta(x, 1)",
    "DELTA(x, 3)": "Delta(x, 3)",
    "DELAY(x)": "Ref(x, 1)",
    "TS_MAX(x)": "Max(x, 5)",
    "TS_MIN(x)": "Min(x, 5)",
    "TS_MEAN(x)": "Mean(x, 5)",
    "TS_MEAN(x, 10)": "Mean(x, 10)",
    "TS_MEDIAN(x)": "Med(x, 5)",
    "TS_SUM(x)": "Sum(x, 5)",
    "TS_VAR(x)": "Var(x, 5)",
    "TS_RANK(x)": "Rank(x, 5)",
    "TS_ZSCORE(x)": "Div(Sub(x, Mean(x, 5)), Std(x, 5))",
    "TS_MAD(x)": "Mad(x, 5)",
    "TS_STD(x)": "Std(x, 20)",
    "TS_ARGMAX(x)": "SinceMax(x, 5)",
    "TS_ARGMIN(x)": "SinceMin(x, 5)",
    "TS_QUANTILE(x)": "Quantile(x, 5, 0.5)",
    "TS_QUANTILE(x, 20, 0.8)": "Quantile(x, 20, 0.8)",
    "PERCENTILE(x, 0.8, 20)": "Quantile(x, 20, 0.8)",
    "TS_PCTCHANGE(x)": "Sub(Div(x, Ref(x, 1)), 1)",
    "TS_PCTCHANGE(x, 5)": "Sub(Div(x, Ref(x, 5)), 1)",
    "SMA(x, 20)": "Mean(x, 20)",
    "SMA(x, 1, 8)": "Mean(x, 0.125)",
    "SMA(x, 8, 1)": "Mean(x, 0.125)",
    "EMA(x, 12)": "EMA(x, 12)",
    "EWM(x, 0.1)": "Mean(x, 0.1)",
    "EWM(x, 1)": "Mean(x, 1)",
    "WMA(x)": "GMA(x, 20, 0.9)",
    "DECAYLINEAR(x)": "WMA(x, 5)",
    "PROD(x)": "Prod(x, 5)",
    "COUNT(x > y)": "Sum(Gt(x, y), 20)",
    "COUNT(x)": "Sum(Ne(x, 0), 20)",
    "SUMIF(x, 5, x > y)": "Sum(If(Gt(x, y), x, 0), 5)",
    "FILTER(x, x > y)": "If(Gt(x, y), x, 0)",
    "MACD(x)": "Sub(EMA(x, 12), EMA(x, 26))",
    "MACD(x, 5, 35)": "Sub(EMA(x, 5), EMA(x, 35))",
    "RSI(x)": "Mul(100, Div(EMA(Greater(0, Delta(x, 1)), 14),"
    " Add(EMA(Greater(0, Delta(x, 1)), 14), EMA(Greater(0, Neg(Delta(x, 1))), 14))))",
    "BB_MIDDLE(x)": "Mean(x, 20)",
    "BB_UPPER(x)": "Add(Mean(x, 20), Mul(2, Std(x, 20)))",
    "BB_LOWER(x, 10, 1.5)": "Sub(Mean(x, 10), Mul(1.5, Std(x, 10)))",
    "TS_CORR(x, y)": "Corr(x, y, 5)",
    "TS_COVARIANCE(x, y)": "Cov(x, y, 5)",
    "REGBETA(x, y)": "RegBeta(x, y, 5)",
    "REGRESI(x, y)": "RegResi(x, y, 5)",
    "HIGHDAY(x)": "Add(1, SinceMax(x, 5))",
    "LOWDAY(x)": "Add(1, SinceMin(x, 5))",
    "SUMAC(x)": "Sum(x, 10)",
    "ADD(x, y)": "Add(x, y)",
    "SUBTRACT(x, y)": "Sub(x, y)",
    "MULTIPLY(x, y)": "Mul(x, y)",
    "DIVIDE(x, y)": "Div(x, y)",
    "AND(x, y)": "And(x, y)",
    "OR(x, y)": "Or(x, y)",
    "ABS(x)": "Abs(x)",
    "SIGN(x)": "Sign(x)",
    "MAX_ELEMENTWISE(x, y)": "Greater(x, y)",
    "MAX_ELEMENTWISE(x, y, x)": "Greater(x, Greater(x, y))",
    "MIN_ELEMENTWISE(x, y)": "Less(x, y)",
    "IF(x > y, x, y)": "If(Gt(x, y), x, y)",
    "TERNARY(x > y, x, y)": "If(Gt(x, y), x, y)",
    "EXP(x / y)": "Exp(Div(x, y))",
    "SQRT(x)": "Sqrt(x)",
    "LOG(x)": "Log(Add(x, 1))",
    "INV(x)": "Div(1, x)",
    "POW(x, 2)": "Power(x, 2)",
    "POW(x, -1)": "Power(x, -1)",
    "FLOOR(x)": "Floor(x)",
}


def with_fields(text, x, y):
    return re.sub(r"\b[xy]\b", lambda found: {"x": x, "y": y}[found[0]], text)


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_quant_stream_function_is_a_tree_of_ours(text):
    written = with_fields(text, "close", "$open")
    assert parse(written, dialect="quant-stream") == parse(with_fields(FUNCTIONS[text], "$close", "$open"))


def test_every_quant_stream_function_is_in_the_table_above():
    assert {text.split("(")[0] for text in FUNCTIONS} == set(GRAMMARS["quant-stream"].functions)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("vix > 1 && oil > 2 || gold > 3", "Or(And(Gt($oil, 2), Gt($vix, 1)), Gt($gold, 3))"),
        ("vix > 1 & oil > 2 | gold > 3", "Or(And(Gt($oil, 2), Gt($vix, 1)), Gt($gold, 3))"),
        ("vix || oil && gold", "Or($vix, And($gold, $oil))"),
        ("!vix > 1", "Gt(Not($vix), 1)"),
        ("-vix * 2", "Mul(2, Neg($vix))"),
        ("vix - 1 > 2 * vix", "Gt(Sub($vix, 1), Mul($vix, 2))"),
        ("vix > 1 ? 2 : vix < 0 ? 3 : 4 + vix", "If(Gt($vix, 1), 2, If(Lt($vix, 0), 3, Add($vix, 4)))"),
        ("vix ? vix > 1 ? 2 : 3 : 4", "If($vix, If(Gt($vix, 1), 2, 3), 4)"),
        ("RANK(DELTA($open, 1) - DELTA($close, 1)) / (1e-8 + 1)",
         "Div(CSRank(Sub(Delta($open, 1), Delta($close, 1))), 1.00000001)"),
    ],
)  # fmt: skip
def test_quant_stream_binds_as_c_does(text, canonical):
    assert str(parse(text, dialect="quant-stream")) == canonical


def test_rank_is_over_time_in_one_and_across_names_in_the_other():
    assert str(parse("Rank($close, 5)")) == "Rank($close, 5)"
    assert str(parse("RANK($close)", dialect="quant-stream")) == "CSRank($close)"


@pytest.mark.parametrize(
    ("text", "dialect", "reason"),
    [
        ("TS_MEAN($close, 5)", "qlib",
         r"^TS_MEAN is quant-stream's: write Mean\(x, window\) here, or pass dialect='quant-stream'"),
        ("RANK($close)", "qlib", r"RANK is quant-stream's: write CSRank\(x\) here, or pass"),
        ("RSI($close)", "qlib", r"^RSI is quant-stream's: pass dialect='quant-stream'"),
        ("CSRank($close)", "quant-stream", r"CSRank is qlib's: write RANK\(x\) here, or pass dialect='qlib'"),
        ("Mean($close, 5)", "quant-stream", r"write TS_MEAN\(x, \[window=5\]\) here"),
        ("Slope($close, 5)", "quant-stream", r"^Slope is qlib's: pass dialect='qlib'"),
        ("CSRnk($close)", "qlib", r"there is no operator CSRnk; did you mean CSRank or Rank\?"),
        ("mean($close, 5)", "qlib", r"there is no operator mean; did you mean Mean"),
        ("ts_mean($close, 5)", "quant-stream", r"did you mean TS_MEAN"),
        ("Zzzzzz($close)", "qlib", r"^there is no operator Zzzzzz \("),
        ("close($close)", "qlib", r"close is a field: write \$close without parentheses"),
        ("close", "qlib", r"a field has a \$ before it: \$close"),
        ("Mean", "qlib", r"Mean takes arguments: Mean\(x, window\)"),
        ("clse", "qlib", r"clse is neither a field such as \$close nor an operator"),
        ("clse", "quant-stream", r"there is no field \$clse; did you mean \$close"),
        ("$clsoe", "qlib", r"there is no field \$clsoe; did you mean \$close"),
        ("$change", "qlib", r"there is no field \$change: write \$close / Ref\(\$close, 1\) - 1"),
        ("$$roewa_q", "qlib", "fundamentals are as they were known on each date already"),
        ("P($$roewa_q)", "qlib", "P cannot be had: fundamentals are as they were known"),
        ("PRef($$roewa_q, 202001)", "qlib", r"an earlier figure is Ref\(\$revenue, 63\)"),
        ("ChangeInstrument('SH000300', $close)", "qlib", r"ChangeInstrument cannot be had: .*\$spy"),
        ("Mask($close, 'SH600000')", "qlib", "Mask cannot be had: a factor is computed for every name"),
        ("TResample($close, '1M', 'last')", "qlib", r"TResample cannot be had: .* Last\(x, 21\)"),
        ("$close > 1 and $open > 1", "qlib", r"instead of and write \(x > 0\) & \(y > 0\)"),
        ("$vix && $oil", "qlib", r"instead of && write"),
        ("!$vix", "qlib", r"instead of ! write Not\(x\)"),
        ("$vix ? 1 : 2", "qlib", r"instead of \? write If"),
        ("vix ** 2", "quant-stream", r"instead of \*\* write POW"),
        ("vix ? 2", "quant-stream", r"expected a colon and what holds otherwise, found the end"),
        ("vix : 2", "quant-stream", r"expected an operator or the end, found :"),
        ("PERCENTILE(close, 0.5)", "quant-stream", r"too few arguments: PERCENTILE\(x, q, window\)"),
        ("DELAY(close, 0)", "quant-stream", "DELAY: the lag must be from 1 to 5040, got 0"),
        ("EWM(close, 2)", "quant-stream", "EWM: the alpha must be from 0.0001 to 1, got 2"),
        ("TS_ZSCORE(sector)", "quant-stream", "TS_ZSCORE: Mean cannot take group codes"),
        ("vix < oil < gold", "quant-stream", "comparisons cannot be chained"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_told_what_to_write(text, dialect, reason):
    with pytest.raises(FactorError, match=reason):
        parse(text, dialect=dialect)


def test_guesses_are_not_made_for_names_of_any_length():
    with pytest.raises(FactorError) as caught:
        parse("A" * 4000 + "($close)")
    assert caught.value.reason == f"there is no operator {'A' * 32}…"
