"""The inputs of Alpha Engine's predictor by its names, as expressions.

Its code says little about formulas, so that a note tells what a name means here where it leaves a choice. What is
measured for the market as a whole is the same for every name: it can be context for a model, but ranks nothing, and
as a factor by itself it could only tilt the whole cross-section. Its products with a name's own numbers are therefore
taken less the members' mean. Fundamentals, estimates and options are those known at the close; a market that has no
such figures leaves these factors out.
"""

from __future__ import annotations

from alphalib.features.catalog.blocks import BEFORE, CLOSE, RETURN, YEAR
from alphalib.features.catalog.entry import Entry
from alphalib.features.catalog.microstructure import MICROSTRUCTURE
from alphalib.features.catalog.technical import TECHNICAL

SOURCE = "Alpha Engine, predictor"
SAME = "same for every name: context for a model, not a factor"
CENTRED = "less the members' mean, so that it cannot tilt the whole cross-section"

_MACD = f"(EMA({CLOSE}, 12) - EMA({CLOSE}, 26))"
_HISTOGRAM_SIGN = f"Sign({_MACD} - EMA({_MACD}, 9))"
_MOMENTUM_5 = TECHNICAL["momentum_5"].expression
_RSI = f"({TECHNICAL['rsi_14'].expression})"
_VOLUME_TREND = f"({MICROSTRUCTURE['volume_trend_10_60'].expression})"
_VS_MA50 = f"({TECHNICAL['price_vs_ma50'].expression})"
_USUAL_VIX = "($vix / 20)"


def _index_return(index: str, sessions: int) -> str:
    return f"({index} / Ref({index}, {sessions}) - 1)"


def _sector_vs_spy(sessions: int) -> str:
    return f"({_index_return('$sector_index', sessions)} - {_index_return('$spy', sessions)})"


def _revision(weeks_ago: int) -> str:
    sign = "Sign(Delta($eps_estimate, 5))"
    return f"Ref({sign}, {5 * weeks_ago})" if weeks_ago else sign


# A streak of k weeks counts k: each week adds one only if all the later ones went the same way.
_STREAK = "1"
for _weeks in (3, 2, 1):
    _STREAK = f"(1 + If({_revision(_weeks)} == {_revision(0)}, {_STREAK}, 0))"

_PRICE = (
    ("rsi_14", TECHNICAL["rsi_14"].expression, "ratio", ""),
    (
        "macd_cross",
        f"({_HISTOGRAM_SIGN} - Ref({_HISTOGRAM_SIGN}, 3)) / 2",
        "ratio",
        "1 crossed up within three sessions, −1 down",
    ),
    ("macd_above_zero", f"{_MACD} > 0", "ratio", ""),
    ("macd_line_last", f"{_MACD} / $close", "ratio", "over the close"),
    ("price_vs_ma50", TECHNICAL["price_vs_ma50"].expression, "ratio", ""),
    ("price_vs_ma200", TECHNICAL["price_vs_ma200"].expression, "ratio", ""),
    ("momentum_20d", TECHNICAL["momentum_20"].expression, "ratio", ""),
    ("momentum_5d", _MOMENTUM_5, "ratio", ""),
    ("price_accel", f"{_MOMENTUM_5} - Ref({_MOMENTUM_5}, 5)", "ratio", "five sessions against the five before"),
    ("dist_from_52w_high", TECHNICAL["distance_from_52w_high"].expression, "ratio", ""),
    ("dist_from_52w_low", TECHNICAL["distance_from_52w_low"].expression, "ratio", ""),
    ("bollinger_pct", TECHNICAL["bollinger_pct_20"].expression, "ratio", ""),
    ("ema_cross_8_21", TECHNICAL["ema_cross_8_21"].expression, "ratio", ""),
    ("atr_14_pct", TECHNICAL["atr_pct_14"].expression, "ratio", ""),
    ("realized_vol_20d", MICROSTRUCTURE["realized_volatility_20"].expression, "ratio", ""),
    ("vol_ratio_10_60", MICROSTRUCTURE["volatility_ratio_10_60"].expression, "ratio", ""),
    ("rsi_slope_5d", f"Slope({_RSI}, 5)", "ratio", "points a session"),
    ("return_vs_spy_5d", f"{_MOMENTUM_5} - {_index_return('$spy', 5)}", "ratio", ""),
    *((f"sector_vs_spy_{n}d", _sector_vs_spy(n), "ratio", "same within a sector") for n in (5, 10, 20)),
)

_TRADING = (
    ("avg_volume_20d", MICROSTRUCTURE["avg_volume_20"].expression, "shares", "shares of the day, not a ratio"),
    ("rel_volume_ratio", MICROSTRUCTURE["relative_volume_20"].expression, "ratio", ""),
    ("volume_trend", MICROSTRUCTURE["volume_trend_10_60"].expression, "ratio", ""),
    (
        "obv_slope_10d",
        f"Slope(Sum(Sign({CLOSE} - {BEFORE}) * $volume, 0), 10) / Mean($volume, 10)",
        "ratio",
        "in mean volumes a session; on-balance volume is summed from the first session",
    ),
    (
        "volume_price_div",
        f"Neg(Sign({_MOMENTUM_5})) * (Mean($volume, 5) / Mean($volume, 20) - 1)",
        "ratio",
        "positive when prices go one way and volume fades",
    ),
)

_MARKET = (
    ("vix_level", "$vix", "ratio", f"index points; {SAME}"),
    ("vix_term_slope", "$vix3m / $vix - 1", "ratio", f"{SAME}; left out without three-month VIX"),
    ("yield_10y", "$yield_10y", "ratio", SAME),
    ("yield_curve_slope", "$yield_10y - $yield_3m", "ratio", SAME),
    ("gold_mom_5d", _index_return("$gold", 5), "ratio", f"{SAME}; left out without a gold price"),
    ("oil_mom_5d", _index_return("$oil", 5), "ratio", f"{SAME}; left out without an oil price"),
    ("xsect_dispersion", f"CSStd({_MOMENTUM_5})", "ratio", SAME),
    ("mom5d_x_vix", f"CSDemean({_MOMENTUM_5} * {_USUAL_VIX})", "ratio", CENTRED),
    ("rsi_x_vix", f"CSDemean(({_RSI} - 50) / 50 * {_USUAL_VIX})", "ratio", CENTRED),
    ("sector_x_trend", f"CSDemean({_sector_vs_spy(20)} * {_VS_MA50})", "ratio", CENTRED),
    ("atr_x_vix", f"CSDemean({TECHNICAL['atr_pct_14'].expression} * {_USUAL_VIX})", "ratio", CENTRED),
    ("vol_trend_x_vix", f"CSDemean({_VOLUME_TREND} * {_USUAL_VIX})", "ratio", CENTRED),
)

_REPORTS = (
    ("earnings_surprise_pct", "$earnings_surprise", "ratio", "a fraction, of a report up to 60 sessions old"),
    ("days_since_earnings", "$sessions_since_earnings", "ratio", "sessions"),
    (
        "eps_revision_4w",
        "Delta($eps_estimate, 20) / Abs(Ref($eps_estimate, 20))",
        "ratio",
        "left out without analysts' estimates",
    ),
    (
        "revision_streak",
        f"{_revision(0)} * {_STREAK}",
        "ratio",
        "weeks in a row that estimates went one way, up to four; left out without analysts' estimates",
    ),
    ("put_call_ratio", "$put_call_ratio", "ratio", "left out without options"),
    (
        "iv_rank",
        "($implied_volatility - Min($implied_volatility, 252))"
        " / (Max($implied_volatility, 252) - Min($implied_volatility, 252))",
        "ratio",
        "place in the year's range; left out without options",
    ),
    ("iv_vs_rv", f"$implied_volatility - {YEAR} * Std({RETURN}, 20)", "ratio", "left out without options"),
    (
        "pe_ratio",
        "$market_cap / $net_income_4q",
        "ratio",
        "negative with losses: rank by cross_section's earnings yield",
    ),
    ("pb_ratio", "$market_cap / $equity", "ratio", "rank by cross_section's book to price"),
    ("debt_to_equity", "$total_debt / $equity", "ratio", "left out without debt in the filings"),
    (
        "revenue_growth_yoy",
        "$revenue_4q / Ref($revenue_4q, 252) - 1",
        "ratio",
        "four quarters as known now and a year ago",
    ),
    ("fcf_yield", "$free_cash_flow_4q / $market_cap", "ratio", ""),
    ("gross_margin", "$gross_profit_4q / $revenue_4q", "ratio", "left out without gross profit in the filings"),
    ("roe", "$net_income_4q / $equity", "ratio", ""),
    (
        "current_ratio",
        "$current_assets / $current_liabilities",
        "ratio",
        "left out without current accounts in the filings",
    ),
)

PREDICTOR: dict[str, Entry] = {
    name: Entry(name, expression, SOURCE, unit=unit, note=note)
    for name, expression, unit, note in (*_PRICE, *_TRADING, *_MARKET, *_REPORTS)
}
"""The 53 by the predictor's names."""
