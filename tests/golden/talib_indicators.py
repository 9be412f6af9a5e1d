"""What TA-Lib 0.8.2 makes of 700 made-up bars: run with an interpreter that has TA-Lib, pandas and pyarrow.

    python tests/golden/talib_indicators.py

writes talib_indicators.parquet beside this file; `tests/features/catalog/test_technical.py` reads it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import talib

SESSIONS = 700
KEPT = 200
"""Rows at the end that are written: the seeds of recursive averages are forgotten there."""


def bars() -> dict[str, np.ndarray]:
    """One name's bars in cents: moves with clustered volatility, no session without a range."""
    rng = np.random.default_rng(20261121)
    volatility = 0.014 * np.exp(0.4 * np.sin(np.arange(SESSIONS) / 40))
    close = 60 * np.exp(np.cumsum(rng.normal(0.0002, 1.0, SESSIONS) * volatility))
    opened = np.roll(close, 1) * np.exp(rng.normal(0, 0.4, SESSIONS) * volatility)
    opened[0] = close[0]
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.5, SESSIONS)) * volatility) + 0.01
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.5, SESSIONS)) * volatility) - 0.01
    volume = np.round(1e6 * np.exp(rng.normal(0, 0.35, SESSIONS)))
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return {**{name: np.round(values, 2) for name, values in prices.items()}, "volume": volume}


def indicators(o, h, l, c, v) -> dict[str, np.ndarray]:  # noqa: E741
    """TA-Lib's own names and scales."""
    found = {
        "RSI_2": talib.RSI(c, 2),
        "RSI_7": talib.RSI(c, 7),
        "RSI_14": talib.RSI(c, 14),
        "RSI_28": talib.RSI(c, 28),
        "ATR_14": talib.ATR(h, l, c, 14),
        "NATR_14": talib.NATR(h, l, c, 14),
        "ADX_14": talib.ADX(h, l, c, 14),
        "ADXR_14": talib.ADXR(h, l, c, 14),
        "PLUS_DI_14": talib.PLUS_DI(h, l, c, 14),
        "MINUS_DI_14": talib.MINUS_DI(h, l, c, 14),
        "STOCHRSI_K": talib.STOCHRSI(c, 14, 14, 3, 0)[0],
        "STOCHRSI_D": talib.STOCHRSI(c, 14, 14, 3, 0)[1],
        "CCI_20": talib.CCI(h, l, c, 20),
        "WILLR_14": talib.WILLR(h, l, c, 14),
        "ROCP_10": talib.ROCP(c, 10),
        "OBV": talib.OBV(c, v),
        "MFI_14": talib.MFI(h, l, c, v, 14),
        "CMF_20": talib.CMF(h, l, c, v, 20),
        "ADOSC_3_10": talib.ADOSC(h, l, c, v, 3, 10),
        "AROONOSC_25": talib.AROONOSC(h, l, 25),
        "TRIX_15": talib.TRIX(c, 15),
        "ULTOSC": talib.ULTOSC(h, l, c, 7, 14, 28),
        "DPO_20": talib.DPO(c, 20),
        "CMOU_14": talib.CMOU(c, 14),
        "TSI_25_13": talib.TSI(c, 25, 13),
        "MASSI_9_25": talib.MASSI(h, l, 9, 25),
        "ER_10": talib.ER(c, 10),
        "EFI_13": talib.EFI(c, v, 13),
        "COPPOCK": talib.COPPOCK(c, 10, 11, 14),
        "IMI_14": talib.IMI(o, c, 14),
        "SMI": talib.SMI(h, l, c, 13, 2, 25, 9)[0],
        "VHF_28": talib.VHF(c, 28),
        "HMA_16": talib.HMA(c, 16),
        "DEMA_20": talib.DEMA(c, 20),
        "TEMA_20": talib.TEMA(c, 20),
        "EMA_20": talib.EMA(c, 20),
        "SMA_50": talib.SMA(c, 50),
        "PPO_12_26": talib.PPO(c, 12, 26, 1),
        "PVO_12_26": talib.PVO(v, 12, 26, 1),
        "VWMA_20": talib.VWMA(c, v, 20),
        "LINEARREG_SLOPE_14": talib.LINEARREG_SLOPE(c, 14),
        "FOSC_14": talib.FOSC(c, 14),
        "CVI_10": talib.CVI(h, l, 10, 10),
        "RVI_14": talib.RVI(c, 14, 10),
        "ADR_14": talib.ADR(h, l, 14),
        "AO_5_34": talib.AO(h, l, 5, 34),
        "BOP": talib.BOP(o, h, l, c),
        "HA_OPEN": talib.HA(o, h, l, c)[0],
        "HA_CLOSE": talib.HA(o, h, l, c)[3],
    }
    for name, values in (
        ("MACD", talib.MACD(c, 12, 26, 9)),
        ("BBANDS", talib.BBANDS(c, 20, 2.0, 2.0, 0)),
        ("STOCH", talib.STOCH(h, l, c, 14, 3, 0, 3, 0)),
        ("KC", talib.KC(h, l, c, 20, 10, 2.0)),
        ("DONCHIAN", talib.DONCHIAN(h, l, 55)),
        ("AROON", talib.AROON(h, l, 25)),
        ("VORTEX", talib.VORTEX(h, l, c, 14)),
        ("ERI", talib.ERI(h, l, c, 13)),
    ):
        found |= {f"{name}_{number}": column for number, column in enumerate(values)}
    return found


if __name__ == "__main__":
    made = bars()
    found = pd.DataFrame(indicators(*(made[name] for name in ("open", "high", "low", "close", "volume"))))
    found.iloc[:-KEPT] = np.nan
    pd.concat([pd.DataFrame(made), found], axis=1).to_parquet(
        Path(__file__).with_suffix(".parquet"), compression="zstd"
    )
