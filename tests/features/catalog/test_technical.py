"""Equal to TA-Lib 0.8.2, whose numbers were written down once: tests/golden/talib_indicators.py.

Recursive averages start from seeds there and from nothing here. The rows compared are the last 180 of 700: by then a
seed weighs less than 1e-15 in everything but RSI over 28 sessions, where it weighs 1e-9.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog.technical import TECHNICAL
from alphalib.features.compute import factor, factors
from alphalib.market import Market
from tests.worlds import random_market

GOLDEN = pd.read_parquet(Path(__file__).parents[2] / "golden/talib_indicators.parquet")
COMPARED = 180
FIELDS = ("open", "high", "low", "close", "volume")


def market_of(bars: pd.DataFrame) -> Market:
    """A market of two names with these bars and no corporate action."""
    world = random_market(names=2, sessions=60 + len(bars))
    sessions = world.sessions[: len(bars)]
    world = world.asof(sessions[-1])
    panels = {
        name: pd.DataFrame({ticker: bars[name].to_numpy(dtype=float) for ticker in world.tickers}, index=sessions)
        .rename_axis(columns="ticker")
        .rename_axis(index=world.close.index.name)
        for name in FIELDS
    }
    return replace(
        world, **panels, vwap=panels["close"], member=panels["close"].notna(), actions=world.actions.iloc[:0]
    )


MARKET = market_of(GOLDEN)


def talib() -> dict[str, pd.Series]:
    """TA-Lib's numbers in the units of the catalogue."""
    g = GOLDEN
    close, usual = g["close"], g["volume"].rolling(20).mean()
    # n − 1 here, n there
    wider = (19 / 20) ** 0.5
    return {
        **{f"rsi_{n}": g[f"RSI_{n}"] for n in (2, 7, 14, 28)},
        "atr_pct_14": g["ATR_14"] / close,
        "adx_14": g["ADX_14"],
        "adxr_14": g["ADXR_14"],
        "plus_di_14": g["PLUS_DI_14"],
        "minus_di_14": g["MINUS_DI_14"],
        "stochastic_k_14_3": g["STOCH_0"],
        "stochastic_d_14_3_3": g["STOCH_1"],
        "stochrsi_k_14": g["STOCHRSI_K"],
        "stochrsi_d_14_3": g["STOCHRSI_D"],
        "cci_20": g["CCI_20"],
        "williams_r_14": g["WILLR_14"],
        "momentum_10": g["ROCP_10"],
        "mfi_14": g["MFI_14"],
        "cmf_20": g["CMF_20"],
        "ad_oscillator_3_10": g["ADOSC_3_10"] / usual,
        "aroon_down_25": g["AROON_0"],
        "aroon_up_25": g["AROON_1"],
        "aroon_oscillator_25": g["AROONOSC_25"],
        "trix_15": g["TRIX_15"] / 100,
        "ultimate_7_14_28": g["ULTOSC"],
        "dpo_20": g["DPO_20"] / close,
        "cmo_14": g["CMOU_14"],
        "tsi_25_13": g["TSI_25_13"],
        "smi_13_25_2": g["SMI"],
        "mass_index_9_25": g["MASSI_9_25"],
        "efficiency_ratio_10": g["ER_10"],
        "force_index_13": g["EFI_13"] / (close * usual),
        "coppock_10_11_14": g["COPPOCK"] / 100,
        "imi_14": g["IMI_14"],
        "vhf_28": g["VHF_28"],
        "price_vs_ma50": close / g["SMA_50"] - 1,
        "price_vs_ema_20": close / g["EMA_20"] - 1,
        "price_vs_dema_20": close / g["DEMA_20"] - 1,
        "price_vs_tema_20": close / g["TEMA_20"] - 1,
        "price_vs_hma_16": close / g["HMA_16"] - 1,
        "price_vs_vwma_20": close / g["VWMA_20"] - 1,
        "macd_line_12_26": g["MACD_0"] / close,
        "macd_signal_12_26_9": g["MACD_1"] / close,
        "macd_12_26_9": g["MACD_2"] / close,
        "pvo_12_26": g["PVO_12_26"] / 100,
        "linreg_slope_14": g["LINEARREG_SLOPE_14"] / close,
        "linreg_forecast_14": g["FOSC_14"] / 100,
        "chaikin_volatility_10": g["CVI_10"] / 100,
        "relative_volatility_index_14": g["RVI_14"],
        "average_range_14": g["ADR_14"] / close,
        "awesome_5_34": g["AO_5_34"] / close,
        "balance_of_power_14": g["BOP"].rolling(14).mean(),
        "heikin_ashi_body": (g["HA_CLOSE"] - g["HA_OPEN"]) / close,
        "vortex_plus_14": g["VORTEX_0"],
        "vortex_minus_14": g["VORTEX_1"],
        "bull_power_13": g["ERI_0"] / close,
        "bear_power_13": g["ERI_1"] / close,
        "bollinger_pct_20": 0.5 + ((close - g["BBANDS_2"]) / (g["BBANDS_0"] - g["BBANDS_2"]) - 0.5) * wider,
        "bollinger_bandwidth_20": (g["BBANDS_0"] - g["BBANDS_2"]) / g["BBANDS_1"] / wider,
        "keltner_position_20": (close - g["KC_1"]) / (g["KC_0"] - g["KC_1"]),
        "donchian_position_55": (close - g["DONCHIAN_2"]) / (g["DONCHIAN_0"] - g["DONCHIAN_2"]),
        "obv_slope_20": g["OBV"].rolling(20).apply(lambda y: np.polyfit(np.arange(20), y, 1)[0], raw=True) / usual,
    }


TALIB = talib()


@pytest.fixture(scope="module")
def computed():
    return factors({name: TECHNICAL[name].node for name in TALIB}, MARKET)


@pytest.mark.parametrize("name", TALIB)
def test_equal_to_talib(name, computed):
    ours = computed[name].iloc[-COMPARED:, 0].to_numpy()
    theirs = TALIB[name].iloc[-COMPARED:].to_numpy()
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=scale * (1e-7 if name == "rsi_28" else 1e-9))


def bars(**columns: list[float]) -> Market:
    close = columns["close"]
    given = {"open": close, "high": close, "low": close, "volume": [1.0] * len(close)} | columns
    return market_of(pd.DataFrame(given, dtype=float))


def last(name: str, market: Market) -> float:
    """The value of the last session, young or not."""
    return float(factor(TECHNICAL[name].node, market, mask=False).iloc[-1, 0])


def test_wilders_index_is_50_when_nothing_moved():
    assert last("rsi_14", bars(close=[10.0] * 40)) == 50.0


def test_psychological_line_by_hand():
    # moves: +, −, 0, +: two of four rise
    assert last("psychological_line_12", bars(close=[10, 11, 10, 10, 12])) == pytest.approx(2 / 4)


def test_choppiness_by_hand():
    # Ranges of 2 with no gaps, moving up by 1 a session: 14 true ranges add to 28, the whole span is 2 + 13 = 15.
    middle = np.arange(100.0, 130.0)
    value = last("choppiness_14", bars(close=list(middle), high=list(middle + 1), low=list(middle - 1)))
    assert value == pytest.approx(100 * np.log(28 / 15) / np.log(14))


def test_a_gap_in_the_bars_is_one_move():
    # 100, none, 110: the change of the third session is 10, out of a sum of absolute changes of 10
    assert last("cmo_14", bars(close=[100, np.nan, 110])) == pytest.approx(100.0)


def test_engulfing_by_hand():
    # falls 10 → 9, then opens at 8.5 and closes at 11: it wraps the body before it
    market = bars(open=[10, 8.5], close=[9, 11], high=[10, 11], low=[9, 8.5])
    assert last("engulfing_10", market) == 1.0


def test_ulcer_index_by_hand():
    # 100, 90, 100: falls of 0, 10 and 0 percent from the high: sqrt(.01/3)
    assert last("ulcer_index_14", bars(close=[100, 90, 100])) == pytest.approx((0.01 / 3) ** 0.5)


def test_oscillators_stay_within_their_scales(computed):
    for name in ("rsi_14", "stochastic_k_14_3", "stochrsi_k_14", "mfi_14", "adx_14", "aroon_up_25", "imi_14"):
        values = computed[name].to_numpy()
        assert np.nanmin(values) >= -1e-9
        assert np.nanmax(values) <= 100 + 1e-9
