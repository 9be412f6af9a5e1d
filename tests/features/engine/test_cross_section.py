"""Operators across names: against pandas and least squares, members and others, dates with nothing."""

import numpy as np
import pandas as pd
import pytest

from alphalib.features.engine.kernels import CROSS
from alphalib.features.language.operators import OPERATORS

NAMES, SESSIONS = 40, 70


@pytest.fixture(scope="module")
def panels():
    """Values with ties, outliers, holes; members; groups; two regressors. (names, sessions)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NAMES, SESSIONS))
    x[:, 5:15] = np.round(x[:, 5:15])
    x[3, 15:20] = 1e10
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 21] = np.nan  # nobody has a value
    x[:, 22] = 0.1  # all the same
    x[1:, 23] = np.nan  # one name
    members = rng.random(x.shape) < 0.7
    members[0, 23] = True
    members[:, 24] = False  # no members
    groups = rng.integers(-1, 5, size=x.shape).astype(float)
    groups[rng.random(x.shape) < 0.03] = np.nan
    regressors = rng.normal(size=(2, NAMES, SESSIONS))
    regressors[0, rng.random(x.shape) < 0.05] = np.nan
    return x, members, groups, regressors


def evaluate(name, inputs, members, *literals):
    out = np.full_like(inputs[0], 12345.0)
    CROSS[name](inputs, list(literals), members, out)
    return out


def test_every_operator_across_names_has_a_kernel():
    assert {name for name, operator in OPERATORS.items() if operator.kind == "cross-section"} == set(CROSS)


def test_by_hand():
    x = np.array([[1.0], [2.0], [2.0], [5.0], [3.0], [9.0], [2.0], [np.nan]])
    members = np.array([[True]] * 4 + [[False]] * 3 + [[True]])
    # members 1, 2, 2, 5: ranks 1, 2½, 2½, 4 of 4; others: 3 has 3 below: 3½ of 4; 9 has 4 below: 4½, at most 4;
    # 2 has 1 below and 2 equal: 1 + 2/2 + ½ = 2½
    expected = [0.25, 0.625, 0.625, 1.0, 0.875, 1.0, 0.625, np.nan]
    np.testing.assert_array_equal(evaluate("CSRank", [x], members)[:, 0], expected)
    # mean 2.5, squares 2.25 + .25 + .25 + 6.25 = 9, variance 3
    scores = (x[:, 0] - 2.5) / np.sqrt(3)
    np.testing.assert_allclose(evaluate("CSZScore", [x], members)[:, 0], scores, rtol=1e-15)
    np.testing.assert_allclose(evaluate("CSScale", [x], members, 2.0)[:, 0], x[:, 0] / 10 * 2)
    # the quartiles of 1, 2, 2, 5 are 1.75 and 2.75
    np.testing.assert_allclose(evaluate("CSWinsor", [x], members, 0.25)[:, 0], np.clip(x[:, 0], 1.75, 2.75))
    for name, value in {"CSMean": 2.5, "CSMedian": 2.0, "CSSum": 10.0, "CSCount": 4.0, "CSMax": 5.0}.items():
        np.testing.assert_array_equal(evaluate(name, [x], members)[:, 0], [value] * 7 + [np.nan])
    # groups of {1, 2} and {2, 5}, means 1.5 and 3.5; 3 and 9 belong to the second; 2 to a group without members
    groups = np.array([[0.0], [0.0], [1.0], [1.0], [1.0], [1.0], [2.0], [0.0]])
    residual = [-0.5, 0.5, -1.5, 1.5, -0.5, 5.5, np.nan, np.nan]
    np.testing.assert_array_equal(evaluate("CSNeutralize", [x, groups], members)[:, 0], residual)


IN_PANDAS = {
    "CSMean": lambda x, m: x * 0 + m.mean(),
    "CSStd": lambda x, m: x * 0 + m.std(),
    "CSSkew": lambda x, m: x * 0 + m.skew(),
    "CSMax": lambda x, m: x * 0 + m.max(),
    "CSMin": lambda x, m: x * 0 + m.min(),
    "CSMedian": lambda x, m: x * 0 + m.median(),
    "CSSum": lambda x, m: x * 0 + m.sum(min_count=1),
    "CSCount": lambda x, m: x * 0 + m.count(),
    "CSDemean": lambda x, m: x - m.mean(),
    "CSZScore": lambda x, m: (x - m.mean()) / m.std().where(m.std() > 1e-12),
    "CSScale": lambda x, m: x / m.abs().sum().where(m.count() > 0) * 3,
    "CSWinsor": lambda x, m: x.clip(m.quantile(0.1), m.quantile(0.9), axis=1) + 0 * m.max(),
}


@pytest.mark.parametrize("name", IN_PANDAS)
def test_equal_to_pandas(name, panels):
    x, members, *_ = panels
    frame = pd.DataFrame(x)
    literals = {"CSScale": [3.0], "CSWinsor": [0.1]}.get(name, [])
    expected = IN_PANDAS[name](frame, frame.where(members))
    np.testing.assert_allclose(evaluate(name, [x], members, *literals), expected, rtol=1e-9, atol=1e-9)


def test_rank_equals_pandas_for_members_and_lies_between_them_for_others(panels):
    x, members, *_ = panels
    rank = evaluate("CSRank", [x], members)
    expected = pd.DataFrame(x).where(members).rank(pct=True).to_numpy()
    np.testing.assert_array_equal(np.where(members, rank, np.nan), expected)
    assert np.isnan(rank[:, 24]).all()
    for t in (0, 7, 17):
        known = np.flatnonzero(~np.isnan(x[:, t]))
        ordered = known[np.argsort(x[known, t])]
        steps, ranks = np.diff(x[ordered, t]), np.diff(rank[ordered, t])
        assert (ranks[steps > 0] >= 0).all()
        assert (ranks[steps == 0] == 0).all()


def test_rank_sorts_numbers_of_every_kind():
    x = np.array([[-np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, 1.0, np.nextafter(1.0, 2.0), np.nan, np.inf]]).T
    rank = evaluate("CSRank", [x], np.ones(x.shape, bool))[:, 0] * 8
    np.testing.assert_array_equal(rank, [np.nan, 3.5, 3.5, 5, 2, 8, 1, 6, 7, np.nan, np.nan])


def least_squares(x, members, groups, regressors):
    """Residuals by dummies and `numpy.linalg.lstsq`, one date after the other."""
    result = np.full_like(x, np.nan)
    for t in range(x.shape[1]):
        known = ~np.isnan(x[:, t]) & (groups[:, t] >= 0) & ~np.isnan(regressors[:, :, t]).any(axis=0)
        fitted = known & members[:, t]
        present = np.unique(groups[fitted, t])
        known &= np.isin(groups[:, t], present)
        if not fitted.any():
            continue
        design = np.column_stack([*(groups[:, t] == code for code in present), *regressors[:, :, t]]).astype(float)
        if len(regressors) and fitted.sum() <= design.shape[1]:
            continue
        beta = np.linalg.lstsq(np.nan_to_num(design[fitted]), x[fitted, t])[0]
        result[known, t] = x[known, t] - np.nan_to_num(design[known]) @ beta
    return result


@pytest.mark.parametrize("count", [0, 1, 2])
def test_neutralized_is_the_residual_on_groups_and_regressors(count, panels):
    x, members, groups, regressors = panels
    actual = evaluate("CSNeutralize", [x, groups, *regressors[:count]], members)
    plain = np.arange(SESSIONS) != 23  # one name: a residual of 0
    expected = least_squares(x, members, groups, regressors[:count])
    size = np.nanmax(abs(x), axis=0, initial=1.0, where=~np.isnan(x))
    np.testing.assert_allclose((actual / size)[:, plain], (expected / size)[:, plain], atol=1e-10)
    fitted = members & ~np.isnan(actual)
    for code in range(5):
        inside = fitted & (groups == code)
        total = np.where(inside, actual, 0.0).sum(axis=0)
        np.testing.assert_allclose(total / size, 0.0, atol=1e-12)


def test_residual_is_orthogonal_to_what_it_was_taken_on(panels):
    x, members, _, regressors = panels
    residual = evaluate("CSResid", [x, *regressors], members)
    expected = least_squares(x, members, np.zeros_like(x), regressors)
    size = np.nanmax(abs(x), axis=0, initial=1.0, where=~np.isnan(x))
    plain = np.arange(SESSIONS) != 23
    np.testing.assert_allclose((residual / size)[:, plain], (expected / size)[:, plain], atol=1e-10)


def test_regressors_that_say_nothing_new_are_left_out(panels):
    x, members, groups, regressors = panels
    one = evaluate("CSResid", [x, regressors[1]], members)
    again = evaluate("CSResid", [x, regressors[1], 3 - 2 * regressors[1], np.full_like(x, 5.0)], members)
    np.testing.assert_allclose(again, one, rtol=1e-9, atol=1e-12)
    by_group = evaluate("CSNeutralize", [x, groups], members)
    np.testing.assert_array_equal(evaluate("CSNeutralize", [x, groups, 0.1 * groups], members), by_group)


def test_regressors_that_are_nearly_alike_are_told_apart():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, NAMES, 3))
    other = z + 1e-7 * rng.normal(size=z.shape)
    members = np.ones(x.shape, bool)
    residual = evaluate("CSResid", [x, z, other], members)
    for t in range(3):
        design = np.column_stack([np.ones(NAMES), z[:, t], (other - z)[:, t] * 1e7])
        expected = x[:, t] - design @ np.linalg.lstsq(design, x[:, t])[0]
        np.testing.assert_allclose(residual[:, t], expected, atol=1e-7)
        np.testing.assert_allclose(design[:, :2].T @ residual[:, t], 0.0, atol=1e-12)


def test_nothing_is_left_of_what_the_regressors_explain(panels):
    _, members, _, regressors = panels
    explained = 7 + 3 * regressors[1] - regressors[0]
    residual = evaluate("CSResid", [explained, *regressors], members)
    assert set(np.unique(residual[~np.isnan(residual)])) == {0.0}


def test_as_many_members_as_numbers_fitted_is_no_fit():
    x = np.arange(12.0).reshape(4, 3) ** 2
    z = np.cos(x)
    members = np.array([[True, True, True], [True, True, True], [False, True, True], [False, False, True]])
    residual = evaluate("CSResid", [x, z], members)
    assert np.isnan(residual[:, 0]).all()
    assert not np.isnan(residual[:, 1:]).any()


def test_unknown_groups_have_no_result():
    x = np.arange(6.0)[:, None]
    groups = np.array([[0.0], [0.0], [-1.0], [np.nan], [0.5], [1e6]])
    residual = evaluate("CSNeutralize", [x, groups], np.ones(x.shape, bool))
    np.testing.assert_array_equal(residual[:, 0], [-0.5, 0.5, np.nan, np.nan, np.nan, np.nan])


def test_dates_with_nothing_one_or_all_the_same(panels):
    x, members, *_ = panels
    missing = {name: evaluate(name, [x], members, *([1.0] if name == "CSScale" else [])) for name in IN_PANDAS
               if name != "CSWinsor"}  # fmt: skip
    missing["CSWinsor"] = evaluate("CSWinsor", [x], members, 0.025)
    for name, values in missing.items():
        assert np.isnan(values[:, 21]).all(), name
        assert np.isnan(values[:, 24]).all() or name == "CSCount", name
    assert (missing["CSCount"][~np.isnan(x[:, 24]), 24] == 0).all()
    assert np.isnan(missing["CSZScore"][:, 22]).all()
    assert (missing["CSDemean"][:, 22][~np.isnan(x[:, 22])] == 0).all()
    assert (missing["CSStd"][:, 22][~np.isnan(x[:, 22])] == 0).all()
    assert evaluate("CSRank", [x], members)[0, 23] == 1.0
    assert np.isnan(missing["CSStd"][0, 23])
    assert missing["CSDemean"][0, 23] == 0.0


@pytest.mark.parametrize("name", CROSS)
def test_a_date_depends_on_its_own_members_alone(name, panels):
    x, members, groups, regressors = panels
    inputs = {"CSNeutralize": [x, groups, *regressors], "CSResid": [x, *regressors]}.get(name, [x])
    literals = {"CSScale": [1.0], "CSWinsor": [0.025]}.get(name, [])
    full = evaluate(name, inputs, members, *literals)
    # slices of sessions, as threads get them, and other values for those who are no members
    for begin, end in ((0, 1), (13, 47), (33, 70)):
        out = np.empty_like(x)
        CROSS[name]([v[:, begin:end] for v in inputs], literals, members[:, begin:end], out[:, begin:end])
        assert out[:, begin:end].tobytes() == full[:, begin:end].tobytes()
    others = [np.where(members, v, 1e6 if v is not groups else 3.0) for v in inputs]
    changed = evaluate(name, others, members, *literals)
    stays = members & ~np.isnan(full)
    np.testing.assert_array_equal(changed[stays], full[stays])
