"""What chartists draw, as ratios that compare across names.

Equal to TA-Lib 0.8.2 where that has the indicator, once its seeds are forgotten (`tests/features/catalog/`); a note
says where the definition differs. Oscillators that are drawn between 0 and 100 keep that scale, everything else is a
fraction or a ratio to the price. Exponential averages have normalised weights and no seed.
"""

from __future__ import annotations

from alphalib.features.catalog.blocks import BEFORE, CLOSE, MOVE, TRUE_RANGE, TYPICAL
from alphalib.features.catalog.entry import Entry

WILDER = "Wilder 1978, New Concepts in Technical Trading Systems"
CHANDE = "Chande and Kroll 1994, The New Technical Trader"
BLAU = "Blau 1995, Momentum, Direction, and Divergence"
ELDER = "Elder 1993, Trading for a Living"
CHAIKIN = "Chaikin, as in TA-Lib"
CANDLES = "Nison 1991, Japanese Candlestick Charting Techniques"
FOLKLORE = "common practice"

_BEFORE_HIGH, _BEFORE_LOW = "Ref(Last($high, 21), 1)", "Ref(Last($low, 21), 1)"
_RANGE = "($high - $low)"
_MIDDLE = "(($high + $low) / 2)"
_BODY = "($close - $open)"


def _return(sessions: int) -> str:
    return f"($close / Ref({CLOSE}, {sessions}) - 1)"


def _place(low: str, high: str, value: str = "$close") -> str:
    return f"(({value} - {low}) / ({high} - {low}))"


# Trend ----------------------------------------------------------------------------------------------------------------

_MACD = f"(EMA({CLOSE}, 12) - EMA({CLOSE}, 26))"
_RISE, _FALL = f"($high - {_BEFORE_HIGH})", f"({_BEFORE_LOW} - $low)"
_PLUS_DM = f"If(And({_RISE} > {_FALL}, {_RISE} > 0), {_RISE}, 0)"
_MINUS_DM = f"If(And({_FALL} > {_RISE}, {_FALL} > 0), {_FALL}, 0)"
_ATR = f"Wilder({TRUE_RANGE}, 14)"
_PLUS_DI, _MINUS_DI = (f"(100 * Wilder({move}, 14) / {_ATR})" for move in (_PLUS_DM, _MINUS_DM))
_ADX = f"Wilder(100 * Abs({_PLUS_DI} - {_MINUS_DI}) / ({_PLUS_DI} + {_MINUS_DI}), 14)"
_TRIPLE = f"EMA(EMA(EMA({CLOSE}, 15), 15), 15)"
_KST = " + ".join(
    f"{weight} * Mean({_return(sessions)}, {smooth})"
    for weight, sessions, smooth in ((1, 10, 10), (2, 15, 10), (3, 20, 10), (4, 30, 15))
)
_TENKAN, _KIJUN, _SPAN_B = (f"((Max($high, {n}) + Min($low, {n})) / 2)" for n in (9, 26, 52))
_EMA20 = f"EMA({CLOSE}, 20)"
_DEVIATION = f"($close - Mean({CLOSE}, 60))"

_TREND = (
    *(Entry(f"momentum_{n}", _return(n), FOLKLORE) for n in (5, 10, 20, 60, 120)),
    *(Entry(f"price_vs_ma{n}", f"$close / Mean({CLOSE}, {n}) - 1", FOLKLORE) for n in (10, 20, 50, 100, 200)),
    Entry("price_vs_ema_20", f"$close / {_EMA20} - 1", FOLKLORE),
    Entry(
        "price_vs_dema_20",
        f"$close / (2 * {_EMA20} - EMA({_EMA20}, 20)) - 1",
        "Mulloy 1994, Technical Analysis of Stocks & Commodities 12(1)",
    ),
    Entry(
        "price_vs_tema_20",
        f"$close / (3 * {_EMA20} - 3 * EMA({_EMA20}, 20) + EMA(EMA({_EMA20}, 20), 20)) - 1",
        "Mulloy 1994, Technical Analysis of Stocks & Commodities 12(1)",
    ),
    Entry("price_vs_hma_16", f"$close / WMA(2 * WMA({CLOSE}, 8) - WMA({CLOSE}, 16), 4) - 1", "Hull 2005, alanhull.com"),
    Entry("ema_cross_8_21", f"EMA({CLOSE}, 8) / EMA({CLOSE}, 21) - 1", FOLKLORE),
    Entry("ma_cross_5_20", f"Mean({CLOSE}, 5) / Mean({CLOSE}, 20) - 1", FOLKLORE),
    Entry("ma_cross_50_200", f"Mean({CLOSE}, 50) / Mean({CLOSE}, 200) - 1", FOLKLORE),
    Entry("macd_line_12_26", f"{_MACD} / $close", "Appel 1979"),
    Entry("macd_signal_12_26_9", f"EMA({_MACD}, 9) / $close", "Appel 1979"),
    Entry("macd_12_26_9", f"({_MACD} - EMA({_MACD}, 9)) / $close", "Appel 1979", note="the histogram"),
    Entry("ppo_histogram_12_26_9", f"{_MACD} / EMA({CLOSE}, 26) - EMA({_MACD} / EMA({CLOSE}, 26), 9)", "Appel 1979"),
    Entry("adx_14", _ADX, WILDER),
    Entry("adxr_14", f"({_ADX} + Ref({_ADX}, 13)) / 2", WILDER),
    Entry("plus_di_14", _PLUS_DI, WILDER),
    Entry("minus_di_14", _MINUS_DI, WILDER),
    Entry("aroon_up_25", "100 - 4 * SinceMax($high, 26)", "Chande 1995"),
    Entry("aroon_down_25", "100 - 4 * SinceMin($low, 26)", "Chande 1995"),
    Entry("aroon_oscillator_25", "4 * (SinceMin($low, 26) - SinceMax($high, 26))", "Chande 1995"),
    Entry("trix_15", f"{_TRIPLE} / Ref({_TRIPLE}, 1) - 1", "Hutson 1983"),
    Entry(
        "dpo_20",
        f"(Ref({CLOSE}, 11) - Mean({CLOSE}, 20)) / $close",
        FOLKLORE,
        note="the close of 11 sessions ago against today's mean",
    ),
    Entry("kst", _KST, "Pring 1992, daily lengths"),
    Entry("coppock_10_11_14", f"WMA({_return(11)} + {_return(14)}, 10)", "Coppock 1962", note="in sessions for months"),
    Entry("vortex_plus_14", f"Sum(Abs($high - {_BEFORE_LOW}), 14) / Sum({TRUE_RANGE}, 14)", "Botes and Siepman 2010"),
    Entry("vortex_minus_14", f"Sum(Abs($low - {_BEFORE_HIGH}), 14) / Sum({TRUE_RANGE}, 14)", "Botes and Siepman 2010"),
    Entry("linreg_slope_14", f"Slope({CLOSE}, 14) / $close", "least squares", note="per session"),
    Entry("linreg_slope_120", f"Slope({CLOSE}, 120) / $close", "least squares", note="per session"),
    Entry("linreg_r2_120", f"Rsquare({CLOSE}, 120)", "least squares"),
    Entry(
        "linreg_forecast_14",
        "($close - (Ref($close - Resi($close, 14) + Slope($close, 14), 1))) / $close",
        "Chande's forecast oscillator",
        note="close against the line's forecast of the session before; TA-Lib's FOSC in fractions",
    ),
    Entry("efficiency_ratio_10", f"Abs($close - Ref({CLOSE}, 10)) / Sum(Abs({MOVE}), 10)", "Kaufman 1995"),
    Entry("vhf_28", f"(Max({CLOSE}, 28) - Min({CLOSE}, 28)) / Sum(Abs({MOVE}), 28)", "White 1991"),
    Entry("trend_intensity_30", f"100 * Sum(Greater({_DEVIATION}, 0), 30) / Sum(Abs({_DEVIATION}), 30)", "Pee 2002"),
    Entry("ichimoku_lines_9_26", f"({_TENKAN} - {_KIJUN}) / $close", "Hosoda 1969", note="tenkan less kijun"),
    Entry(
        "ichimoku_cloud_26",
        f"$close / Ref((({_TENKAN} + {_KIJUN}) / 2 + {_SPAN_B}) / 2, 26) - 1",
        "Hosoda 1969",
        note="close against the middle of the cloud over it",
    ),
    Entry("awesome_5_34", f"(Mean({_MIDDLE}, 5) - Mean({_MIDDLE}, 34)) / $close", "Williams 1998"),
)

# Oscillators ----------------------------------------------------------------------------------------------------------


def _rsi(window: int) -> str:
    """50 when nothing moved."""
    gain, moved = f"Wilder(Greater({MOVE}, 0), {window})", f"Wilder(Abs({MOVE}), {window})"
    return f"If({moved} > 0, 100 * {gain} / {moved}, 50)"


_FAST_K = f"(100 * {_place('Min($low, 14)', 'Max($high, 14)')})"
_RSI14 = _rsi(14)
_STOCH_RSI = f"(100 * {_place(f'Min({_RSI14}, 14)', f'Max({_RSI14}, 14)', _RSI14)})"
_BUYING = f"($close - Less($low, {BEFORE}))"
_ULTIMATE = " + ".join(
    f"{weight} * Sum({_BUYING}, {n}) / Sum({TRUE_RANGE}, {n})" for weight, n in ((4, 7), (2, 14), (1, 28))
)
_SMI_PLACE = "($close - (Max($high, 13) + Min($low, 13)) / 2)"
_SMI_RANGE = "(Max($high, 13) - Min($low, 13))"

_OSCILLATORS = (
    *(Entry(f"rsi_{n}", _rsi(n), WILDER, note="50 when nothing moved") for n in (2, 7, 14, 28)),
    Entry("stochastic_k_14_3", f"Mean({_FAST_K}, 3)", "Lane 1984"),
    Entry("stochastic_d_14_3_3", f"Mean(Mean({_FAST_K}, 3), 3)", "Lane 1984"),
    Entry("stochrsi_k_14", _STOCH_RSI, CHANDE),
    Entry("stochrsi_d_14_3", f"Mean({_STOCH_RSI}, 3)", CHANDE),
    Entry("williams_r_14", f"-100 * {_place('Max($high, 14)', 'Min($low, 14)')}", "Williams 1979"),
    Entry("cci_20", f"({TYPICAL} - Mean({TYPICAL}, 20)) / (0.015 * Mad({TYPICAL}, 20))", "Lambert 1980"),
    Entry("ultimate_7_14_28", f"100 * ({_ULTIMATE}) / 7", "Williams 1985"),
    Entry("cmo_14", f"100 * Sum({MOVE}, 14) / Sum(Abs({MOVE}), 14)", CHANDE, note="sums, as Chande; TA-Lib's CMOU"),
    Entry("tsi_25_13", f"100 * EMA(EMA({MOVE}, 25), 13) / EMA(EMA(Abs({MOVE}), 25), 13)", BLAU),
    Entry("smi_13_25_2", f"200 * EMA(EMA({_SMI_PLACE}, 25), 2) / EMA(EMA({_SMI_RANGE}, 25), 2)", BLAU),
    Entry("imi_14", f"100 * Sum(Greater({_BODY}, 0), 14) / Sum(Abs({_BODY}), 14)", CHANDE),
    Entry("percent_rank_100", f"Rank({MOVE} / {BEFORE}, 100)", "Connors and Alvarez 2012"),
    Entry("psychological_line_12", f"Mean({MOVE} > 0, 12)", FOLKLORE),
    Entry("bull_power_13", f"($high - EMA({CLOSE}, 13)) / $close", ELDER),
    Entry("bear_power_13", f"($low - EMA({CLOSE}, 13)) / $close", ELDER),
    Entry("vigor_index_10", f"Mean({_BODY}, 10) / Mean({_RANGE}, 10)", "Ehlers 2002, without its inner weights"),
    Entry("zscore_60", f"($close - Mean({CLOSE}, 60)) / Std({CLOSE}, 60)", FOLKLORE),
)

# Bands, ranges and drawdowns ------------------------------------------------------------------------------------------

_DRAWDOWN14 = f"({CLOSE} / Max({CLOSE}, 14) - 1)"
_BAND_STD = f"Std({CLOSE}, 10)"

_BANDS = (
    Entry(
        "bollinger_pct_20",
        f"0.5 + ($close - Mean({CLOSE}, 20)) / (4 * Std({CLOSE}, 20))",
        "Bollinger 2001",
        note="standard deviation with n − 1; TA-Lib divides by n, which widens the place by sqrt(20/19)",
    ),
    Entry("bollinger_bandwidth_20", f"4 * Std({CLOSE}, 20) / Mean({CLOSE}, 20)", "Bollinger 2001", note="n − 1"),
    Entry("squeeze_20", f"Std({CLOSE}, 20) / Wilder({TRUE_RANGE}, 20)", "Carter 2005", note="Bollinger to Keltner"),
    Entry("keltner_position_20", f"($close - EMA({TYPICAL}, 20)) / (2 * Wilder({TRUE_RANGE}, 10))", "Keltner 1960"),
    Entry("donchian_position_55", _place("Min($low, 55)", "Max($high, 55)"), "Donchian 1960"),
    Entry("donchian_breakout_20", "$close / Ref(Max($high, 20), 1) - 1", "Donchian 1960"),
    Entry("atr_pct_14", f"{_ATR} / $close", WILDER),
    Entry("atr_ratio_5_50", f"Wilder({TRUE_RANGE}, 5) / Wilder({TRUE_RANGE}, 50)", WILDER),
    Entry("average_range_14", f"Mean({_RANGE}, 14) / $close", FOLKLORE),
    Entry("mass_index_9_25", f"Sum(EMA({_RANGE}, 9) / EMA(EMA({_RANGE}, 9), 9), 25)", "Dorsey 1992"),
    Entry("chaikin_volatility_10", f"EMA({_RANGE}, 10) / Ref(EMA({_RANGE}, 10), 10) - 1", CHAIKIN),
    Entry(
        "relative_volatility_index_14",
        f"100 * Wilder(If({MOVE} > 0, {_BAND_STD}, 0), 14) / Wilder(If({MOVE} == 0, 0, {_BAND_STD}), 14)",
        "Dorsey 1993",
    ),
    Entry(
        "choppiness_14", f"100 * Log(Sum({TRUE_RANGE}, 14) / (Max($high, 14) - Min($low, 14))) / Log(14)", "Dreiss 1993"
    ),
    Entry("ulcer_index_14", f"Sqrt(Mean({_DRAWDOWN14} * {_DRAWDOWN14}, 14))", "Martin and McCann 1989"),
    Entry("drawdown_60", f"$close / Max({CLOSE}, 60) - 1", FOLKLORE),
    Entry(
        "distance_from_52w_high",
        f"$close / Max({CLOSE}, 252) - 1",
        "George and Hwang 2004, doi:10.1111/j.1540-6261.2004.00695.x",
    ),
    Entry(
        "distance_from_52w_low",
        f"$close / Min({CLOSE}, 252) - 1",
        "George and Hwang 2004, doi:10.1111/j.1540-6261.2004.00695.x",
    ),
    Entry("sessions_since_52w_high", "SinceMax($close, 252)", FOLKLORE, note="0 on the day of the high"),
)

# Volume ---------------------------------------------------------------------------------------------------------------

_FLOW = f"(($close - $low - ($high - $close)) / {_RANGE} * $volume)"
_UP_DAY, _DOWN_DAY = (f"{TYPICAL} {sign} Ref({TYPICAL}, 1)" for sign in "><")
_MONEY = f"({TYPICAL} * $volume)"
_POSITIVE, _NEGATIVE = (f"Sum(If({day}, {_MONEY}, 0), 14)" for day in (_UP_DAY, _DOWN_DAY))
_SIGNED = f"(Sign({CLOSE} - {BEFORE}) * $volume)"
_TRUE_HIGH, _TRUE_LOW = f"Greater($high, {BEFORE})", f"Less($low, {BEFORE})"
_TWIGGS = f"((2 * $close - {_TRUE_HIGH} - {_TRUE_LOW}) / {TRUE_RANGE} * $volume)"
_MID_MOVE = f"(({_MIDDLE} - Ref({_MIDDLE}, 1)) / $close)"

_VOLUME = (
    Entry(
        "obv_slope_20",
        f"Slope(Sum({_SIGNED}, 0), 20) / Mean($volume, 20)",
        "Granville 1963",
        note="in mean volumes a session; on-balance volume is summed from the first session",
    ),
    Entry("obv_share_20", f"Sum({_SIGNED}, 20) / Sum($volume, 20)", "Granville 1963"),
    Entry("mfi_14", f"100 * {_POSITIVE} / ({_POSITIVE} + {_NEGATIVE})", "Quong and Soudack 1989"),
    Entry("cmf_20", f"Sum({_FLOW}, 20) / Sum($volume, 20)", CHAIKIN),
    Entry(
        "ad_oscillator_3_10",
        f"(4.5 * EMA({_FLOW}, 10) - EMA({_FLOW}, 3)) / Mean($volume, 20)",
        CHAIKIN,
        note="difference of two averages of the accumulation line, written in its daily flow; in mean volumes",
    ),
    Entry("twiggs_money_flow_21", f"Wilder({_TWIGGS}, 21) / Wilder($volume, 21)", "Twiggs, incrediblecharts.com"),
    Entry("force_index_13", f"EMA({MOVE} * $volume, 13) / ($close * Mean($volume, 20))", ELDER),
    Entry(
        "ease_of_movement_14",
        f"Mean({_MID_MOVE} * ({_RANGE} / $close) * Mean($volume, 20) / $volume, 14)",
        "Arms 1983",
        note="moves over the close, volume over its mean of 20",
    ),
    Entry("price_volume_trend_20", f"Sum({MOVE} / {BEFORE} * $volume, 20) / Sum($volume, 20)", FOLKLORE),
    Entry("price_vs_vwma_20", "$close / (Sum($close * $volume, 20) / Sum($volume, 20)) - 1", FOLKLORE),
    Entry("pvo_12_26", "EMA($volume, 12) / EMA($volume, 26) - 1", "Appel 1979"),
)

# Candles --------------------------------------------------------------------------------------------------------------

_HEIKIN_CLOSE = "(($open + $high + $low + $close) / 4)"
_ENGULFS = "And(And($close > $open, Ref($close < $open, 1)), And($close >= Ref($open, 1), $open <= Ref($close, 1)))"
_ENGULFED = "And(And($close < $open, Ref($close > $open, 1)), And($close <= Ref($open, 1), $open >= Ref($close, 1)))"

_CANDLES = (
    Entry("balance_of_power_14", f"Mean({_BODY} / {_RANGE}, 14)", "Livshin 2001"),
    Entry("body_share_10", f"Mean(Abs({_BODY}) / {_RANGE}, 10)", CANDLES),
    Entry("upper_shadow_10", f"Mean(($high - Greater($open, $close)) / {_RANGE}, 10)", CANDLES),
    Entry("lower_shadow_10", f"Mean((Less($open, $close) - $low) / {_RANGE}, 10)", CANDLES),
    Entry("doji_share_20", f"Mean(Abs({_BODY}) <= 0.1 * {_RANGE}, 20)", CANDLES),
    Entry("inside_day_share_20", f"Mean(And($high < {_BEFORE_HIGH}, $low > {_BEFORE_LOW}), 20)", "Crabel 1990"),
    Entry("engulfing_10", f"Sum({_ENGULFS}, 10) - Sum({_ENGULFED}, 10)", CANDLES, note="rising less falling ones"),
    Entry("gap", f"$open / {BEFORE} - 1", FOLKLORE),
    Entry("gap_atr_14", f"($open - {BEFORE}) / Ref({_ATR}, 1)", FOLKLORE),
    Entry("range_expansion_7", f"{_RANGE} / Mean({_RANGE}, 7)", "Crabel 1990"),
    Entry(
        "heikin_ashi_body",
        f"({_HEIKIN_CLOSE} - Mean(Ref({_HEIKIN_CLOSE}, 1), 0.5)) / $close",
        "Valcu 2004, Technical Analysis of Stocks & Commodities 22(2)",
    ),
)

TECHNICAL: dict[str, Entry] = {entry.name: entry for entry in (*_TREND, *_OSCILLATORS, *_BANDS, *_VOLUME, *_CANDLES)}
"""Every technical factor by its name."""
