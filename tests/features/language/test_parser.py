"""Text to tree in qlib's spelling: how tightly signs bind, what is refused and where the message points."""

import gc
import pickle
import random
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.errors import FactorError, InputError
from alphalib.features.language.operators import OPERATORS
from alphalib.features.language.parser import parse
from alphalib.features.language.tokens import LONGEST_TEXT
from tests.features.language.expressions import expressions, mutated, random_expressions

DIALECTS = ["qlib", "quant-stream"]


class Written:
    """Stands for a field while Python itself works out how a text's signs bind; as qlib does it."""

    def __init__(self, text):
        self.text = text


def _signed(name):
    def method(self, other):
        return Written(f"{name}({self.text}, {_text(other)})")

    def reflected(self, other):
        return Written(f"{name}({_text(other)}, {self.text})")

    return method, reflected


def _text(value):
    return value.text if isinstance(value, Written) else str(value)


for python, canonical in {
    "add": "Add", "sub": "Sub", "mul": "Mul", "truediv": "Div", "pow": "Power", "and": "And", "or": "Or",
}.items():  # fmt: skip
    method, reflected = _signed(canonical)
    setattr(Written, f"__{python}__", method)
    setattr(Written, f"__r{python}__", reflected)
for python, canonical in {"gt": "Gt", "ge": "Ge", "lt": "Lt", "le": "Le", "eq": "Eq", "ne": "Ne"}.items():
    setattr(Written, f"__{python}__", _signed(canonical)[0])
Written.__neg__ = lambda self: Written(f"Neg({self.text})")
Written.__hash__ = None

RATIOS = {"vix": Written("$vix"), "oil": Written("Sign($oil)"), "spy": Written("Sign($spy)")}


@st.composite
def infix_texts(draw):
    """Operands and signs in a row, with a few parentheses; one comparison at the most outside them."""
    pieces = []
    compared = False
    for place in range(draw(st.integers(2, 7))):
        if place:
            signs = ["+", "-", "*", "/", "&", "|", "**"] + ([] if compared else [">", "<=", "==", "!="])
            sign = draw(st.sampled_from(signs))
            compared = compared or sign in (">", "<=", "==", "!=")
            pieces.append(sign)
        sign = draw(st.sampled_from(["", "", "", "-"]))
        operand = draw(st.sampled_from(sorted(RATIOS)))
        pieces.append(draw(st.sampled_from([f"{sign}{operand}", f"({sign}{operand} > spy)", f"({sign}{operand})"])))
    return " ".join(pieces)


@given(infix_texts())
def test_signs_bind_as_in_python(text):
    ours = text
    for name, value in RATIOS.items():
        ours = ours.replace(name, value.text)
    assert parse(ours) == parse(eval(text, {}, RATIOS).text)  # the oracle: qlib evaluates its expressions


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("-$vix ** 2", "Neg(Power($vix, 2))"),
        ("2 ** -$vix ** 2", "Power(2, Neg(Power($vix, 2)))"),
        ("$vix - 1 - 2", "Sub(Sub($vix, 1), 2)"),
        ("$vix / 2 * 3", "Mul(3, Div($vix, 2))"),
        ("($vix > 1) & ($vix < 2) | ($vix == 5)", "Or(And(Gt($vix, 1), Lt($vix, 2)), Eq($vix, 5))"),
        ("2 * 3 + $vix * (1 - 0.5)", "Add(6, Mul($vix, 0.5))"),
        ("+$vix", "$vix"),
        ("1e-12 + $vix + .5E1", "Add(5, Add($vix, 1e-12))"),
        ("Add($vix, 1) * -1", "Mul(-1, Add($vix, 1))"),
        ("Ref($close,\n  2)\t/ $open", "Div(Ref($close, 2), $open)"),
        ("Mean($close, 0.05) / $close", "Div(Mean($close, 0.05), $close)"),
        ("Mean($close, 0) / $close", "Div(Mean($close, 0), $close)"),
        ("CSWinsor($vix)", "CSWinsor($vix, 0.025)"),
        ("CSNeutralize($vix, $sector, $oil)", "CSNeutralize($vix, $sector, $oil)"),
    ],
)
def test_canonical_text(text, canonical):
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "($close-$open)/($high-$low+1e-12)",
        "($high-Greater($open, $close))/$open",
        "(2*$close-$high-$low)/($high-$low+1e-12)",
        "$vwap/$close",
        "Slope($close, 60)/$close",
        "Quantile($close, 60, 0.8)/$close",
        "($close-Min($low, 5))/(Max($high, 5)-Min($low, 5)+1e-12)",
        "(IdxMax($high, 30)-IdxMin($low, 30))/30",
        "Corr($close, Log($volume+1), 20)",
        "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), 20)",
        "Mean($close>Ref($close, 1), 5)-Mean($close<Ref($close, 1), 5)",
        "(Sum(Greater($close-Ref($close, 1), 0), 5)-Sum(Greater(Ref($close, 1)-$close, 0), 5))"
        "/(Sum(Abs($close-Ref($close, 1)), 5)+1e-12)",
        "Std(Abs($close/Ref($close, 1)-1)*$volume, 10)/(Mean(Abs($close/Ref($close, 1)-1)*$volume, 10)+1e-12)",
        "Ref($volume, 59)/($volume+1e-12)",
        "If($close > Ref($close, 1), 1, 0)",
        "EMA($close, 12)/$close - EMA($close, 26)/$close",
    ],
)
def test_qlib_texts_are_read_as_they_are(text):
    assert parse(text).unit.is_ratio


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_canonical_text_reads_back_as_the_same_tree(dialect, data):
    node = parse(data.draw(expressions(dialect)), dialect=dialect)
    again = parse(str(node))
    assert again == node
    assert (again.unit, again.reach, again.size, again.hash) == (node.unit, node.reach, node.size, node.hash)


def test_every_operator_is_drawn_by_the_generator():
    drawn = {part.operator.name for text in random_expressions(3000) for part in parse(text).walk() if part.operator}
    assert drawn == set(OPERATORS)


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "expected an expression, found the end"),
        ("$close +", 8, "expected an expression, found the end"),
        ("$close $open", 7, r"expected an operator or the end, found \$open"),
        ("Mean($close 5)", 12, r"expected an operator, a comma or \), found 5"),
        ("($close", 7, r"expected an operator or \), found the end"),
        ("$close)", 6, r"expected an operator or the end, found \)"),
        ("Mean($close)", 11, r"too few arguments: Mean\(x, window\)"),
        ("Mean($close, 5, 6)", 16, r"too many arguments: Mean\(x, window\)"),
        ("Abs()", 4, r"too few arguments: Abs\(x\)"),
        ("Quantile($close, 20, 1.5)", 21, "Quantile: the q must be from 0 to 1, got 1.5"),
        ("Quantile($close, 20, 2e)", 21, r"Quantile: the q must be a number written out, never computed \(char"),
        ("Mean($close,)", 12, r"expected the window: Mean\(x, window\), found \)"),
        ("Mean($close,", 12, r"expected the window: Mean\(x, window\), found the end"),
        ("Mean($close, -", 14, r"expected the window: Mean\(x, window\), found the end"),
        ("Mean($close, 6000)", 13, "the window must be from 1 to 5040"),
        ("Mean($close, 2.5)", 13, "the window must be a whole number of sessions, got 2.5"),
        ("Mean($close, 5.0)", 13, "the window is written in digits alone"),
        ("Std($close, 0.5)", 12, "the window must be a whole number"),
        ("$close + $volume", 7, "Add: price and shares cannot be added or compared"),
        ("1 + Greater($close, $volume)", 4, "Greater: price and shares cannot be added or compared"),
        ("Mean(Abs($sector), 5)", 5, "Abs cannot take group codes"),
        ("Mean($volume, 5) + CSNeutralize($vix, $oil)", 19, "CSNeutralize takes its groups second"),
        ("1 < $vix < 2", 9, r"comparisons cannot be chained; put each in parentheses"),
        ("$close > 1 & $open > 2", 19, "comparisons cannot be chained"),
        ("$vix == $oil != 1", 13, "comparisons cannot be chained"),
        ("Mean(5, 3)", 0, "Mean of a constant says nothing about any name"),
        ("2 * 3", 0, "a factor needs a field"),
        ("$close / (1 / 0)", 12, "Div of 1, 0 is not a number"),
        ("$close * 1e999", 9, "the number is too large"),
        ("Mean($close, 1e999)", 13, "the number is too large"),
        ("$close ~ 1", 7, r"'~' is not part of the language: write Not\(x\)"),
        ("$close \N{MINUS SIGN} 1", 7, "is not part of the language: write a minus -"),
        ("$ close", 0, "the name of a field follows it"),
        ("'close'", 0, "there are no texts in the language"),
        ("$close\x00", 6, r"'\\x00' is not part of the language"),
        ("$close + \ud800", 9, r"'\\ud800' is not part of the language"),
        ("Mean($close, \N{FULLWIDTH DIGIT FIVE})", 13, "is not part of the language"),
    ],
)
def test_errors_point_at_the_character(text, position, reason):
    with pytest.raises(FactorError, match=reason) as caught:
        parse(text)
    assert caught.value.position == position
    assert caught.value.text == text


def test_message_shows_the_line_with_a_caret():
    with pytest.raises(FactorError) as caught:
        parse("Mean($close,\n     $open) / $open")
    assert str(caught.value).splitlines() == [
        "Mean: the window must be a number written out, never computed: one that is computed could be negative and "
        "read sessions that have not happened yet (line 2, character 6)",
        "         $open) / $open",
        "         ^",
    ]


def test_long_lines_are_cut_around_the_caret():
    text = "$vix + " * 40 + "$vxi" + " + $vix" * 40
    with pytest.raises(FactorError) as caught:
        parse(text)
    _, line, caret = str(caught.value).splitlines()
    assert len(line) < 130
    assert line[caret.index("^") :].startswith("$vxi")


def test_errors_survive_pickling():
    with pytest.raises(FactorError) as caught:
        parse("$close +")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert (again.reason, again.text, again.position) == (caught.value.reason, "$close +", 8)


def test_only_text_in_a_known_dialect():
    with pytest.raises(InputError, match="dialect must be one of qlib, quant-stream, got 'alpha101'"):
        parse("$close", dialect="alpha101")
    with pytest.raises(InputError, match="an expression is text, got int"):
        parse(5)


# Limits ---------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "parentheses": "(" * LONGEST_TEXT,
    "closed parentheses": "(" * 2000 + "$close" + ")" * 2000,
    "signs": "-" * LONGEST_TEXT,
    "signs and an operand": "-" * 4000 + "$close",
    "powers": "$vix" + "**2" * 1300,
    "powers from the right": "$vix**" * 600 + "2",
    "functions": "Abs(" * 1000,
    "calls without an end": "Mean($close," * 300,
    "a long sum": "+".join(["$vix"] * 800),
    "a long sum of numbers": "+".join(["1"] * 2000),
    "commas": "Mean(" + "," * 4000 + ")",
    "a tree of twos": "Add(" * 48 + "$vix",
    "a long name": "A" * 4000 + "(",
    "a long field": "$" + "a" * 4000,
    "digits": "9" * 4000,
    "digits of a window": "Mean($close, " + "9" * 4000 + ")",
    "a long fraction": "$vix * 0." + "1" * 4000 + "2 +",
    "a huge exponent": "$vix * 1e" + "9" * 4000,
    "10^5 characters": "$close + " * 12_000,
    "10^6 characters": "(" * 1_000_000,
    "lines": "\n" * 4000 + "?",
    "quotes": '"' * 4095,
    "surrogates": "\udfff" * 4000,
    "ternaries": "$vix?" * 800,
    "composites": "RSI(" * 8 + "$close" + ")" * 8,
    "powers of a unit": "Power(" * 60 + "$close" + ",1e300)" * 60,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused(name, dialect):
    with pytest.raises(FactorError) as caught:
        parse(HOSTILE[name], dialect=dialect)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_but_a_factor_error_leaves_mutated_texts(dialect):
    rng = random.Random(46)
    refused: list[FactorError] = []
    for text in random_expressions(2500, seed=47, dialect=dialect):
        try:
            node = parse(mutated(rng, text), dialect=dialect)
        except FactorError as error:
            refused.append(error)
        else:
            assert parse(str(node)) == node
    assert 1000 < len(refused) < 2500
    assert all(0 <= error.position <= len(error.text) and "^" in str(error) for error in refused)


@settings(max_examples=200)
@given(st.text(max_size=40), st.sampled_from(DIALECTS))
def test_nothing_but_a_factor_error_leaves_any_text(text, dialect):
    refused = None
    try:
        node = parse(text, dialect=dialect)
    except FactorError as error:
        refused = error
    if refused is None:
        assert parse(str(node)) == node
    else:
        assert 0 <= refused.position <= len(text)
        assert "^" in str(refused)


def test_no_memory_is_kept():
    texts = random_expressions(500, seed=3)

    def read():
        for text in texts:
            parse(text)

    read()
    tracemalloc.start()
    try:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            read()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000


def test_the_deepest_text_fits_a_deep_stack():
    text = "(" * 63 + "$close" + ")" * 63

    def deeper(level):
        return parse(text) if level == 0 else deeper(level - 1)

    assert str(deeper(sys.getrecursionlimit() - 500)) == "$close"


def test_a_tree_has_its_limits():
    with pytest.raises(FactorError, match="512 nodes and 48 levels, this one has 97 and 49"):
        parse("+".join(["$vix"] * 49))
    with pytest.raises(FactorError, match="may read 10080 sessions back"):
        parse("Mean(Mean(Mean($vix, 5000), 5000), 5000)")
    product = f"({'*'.join(['$sessions_since_earnings'] * 30)})"
    with pytest.raises(FactorError, match="4,096 characters when written out, this one has 4,643"):
        parse("*".join([product] * 5))  # 150 names of 24 characters and 149 times "Mul(, )"
