"""The features in use, written a second time as plain pandas: what the expressions are held to."""

import numpy as np
import pandas as pd

from alphalib.features.events import earnings_surprise, sessions_since_earnings
from alphalib.features.momentum import momentum, price_vs_mean
from alphalib.features.technical import atr, rsi
from alphalib.universe import sector_totals

ANNUAL = 252**0.5


def distance_from_high(close, *, window=252):
    return close / close.ffill().rolling(window).max() - 1.0


def atr_pct(high, low, close, *, window=14):
    return atr(high, low, close, window=window) / close.where(close > 0)


def macd(close, *, fast=12, slow=26, signal=9):
    held = close.ffill()
    line = held.ewm(span=fast, adjust=False).mean() - held.ewm(span=slow, adjust=False, min_periods=slow).mean()
    histogram = line - line.ewm(span=signal, adjust=False, min_periods=signal + 1).mean()
    return histogram / close.where(close > 0)


def bollinger_pct(close, *, window=20, width=2.0):
    rolling = close.ffill().rolling(window)
    deviation = rolling.std()
    return 0.5 + (close - rolling.mean()) / (2.0 * width * deviation.where(deviation > 0))


def log_return(close):
    return np.log(close.where(close > 0).ffill()).diff()


def realized_volatility(close, *, window=20):
    return (log_return(close).rolling(window).std() * ANNUAL).where(close.notna())


def volatility_ratio(close, *, short=10, long=60):
    slow = realized_volatility(close, window=long)
    return realized_volatility(close, window=short) / slow.where(slow > 0)


def avg_volume(volume, *, window=20):
    return _mean(volume, window).where(volume.notna())


def relative_volume(volume, *, window=20):
    usual = _mean(volume, window)
    return volume / usual.where(usual > 0)


def volume_trend(volume, *, short=10, long=60):
    usual = _mean(volume, long)
    return (_mean(volume, short) / usual.where(usual > 0) - 1.0).where(volume.notna())


def obv_slope(close, volume, *, window=20):
    held = close.ffill()
    signed = np.sign(held.diff()) * volume.fillna(0.0)
    # A day's volume lifts every later point of the line: its weight is the sum of their (x − mean x) / Σ (x − mean x)².
    x = np.arange(window) - (window - 1) / 2
    weights = np.cumsum(x[::-1])[:-1] / (x @ x)
    values = signed.to_numpy()
    slope = np.full(values.shape, np.nan)
    if len(values) >= window:
        slope[window - 1 :] = 0.0
        for lag, weight in enumerate(weights):
            slope[window - 1 :] += weight * values[window - 1 - lag : len(values) - lag]
    usual = _mean(volume, window)
    return (pd.DataFrame(slope, index=close.index, columns=close.columns) / usual.where(usual > 0)).where(close.notna())


def _mean(volume, window):
    return volume.rolling(window, min_periods=window - window // 5).mean()


def beta(close, benchmark, *, window=60):
    covariance, variance = _moments(close, benchmark, window)
    return covariance.div(variance.where(variance > 0), axis=0).where(close.notna())


def idiosyncratic_volatility(close, benchmark, *, window=60):
    covariance, variance = _moments(close, benchmark, window)
    explained = (covariance**2).div(variance.where(variance > 0), axis=0)
    residual = (log_return(close).rolling(window).var() - explained).clip(lower=0.0)
    return (residual * 252).pow(0.5).where(close.notna())


def sector_relative_momentum(close, member, sector, *, window=20):
    own = momentum(close, window=window)
    counted = member.to_numpy() & own.notna().to_numpy()
    total, count = sector_totals(own.to_numpy(), counted, sector.to_numpy())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return own - mean


def _moments(close, benchmark, window):
    own = log_return(close)
    market = log_return(benchmark.to_frame()).iloc[:, 0]
    product = own.mul(market, axis=0).rolling(window).mean()
    means = own.rolling(window).mean().mul(market.rolling(window).mean(), axis=0)
    return (product - means) * (window / (window - 1)), market.rolling(window).var()


PLAIN = {
    "momentum_5": lambda m: momentum(m.adj_close, window=5),
    "momentum_20": lambda m: momentum(m.adj_close, window=20),
    "momentum_252_21": lambda m: momentum(m.adj_close, window=252, skip=21),
    "price_vs_ma50": lambda m: price_vs_mean(m.adj_close, window=50),
    "price_vs_ma200": lambda m: price_vs_mean(m.adj_close, window=200),
    "distance_from_52w_high": lambda m: distance_from_high(m.adj_close, window=252),
    "rsi_14": lambda m: rsi(m.adj_close, window=14),
    "macd_12_26_9": lambda m: macd(m.adj_close),
    "bollinger_pct_20": lambda m: bollinger_pct(m.adj_close, window=20),
    "atr_pct_14": lambda m: atr_pct(m.adj_high, m.adj_low, m.adj_close, window=14),
    "realized_volatility_20": lambda m: realized_volatility(m.adj_close, window=20),
    "volatility_ratio_10_60": lambda m: volatility_ratio(m.adj_close),
    "beta_60": lambda m: beta(m.adj_close, m.benchmarks["SPY"], window=60),
    "idiosyncratic_volatility_60": lambda m: idiosyncratic_volatility(m.adj_close, m.benchmarks["SPY"], window=60),
    "sector_relative_momentum_20": lambda m: sector_relative_momentum(m.adj_close, m.member, m.sector, window=20),
    "relative_volume_20": lambda m: relative_volume(m.adj_volume, window=20),
    "volume_trend_10_60": lambda m: volume_trend(m.adj_volume),
    "obv_slope_20": lambda m: obv_slope(m.adj_close, m.adj_volume, window=20),
    "avg_volume_20": lambda m: avg_volume(m.adj_volume, window=20) * m.split_factor,
    "dollar_volume_20": lambda m: avg_volume(m.close * m.volume, window=20),
    "earnings_surprise_60": lambda m: earnings_surprise(m.earnings, m.close),
    "days_since_earnings": lambda m: sessions_since_earnings(m.earnings, m.close),
}
"""Each by the name of its feature, from a market."""
