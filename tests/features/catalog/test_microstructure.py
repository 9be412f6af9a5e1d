"""The formulas of the papers, written a second time with numpy, and a few by hand."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog.microstructure import MICROSTRUCTURE
from alphalib.features.compute import factor, factors
from alphalib.market import Market
from tests.features.catalog.markets import complete_market

MARKET = replace(complete_market(names=3, sessions=340, missing=0.0), actions=complete_market().actions.iloc[:0])
DAY = 330
BARS = {
    name: getattr(MARKET, name).iloc[:, 1].to_numpy() for name in ("open", "high", "low", "close", "volume", "vwap")
}


def window(values: np.ndarray, length: int) -> np.ndarray:
    """The last `length` values up to the day."""
    return values[DAY - length + 1 : DAY + 1]


def log_returns() -> np.ndarray:
    return np.append(np.nan, np.diff(np.log(BARS["close"])))


def corwin_schultz(length: int) -> float:
    """Corwin and Schultz (2012), equations 14 and 18, with the adjustment for the night of section III.B."""
    spreads = []
    for t in range(DAY - length + 1, DAY + 1):
        before, high, low = BARS["close"][t - 1], BARS["high"][t], BARS["low"][t]
        moved = max(low - before, 0.0) + min(high - before, 0.0)
        high, low = high - moved, low - moved
        high_before, low_before = BARS["high"][t - 1], BARS["low"][t - 1]
        beta = np.log(high_before / low_before) ** 2 + np.log(high / low) ** 2
        gamma = np.log(max(high_before, high) / min(low_before, low)) ** 2
        k = 3 - 2 * np.sqrt(2)
        alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
        spreads.append(max(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0))
    return float(np.mean(spreads))


def abdi_ranaldo(length: int) -> float:
    """Abdi and Ranaldo (2017), equation 11: the two-day corrected estimator."""
    middle, close = (np.log(BARS["high"]) + np.log(BARS["low"])) / 2, np.log(BARS["close"])
    pairs = [(close[t - 1] - middle[t - 1]) * (close[t - 1] - middle[t]) for t in range(DAY - length + 1, DAY + 1)]
    return float(np.mean(np.sqrt(np.maximum(4 * np.array(pairs), 0.0))))


def yang_zhang(n: int) -> float:
    night, day = (
        np.log(BARS["open"][1:] / BARS["close"][:-1])[:DAY][-n:],
        window(np.log(BARS["close"] / BARS["open"]), n),
    )
    up, down = window(np.log(BARS["high"] / BARS["open"]), n), window(np.log(BARS["low"] / BARS["open"]), n)
    rogers_satchell = np.mean(up * (up - day) + down * (down - day))
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    return float(np.sqrt(252 * (night.var(ddof=1) + k * day.var(ddof=1) + (1 - k) * rogers_satchell)))


def transcribed() -> dict[str, float]:
    """Every value of the day, written from the papers."""
    r, volume, close = log_returns(), BARS["volume"], BARS["close"]
    span, day = np.log(BARS["high"] / BARS["low"]), np.log(close / BARS["open"])
    night = np.append(np.nan, np.log(BARS["open"][1:] / close[:-1]))
    dollars, last21, last60 = close * volume, window(r, 21), window(r, 60)
    usual = pd.Series(volume).rolling(60).mean().to_numpy()
    std60 = pd.Series(r).rolling(60).std().to_numpy()
    bought = 1 / (1 + np.exp(-1.702 * r / std60))
    imbalance = (2 * bought - 1) * volume
    gk = 0.5 * span**2 - (2 * np.log(2) - 1) * day**2
    rs = np.log(BARS["high"] / close) * np.log(BARS["high"] / BARS["open"])
    rs = rs + np.log(BARS["low"] / close) * np.log(BARS["low"] / BARS["open"])
    bipower = np.pi / 2 * np.mean(np.abs(last21) * np.abs(r[DAY - 21 : DAY]))
    shares = MARKET.fundamentals[MARKET.fundamentals["ticker"] == MARKET.tickers[1]].dropna(subset="shares_outstanding")
    filed = pd.Series(shares["shares_outstanding"].to_numpy(), index=MARKET.sessions.get_indexer(shares["known"]))
    outstanding = filed.reindex(range(len(r))).ffill().to_numpy()
    signed = np.sign(r) * np.sqrt(volume / usual)
    five = np.append(np.full(5, np.nan), np.log(close[5:] / close[:-5]))

    def slope(y: np.ndarray, x: np.ndarray) -> float:
        return float(np.cov(y, x)[0, 1] / np.var(x, ddof=1))

    def corr(x: np.ndarray, y: np.ndarray, n: int) -> float:
        return float(np.corrcoef(window(x, n), window(y, n))[0, 1])

    def lagged(x: np.ndarray) -> np.ndarray:
        return np.append(np.nan, x[:-1])

    return {
        "roll_spread_60": 2 * np.sqrt(max(-np.cov(last60, window(lagged(r), 60))[0, 1], 0.0)),
        "corwin_schultz_21": corwin_schultz(21),
        "abdi_ranaldo_21": abdi_ranaldo(21),
        "zero_return_share_60": np.mean(last60 == 0),
        "amihud_21": 1e6 * np.mean(np.abs(last21) / window(dollars, 21)),
        "amihud_252": 1e6 * np.mean(np.abs(window(r, 252)) / window(dollars, 252)),
        "amihud_asymmetry_60": np.sum(np.maximum(-last60, 0) / window(dollars, 60))
        / np.sum(np.abs(last60) / window(dollars, 60))
        - 0.5,
        "amivest_21": window(dollars, 21).sum() / np.abs(last21).sum(),
        "kyle_lambda_60": slope(last60, window(signed, 60)),
        "volume_reversal_60": slope(last60, window(lagged(np.sign(r) * volume / usual), 60)),
        "turnover_21": np.mean(window(volume / outstanding, 21)),
        "turnover_volatility_60": window(volume, 60).std(ddof=1) / window(volume, 60).mean(),
        "dollar_volume_20": window(dollars, 20).mean(),
        "volume_rank_50": np.mean(window(volume, 50) <= volume[DAY]),
        "volume_concentration_21": window(volume, 21).max() / window(volume, 21).sum(),
        "bulk_imbalance_20": window(imbalance, 20).sum() / window(volume, 20).sum(),
        "vpin_50": np.abs(window(imbalance, 50)).sum() / window(volume, 50).sum(),
        "vwap_distance_20": close[DAY] / np.average(window(BARS["vwap"], 20), weights=window(volume, 20)) - 1,
        "volume_volatility_60": corr(np.abs(r), volume, 60),
        "volume_direction_60": corr(r, volume, 60),
        "volume_return_dynamics_120": corr(r, lagged(r * volume / usual), 120),
        "volume_autocorrelation_60": corr(volume, lagged(volume), 60),
        "realized_volatility_20": window(r, 20).std(ddof=1) * np.sqrt(252),
        "parkinson_20": np.sqrt(252 * np.mean(window(span, 20) ** 2) / (4 * np.log(2))),
        "garman_klass_20": np.sqrt(252 * np.mean(window(gk, 20))),
        "rogers_satchell_20": np.sqrt(252 * np.mean(window(rs, 20))),
        "yang_zhang_20": yang_zhang(20),
        "range_autocorrelation_60": corr(span, lagged(span), 60),
        "bipower_volatility_21": np.sqrt(252 * bipower),
        "jump_share_21": max(1 - bipower / np.mean(last21**2), 0.0),
        "downside_share_60": np.sum(last60[last60 < 0] ** 2) / np.sum(last60**2),
        "signed_jump_21": (np.sum(last21[last21 > 0] ** 2) - np.sum(last21[last21 < 0] ** 2)) / np.sum(last21**2),
        "skewness_60": pd.Series(last60).skew(),
        "kurtosis_60": pd.Series(last60).kurt(),
        "max_return_21": last21.max(),
        "min_return_21": last21.min(),
        "left_tail_252": np.quantile(window(r, 252), 0.05),
        "return_autocorrelation_60": corr(r, lagged(r), 60),
        "variance_ratio_5_120": window(five, 120).var(ddof=1) / (5 * window(r, 120).var(ddof=1)) - 1,
        "overnight_return_21": window(night, 21).sum(),
        "intraday_return_21": window(day, 21).sum(),
        "overnight_less_intraday_60": window(night - day, 60).mean(),
        "overnight_variance_share_60": window(night, 60).var(ddof=1)
        / (window(night, 60).var(ddof=1) + window(day, 60).var(ddof=1)),
        "night_day_correlation_60": corr(night, day, 60),
        "gap_to_range_20": np.abs(window(night, 20)).mean() / window(span, 20).mean(),
    }


TRANSCRIBED = transcribed()


@pytest.fixture(scope="module")
def computed():
    return factors({name: entry.node for name, entry in MICROSTRUCTURE.items()}, MARKET)


@pytest.mark.parametrize("name", TRANSCRIBED)
def test_equal_to_the_paper(name, computed):
    assert computed[name].iloc[DAY, 1] == pytest.approx(TRANSCRIBED[name], rel=1e-9, abs=1e-12)


def traded_market(*, spread: float, volatility: float = 0.01, trades: int = 390) -> Market:
    """A random walk without nights whose trades bounce between bid and ask."""
    rng = np.random.default_rng(3)
    shape = (len(MARKET.sessions), trades)
    value = np.cumsum(rng.normal(0, volatility / np.sqrt(trades), shape).ravel()).reshape(shape)
    price = 50 * np.exp(value + spread / 2 * rng.choice([-1, 1], shape))
    made = {"open": price[:, 0], "high": price.max(axis=1), "low": price.min(axis=1), "close": price[:, -1]}
    return replace(
        MARKET,
        **{
            name: pd.DataFrame(dict.fromkeys(MARKET.tickers, values), index=MARKET.sessions).rename_axis(
                columns="ticker"
            )
            for name, values in made.items()
        },
    )


@pytest.mark.parametrize(
    ("name", "within"), [("roll_spread_60", 0.006), ("corwin_schultz_21", 0.004), ("abdi_ranaldo_21", 0.004)]
)
def test_a_known_spread_is_found_again(name, within):
    estimates = factor(MICROSTRUCTURE[name].node, traded_market(spread=0.02))
    assert estimates.iloc[:, 0].mean() == pytest.approx(0.02, abs=within)


@pytest.mark.parametrize(
    "name",
    [
        "realized_volatility_20",
        "bipower_volatility_21",
        "parkinson_20",
        "garman_klass_20",
        "rogers_satchell_20",
        "yang_zhang_20",
    ],
)
def test_a_known_volatility_is_found_again(name):
    # 1 % a session is 0.1587 a year; 390 trades miss a little of the true range
    estimates = factor(MICROSTRUCTURE[name].node, traded_market(spread=0.0))
    assert estimates.iloc[:, 0].mean() == pytest.approx(0.01 * 252**0.5, rel=0.09)


def test_bulk_classification_by_hand():
    # A logistic curve of 1.702 z at z = 1 is 1/(1 + e^−1.702) = .84577; the normal distribution has .84134.
    logistic = 1 / (1 + np.exp(-1.702 * np.linspace(-4, 4, 801)))
    normal = [NormalDist().cdf(z) for z in np.linspace(-4, 4, 801)]
    assert np.abs(logistic - normal).max() < 0.0095


def test_levels_in_currency_say_so():
    units = {name: entry.unit for name, entry in MICROSTRUCTURE.items() if entry.unit != "ratio"}
    assert units == {
        "amihud_21": "1/currency",
        "amihud_252": "1/currency",
        "amivest_21": "currency",
        "avg_volume_20": "shares",
        "dollar_volume_20": "currency",
    }
