"""Operators over time: against qlib, pandas and plain definitions; and what no library promises, the bits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.features.engine.kernels import TIME
from alphalib.features.language.operators import FORGOTTEN, OPERATORS, restart

GOLDEN = Path(__file__).parents[2] / "golden"
SESSIONS = 150
PAIRS = ("Corr", "Cov", "RegBeta", "RegResi")


def difficult(seed=0, sessions=SESSIONS):
    """A walk with holes, outliers, ties, a constant, nothing, little, and a name that starts late and pauses."""
    rng = np.random.default_rng(seed)
    walk = 50 + np.cumsum(rng.normal(size=sessions))
    walk[rng.random(sessions) < 0.2] = np.nan
    outliers = np.exp(2 * rng.normal(size=sessions))
    ties = np.round(2 * rng.normal(size=sessions))  # 0 and −0 among them
    little = np.where(rng.random(sessions) < 0.1, rng.normal(size=sessions), np.nan)
    late = 20 + np.cumsum(rng.normal(size=sessions))
    late[: sessions // 4] = np.nan
    late[sessions // 2 : sessions // 2 + 25] = np.nan
    constant, nothing = np.full(sessions, 0.1), np.full(sessions, np.nan)
    return np.array([walk, outliers, ties, constant, nothing, little, late])


def second(x, seed=1):
    """A second input that goes along with the first, with holes of its own."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=x.shape) + 0.1 * np.nan_to_num(x)
    y[rng.random(y.shape) < 0.05] = np.nan
    return y


def evaluate(name, inputs, literals, first=0):
    out = np.full_like(inputs[0], 12345.0)
    TIME[name](inputs, literals, first, out)
    return out


def inputs_of(name, x):
    return [x, second(x)] if name in PAIRS else [x]


def literals_of(name, window):
    return [window, *{"Quantile": [0.3], "GMA": [0.8]}.get(name, [])]


# What they are --------------------------------------------------------------------------------------------------------


def test_every_operator_over_time_has_a_kernel():
    assert {name for name, operator in OPERATORS.items() if operator.kind == "time"} == set(TIME)


def test_by_hand():
    x = np.array([[1.0, 2.0, 4.0, np.nan, 8.0]])
    # the last window of 4 holds 2, 4, –, 8 at places 1, 2, 3, 4
    expected = {
        "Mean": 14 / 3,
        "Sum": 14.0,
        "Prod": 64.0,
        "Count": 3.0,
        "Var": (4 + 16 + 64 - 14**2 / 3) / 2,  # 28/3
        "Max": 8.0,
        "IdxMax": 4.0,
        "SinceMin": 3.0,
        "Med": 4.0,
        "Mad": (8 / 3 + 2 / 3 + 10 / 3) / 3,
        "Rank": 1.0,
        # mean place 7/3, mean 14/3: Σ(p − 7/3)(x − 14/3) = 42 − 7·14/3 = 28/3; Σ(p − 7/3)² = 21 − 49/3 = 14/3
        "Slope": 2.0,
        "Rsquare": 1.0,
        "Resi": 0.0,
        "WMA": (1 * 2 + 2 * 4 + 4 * 8) / 7,
    }
    for name, value in expected.items():
        assert evaluate(name, [x], [4])[0, -1] == pytest.approx(value, abs=1e-14), name
    # weights .5^0, .5^2, .5^3
    assert evaluate("GMA", [x], [4, 0.5])[0, -1] == pytest.approx((8 + 4 / 4 + 2 / 8) / (1 + 1 / 4 + 1 / 8))
    # span 3 is alpha 1/2: weights 1, 1/4, 1/8, 1/16
    assert evaluate("EMA", [x], [3])[0, -1] == pytest.approx((8 + 1 + 2 / 8 + 1 / 16) / (1 + 1 / 4 + 1 / 8 + 1 / 16))
    assert evaluate("Last", [x], [2])[0].tolist() == [1.0, 2.0, 4.0, 4.0, 8.0]
    np.testing.assert_array_equal(evaluate("Delta", [x], [2])[0], [np.nan, np.nan, 3.0, np.nan, 4.0])


GOLDEN_COLUMNS = pd.read_csv(GOLDEN / "qlib_operators.csv", comment="#", nrows=0).columns[3:]


@pytest.fixture(scope="module")
def golden():
    return pd.read_csv(GOLDEN / "qlib_operators.csv", comment="#")


@pytest.mark.parametrize("column", GOLDEN_COLUMNS)
def test_equal_to_qlib(column, golden):
    name, arguments = column.removesuffix(")").split("(")
    series = [golden[a].to_numpy()[None] for a in arguments.split(",") if a in "xyz"]
    literals = [float(a) for a in arguments.split(",") if a not in "xyz"]
    expected = golden[column].to_numpy()
    if name == "WMA":  # qlib divides by the number of values once more
        expected = expected * np.minimum(np.arange(1, len(golden) + 1), literals[0] or len(golden))
    if name == "WMA" and literals[0] > 0:  # and numbers the sessions of a window that is not full from 1
        expected[: int(literals[0]) - 1] = evaluate(name, series, literals)[0][: int(literals[0]) - 1]
    np.testing.assert_allclose(evaluate(name, series, literals)[0], expected, rtol=1e-10, atol=1e-11)


def values(function, least=1):
    """A plain definition as a function of a window with gaps: `function(values, their places, all places)`."""

    def of_window(window):
        there = ~np.isnan(window)
        places = np.arange(len(window))
        return function(window[there], places[there], places) if there.sum() >= least else np.nan

    return of_window


def line(v, p, places):
    """Slope and the fitted value at the last place."""
    slope = ((p - p.mean()) * (v - v.mean())).sum() / ((p - p.mean()) ** 2).sum()
    return slope, v.mean() + slope * (places[-1] - p.mean())


DEFINITIONS = {
    "Mad": values(lambda v, *_: abs(v - v.mean()).mean()),
    "Prod": values(lambda v, *_: v.prod() if np.isfinite(v.prod()) else np.nan),
    "Slope": values(lambda *a: line(*a)[0], 2),
    "Resi": lambda w: np.nan if np.isnan(w[-1]) else values(lambda *a: w[-1] - line(*a)[1], 2)(w),
    "Rsquare": values(lambda v, p, _: np.corrcoef(v, p)[0, 1] ** 2 if np.ptp(v) > 0 else np.nan, 2),
    "IdxMax": values(lambda v, p, _: p[v.argmax()] + 1),
    "IdxMin": values(lambda v, p, _: p[v.argmin()] + 1),
    "SinceMax": values(lambda v, p, places: places[-1] - p[v == v.max()].max()),
    "SinceMin": values(lambda v, p, places: places[-1] - p[v == v.min()].max()),
    "GMA": values(lambda v, p, places: np.average(v, weights=0.8 ** (places[-1] - p))),
}
IN_PANDAS = {
    "Mean": lambda rolling: rolling.mean(),
    "Sum": lambda rolling: rolling.sum(),
    "Std": lambda rolling: rolling.std(),
    "Var": lambda rolling: rolling.var(),
    "Skew": lambda rolling: rolling.skew(),
    "Kurt": lambda rolling: rolling.kurt(),
    "Max": lambda rolling: rolling.max(),
    "Min": lambda rolling: rolling.min(),
    "Med": lambda rolling: rolling.median(),
    "Quantile": lambda rolling: rolling.quantile(0.3),
    "Rank": lambda rolling: rolling.rank(pct=True),
    "Count": lambda rolling: rolling.count(),
    **{name: lambda rolling, f=f: rolling.apply(f, raw=True) for name, f in DEFINITIONS.items()},
}


@pytest.mark.parametrize("window", [1, 2, 5, 17, 60, 400, 0])
@pytest.mark.parametrize("name", IN_PANDAS)
def test_equal_to_pandas_or_the_definition(name, window):
    if 0 < window < {"Skew": 3, "Kurt": 4}.get(name, 1):
        pytest.skip("pandas refuses")
    x = difficult()
    frame = pd.DataFrame(x.T)
    rolling = frame.rolling(window, min_periods=1) if window else frame.expanding(min_periods=1)
    actual = evaluate(name, [x], literals_of(name, window)).T
    np.testing.assert_allclose(actual, IN_PANDAS[name](rolling).to_numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("window", [1, 5, 60, 400])
def test_weights_fall_by_one_a_session(window):
    x = difficult()
    mean = values(lambda v, p, places: np.average(v, weights=window - (places[-1] - p)))
    expected = pd.DataFrame(x.T).rolling(window, min_periods=1).apply(mean, raw=True)
    np.testing.assert_allclose(evaluate("WMA", [x], [window]).T, expected, rtol=1e-10)


@pytest.mark.parametrize("window", [2, 5, 17, 60, 400, 0])
def test_pairs_equal_pandas_and_least_squares(window):
    x = difficult()
    y = second(x)
    one, other = pd.DataFrame(x.T), pd.DataFrame(y.T)
    rolling = one.rolling(window, min_periods=1) if window else one.expanding(min_periods=1)
    compare = {"rtol": 1e-7, "atol": 1e-9}
    np.testing.assert_allclose(evaluate("Corr", [x, y], [window]).T, rolling.corr(other), **compare)
    np.testing.assert_allclose(evaluate("Cov", [x, y], [window]).T, rolling.cov(other), **compare)
    slope, residual = evaluate("RegBeta", [x, y], [window]), evaluate("RegResi", [x, y], [window])
    for t in (1, 30, 77, 120, 149):
        there = np.arange(max(t - window + 1, 0) if window else 0, t + 1)
        there = there[~np.isnan(x[0, there] + y[0, there])]
        if len(there) < 3:
            continue
        beta, constant = np.polyfit(y[0, there], x[0, there], 1)
        assert slope[0, t] == pytest.approx(beta, rel=1e-7)
        np.testing.assert_allclose(residual[0, t], x[0, t] - constant - beta * y[0, t], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "literal", "alpha"),
    [("EMA", 10, 2 / 11), ("EMA", 1, 1.0), ("EMA", 0.2, 0.2), ("Mean", 0.3, 0.3), ("Wilder", 14, 1 / 14)],
)
def test_exponential_means_equal_pandas(name, literal, alpha):
    x = difficult(sessions=900)
    expected = pd.DataFrame(x.T).ewm(alpha=alpha).mean()
    gap = pd.DataFrame(x.T).notna().rolling(restart(alpha), min_periods=1).sum() == 0  # long forgotten
    np.testing.assert_allclose(evaluate(name, [x], [literal]).T, expected.mask(gap), rtol=1e-11, atol=1e-12)


# Bits -----------------------------------------------------------------------------------------------------------------


def settings(name, rng):
    """Literals at random, the memory they are declared to have, and one that is too short."""
    if name in ("EMA", "Wilder"):
        literals = [int(rng.integers(2, 9))]
        memory = OPERATORS[name].reach(literals).memory
        return literals, memory, memory // 4
    window = int(rng.integers(4, 40))
    literals = literals_of(name, window)
    memory = OPERATORS[name].reach(literals).memory
    return literals, memory, window - (1 if name in ("Ref", "Delta") else 2)


def agrees_after_restart(name, literals, memory, rng, times=12):
    """Whether rows that are `memory` sessions after the start of their input have the same bits wherever that is."""
    sessions = memory + 200
    x = difficult(int(rng.integers(1000)), sessions)
    x[1, rng.integers(sessions, size=3)] = 1e10
    inputs = inputs_of(name, x)
    offset = int(rng.integers(0, 5000))
    full = evaluate(name, inputs, literals, offset)
    for cut in rng.integers(1, 150, times):
        part = evaluate(name, [np.ascontiguousarray(v[:, cut:]) for v in inputs], literals, offset + int(cut))
        if part[:, memory:].tobytes() != full[:, cut + memory :].tobytes():
            return False
    return True


@pytest.mark.parametrize("name", TIME)
def test_a_restart_one_memory_earlier_gives_the_same_bits(name):
    rng = np.random.default_rng(3)
    for _ in range(6):
        literals, memory, _ = settings(name, rng)
        assert agrees_after_restart(name, literals, memory, rng), literals


@pytest.mark.parametrize("name", [name for name in TIME if name not in ("Ref", "Delta", "EMA", "Wilder")])
def test_the_bits_of_a_window_are_made_of_the_window_alone(name):
    rng = np.random.default_rng(4)
    for window in (1, 2, 7, 30):
        assert agrees_after_restart(name, literals_of(name, window), window - 1, rng), window


@pytest.mark.parametrize("name", TIME)
def test_a_shorter_memory_is_caught(name):
    rng = np.random.default_rng(3)
    tries = [settings(name, rng) for _ in range(6)]
    assert not all(agrees_after_restart(name, literals, short, rng) for literals, _, short in tries)


@pytest.mark.parametrize("poison", [1e10, -1e300, np.nan, np.inf])
@pytest.mark.parametrize("name", TIME)
def test_a_value_out_of_the_window_leaves_no_trace(name, poison):
    rng = np.random.default_rng(5)
    literals, memory, _ = settings(name, rng)
    clean = difficult(4, 2 * memory + 100)
    dirty = clean.copy()
    column = memory + 7
    dirty[:, column] = poison
    other = second(clean)
    inputs = (lambda x: [x, other]) if name in PAIRS else (lambda x: [x])
    before, after = evaluate(name, inputs(clean), literals), evaluate(name, inputs(dirty), literals)
    assert before[:, column + memory + 1 :].tobytes() == after[:, column + memory + 1 :].tobytes()
    assert before[:, :column].tobytes() == after[:, :column].tobytes()


@pytest.mark.parametrize("name", TIME)
def test_more_sessions_change_nothing_before(name):
    x = difficult()
    inputs, literals = inputs_of(name, x), literals_of(name, 20)
    short = [np.ascontiguousarray(v[:, :97]) for v in inputs]
    expanding = [0, *literals[1:]]
    for these in (literals, expanding) if OPERATORS[name].parameters[0].expanding else (literals,):
        assert evaluate(name, short, these).tobytes() == evaluate(name, inputs, these)[:, :97].tobytes()


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e10 / 7, -0.3])
def test_equal_values_have_no_spread_and_are_their_own_mean(constant):
    x = np.full((1, 400), constant)
    x[0, ::7] = np.nan
    x[0, 45:70] = np.nan
    for window in (5, 20, 60, 0):
        for name, value in {
            "Std": 0.0,
            "Var": 0.0,
            "Mad": 0.0,
            "Slope": 0.0,
            "Mean": constant,
            "WMA": constant,
        }.items():
            assert set(known(evaluate(name, [x], [window]))) == {value}, (name, window)
        for name in ("Skew", "Kurt", "Rsquare"):
            assert known(evaluate(name, [x], [window])).size == 0, (name, window)
        assert known(evaluate("Corr", [x, second(x)], [window])).size == 0
    for name, literals in {"EMA": [20], "Wilder": [14], "GMA": [20, 0.9], "Quantile": [20, 0.3]}.items():
        assert set(known(evaluate(name, [x], literals))) == {constant}, name


def known(result):
    return result[~np.isnan(result)]


def test_rounding_is_no_spread():
    """A mean of halted prices wobbles in its last bits; nothing correlates with that."""
    rng = np.random.default_rng(0)
    x = 1 / 3 * (1 + 1e-15 * rng.integers(-3, 4, size=(1, 100)))
    assert np.isnan(evaluate("Corr", [x, rng.normal(size=x.shape)], [20])).all()
    for name in ("Rsquare", "Skew", "Kurt"):
        assert np.isnan(evaluate(name, [x], [20])).all(), name


def test_correlation_does_not_leave_its_range_nor_depend_on_a_far_level():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 300))
    y = np.array([2 * x[0] + 1, -x[1], x[2] + rng.normal(size=300)])
    correlation = evaluate("Corr", [x, y], [30])[:, 1:]
    assert abs(correlation).max() <= 1.0
    np.testing.assert_allclose(correlation[:2], [[1.0], [-1.0]] * np.ones((2, 299)), atol=1e-13)
    np.testing.assert_allclose(evaluate("Corr", [x + 2.0**20, y], [30])[:, 1:], correlation, atol=1e-8)


def test_what_is_not_finite_is_missing_and_nothing_infinite_comes_out():
    x = difficult()
    x[2, ::11] = np.nan
    wild = x.copy()
    wild[2, ::22], wild[2, 11::22] = np.inf, -np.inf
    large = np.full((1, 50), 1.7e308)
    for name in TIME:
        literals = literals_of(name, 6)
        if name != "Ref":
            other = second(x)
            inputs = (lambda v, o=other: [v, o]) if name in PAIRS else (lambda v: [v])
            np.testing.assert_array_equal(
                evaluate(name, inputs(wild), literals), evaluate(name, inputs(x), literals), name
            )
        signs = large * np.where(np.arange(50) % 3, 1, -1)
        assert not np.isinf(evaluate(name, [signs, signs] if name in PAIRS else [signs], literals)).any(), name


def test_ties_are_equal_to_the_bit_whatever_the_phase():
    """Shares of days are counts over counts: equal counts rank equal across names."""
    rng = np.random.default_rng(0)
    flags = (rng.random((40, 120)) < 0.5).astype(float)
    for name, window in (("Mean", 7), ("Std", 7), ("WMA", 7)):
        found = evaluate(name, [flags], [window])
        shifted = evaluate(name, [flags], [window], first=3)
        assert found[:, 7:].tobytes() == shifted[:, 7:].tobytes(), name


def test_inputs_of_any_layout_are_taken_and_left_alone():
    x = difficult()
    kept = x.copy()
    strided = np.asfortranarray(x)
    strided.flags.writeable = False
    for name in TIME:
        inputs = inputs_of(name, x)
        expected = evaluate(name, inputs, literals_of(name, 6))
        out = np.empty_like(x)
        TIME[name]([strided, *inputs[1:]], literals_of(name, 6), 0, out)
        np.testing.assert_array_equal(out, expected, name)
    np.testing.assert_array_equal(x, kept)


def test_no_sessions_or_no_names_give_nothing():
    for shape in ((0, 5), (3, 0), (1, 1)):
        x = np.ones(shape)
        for name in TIME:
            for window in (3, 0) if OPERATORS[name].parameters[0].expanding else (3,):
                assert evaluate(name, inputs_of(name, x), literals_of(name, window)).shape == shape


def test_an_average_restarts_when_what_was_before_weighs_nothing():
    assert (1 - 2 / 11) ** restart(2 / 11) == pytest.approx(np.exp(-FORGOTTEN), rel=0.2)
