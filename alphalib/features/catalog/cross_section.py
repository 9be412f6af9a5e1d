"""A name against the market, its sector and its own balance sheet.

The market is SPY; a sector is its members on the date, or its ETF where the note says so. What the market or the
economy does is the same for every name, and stands here only in products with a name's own exposure, less the members'
mean. Fundamentals are those known at the close; their ratios take raw prices.
"""

from __future__ import annotations

from alphalib.features.catalog.blocks import CLOSE, RETURN, SPY_RETURN, YEAR
from alphalib.features.catalog.entry import Entry

FOLKLORE = "common practice"
MOMENTUM = "Jegadeesh and Titman 1993, doi:10.1111/j.1540-6261.1993.tb04702.x"
INDUSTRY = "Moskowitz and Grinblatt 1999, doi:10.1111/0022-1082.00146"
VOLATILITY = "Ang, Hodrick, Xing and Zhang 2006, doi:10.1111/j.1540-6261.2006.00836.x"
DOWNSIDE = "Ang, Chen and Xing 2006, doi:10.1093/rfs/hhj035"
LEAD_LAG = "Hou 2007, doi:10.1093/revfin/hhm003"
CENTRED = "less the members' mean, so that it cannot tilt the whole cross-section"

_SECTOR_RETURN = "Log($sector_index / Ref($sector_index, 1))"
_SECTOR_KNOWN = f"(Count({_SECTOR_RETURN}, 60) >= 40)"
"""Some ETFs began late: a quotient by this is missing until two thirds of the window are there."""


def _return(start: int, end: int = 0) -> str:
    """Return from `start` to `end` sessions ago; one that ends now needs a close now."""
    last = f"Ref({CLOSE}, {end})" if end else "$close"
    return f"({last} / Ref({CLOSE}, {start}) - 1)"


def _in_sector(expression: str) -> str:
    return f"CSNeutralize({expression}, $sector)"


# Momentum and reversal ------------------------------------------------------------------------------------------------

_RESIDUAL = f"({RETURN} - RegBeta({RETURN}, {SPY_RETURN}, 252) * {SPY_RETURN})"
_YEAR_LESS_MONTH = _return(252, 21)

_MOMENTUM = (
    Entry("momentum_252_21", _YEAR_LESS_MONTH, MOMENTUM, note="twelve months less the last"),
    Entry("momentum_126_21", _return(126, 21), MOMENTUM),
    Entry("momentum_252_126", _return(252, 126), "Novy-Marx 2012, doi:10.1016/j.jfineco.2011.05.003"),
    Entry(
        "momentum_per_volatility",
        f"{_YEAR_LESS_MONTH} / ({YEAR} * Std({RETURN}, 252))",
        "Barroso and Santa-Clara 2015, doi:10.1016/j.jfineco.2014.11.010, for one name",
    ),
    Entry(
        "residual_momentum_252_21",
        f"Ref(Mean({_RESIDUAL}, 231) / Std({_RESIDUAL}, 231), 21)",
        "Blitz, Huij and Martens 2011, doi:10.1016/j.jempfin.2011.01.003",
        note="residuals of the market alone, by the beta of each day",
    ),
    Entry(
        "information_discreteness",
        f"Sign({_return(252)}) * (Mean({RETURN} < 0, 252) - Mean({RETURN} > 0, 252))",
        "Da, Gurun and Warachka 2014, doi:10.1093/rfs/hhu003",
        note="low where a trend came in small steps",
    ),
    Entry(
        "momentum_change_126",
        f"{_return(126)} - {_return(252, 126)}",
        "Gettleman and Marks 2006",
        note="half a year against the half before",
    ),
    Entry("same_month_252", _return(252, 231), "Heston and Sadka 2008, doi:10.1016/j.jfineco.2007.02.003"),
    Entry("reversal_21", f"Neg({_return(21)})", "Jegadeesh 1990, doi:10.1111/j.1540-6261.1990.tb05110.x"),
    Entry(
        "long_reversal_1260_252",
        f"Neg({_return(1260, 252)})",
        "De Bondt and Thaler 1985, doi:10.1111/j.1540-6261.1985.tb05004.x",
    ),
    Entry("relative_strength_126", f"CSRank({_return(126)})", "Levy 1967, The Journal of Finance 22(4)"),
)

# Against the sector ---------------------------------------------------------------------------------------------------

_SECTOR_MEAN = f"({_return(126)} - {_in_sector(_return(126))})"

_SECTOR = (
    *(Entry(f"sector_relative_momentum_{n}", _in_sector(_return(n)), INDUSTRY) for n in (20, 60, 120)),
    Entry("sector_relative_momentum_252_21", _in_sector(_YEAR_LESS_MONTH), INDUSTRY),
    *(
        Entry(
            f"sector_relative_reversal_{n}",
            f"Neg({_in_sector(_return(n))})",
            "Da, Liu and Schaumburg 2014, doi:10.1287/mnsc.2013.1766",
        )
        for n in (1, 5)
    ),
    *(
        Entry(f"sector_relative_volatility_{n}", _in_sector(f"{YEAR} * Std({RETURN}, {n})"), VOLATILITY)
        for n in (20, 120)
    ),
    *(
        Entry(
            f"sector_relative_volume_{short}_{long}",
            _in_sector(f"Mean($volume, {short}) / Mean($volume, {long})"),
            FOLKLORE,
        )
        for short, long in ((1, 20), (5, 60))
    ),
    Entry(
        "sector_relative_high_252",
        _in_sector(f"$close / Max({CLOSE}, 252)"),
        "George and Hwang 2004, doi:10.1111/j.1540-6261.2004.00695.x",
    ),
    Entry("sector_momentum_126", f"CSDemean({_SECTOR_MEAN})", INDUSTRY, note="the sector's mean; same within a sector"),
    Entry(
        "sector_beta_60",
        f"RegBeta({RETURN}, {_SECTOR_RETURN}, 60) / {_SECTOR_KNOWN}",
        FOLKLORE,
        note="on the sector's ETF",
    ),
    Entry(
        "sector_correlation_60",
        f"Corr({RETURN}, {_SECTOR_RETURN}, 60) / {_SECTOR_KNOWN}",
        FOLKLORE,
        note="with the sector's ETF",
    ),
    Entry(
        "sector_lag_5",
        f"Sum({_SECTOR_RETURN} - {RETURN}, 5) / (Count({_SECTOR_RETURN}, 5) == 5)",
        LEAD_LAG,
        note="behind the sector's ETF",
    ),
    Entry(
        "sector_lead_60",
        f"Corr({RETURN}, Ref({_SECTOR_RETURN}, 1), 60) / {_SECTOR_KNOWN}",
        LEAD_LAG,
        note="how well the sector's ETF foretold the name",
    ),
)

# Against the market ---------------------------------------------------------------------------------------------------

_BETA = f"RegBeta({RETURN}, {SPY_RETURN}, 60)"
_CORRELATION = f"Corr({RETURN}, {SPY_RETURN}, 252)"
_SQUARE = f"Power({SPY_RETURN}, 2)"
_YEAR_BETA = f"RegBeta({RETURN}, {SPY_RETURN}, 252)"
_YEAR_RESIDUAL_STD = f"(Std({RETURN}, 252) * Sqrt(1 - Power({_CORRELATION}, 2)))"
# A quotient by a condition is missing where the condition is not met.
_WHEN_DOWN, _WHEN_UP = (f"({RETURN} / ({SPY_RETURN} {sign} 0))" for sign in "<>")
_DOWN_BETA, _UP_BETA = (f"RegBeta({when}, {SPY_RETURN}, 252)" for when in (_WHEN_DOWN, _WHEN_UP))
_OWN_TAIL = f"{RETURN} <= Quantile({RETURN}, 252, 0.1)"
_SPY_TAIL = f"{SPY_RETURN} <= Quantile({SPY_RETURN}, 252, 0.1)"
_LAGGED = f"Corr({RETURN}, Ref({SPY_RETURN}, 1), 120)"


def _residual_std(window: int) -> str:
    correlation = f"Corr({RETURN}, {SPY_RETURN}, {window})"
    return f"{YEAR} * Std({RETURN}, {window}) * Sqrt(Greater(1 - Power({correlation}, 2), 0))"


_MARKET = (
    Entry("beta_60", _BETA, "Sharpe 1964, doi:10.1111/j.1540-6261.1964.tb02865.x"),
    Entry("beta_252", _YEAR_BETA, "Sharpe 1964, doi:10.1111/j.1540-6261.1964.tb02865.x"),
    Entry(
        "beta_by_parts_252",
        f"Corr(Log({CLOSE} / Ref({CLOSE}, 3)), Log($spy / Ref($spy, 3)), 504)"
        f" * Std({RETURN}, 252) / Std({SPY_RETURN}, 252)",
        "Frazzini and Pedersen 2014, doi:10.1016/j.jfineco.2013.10.005",
        note="correlation of three-session returns over two years, not five",
    ),
    Entry(
        "correlation_252",
        _CORRELATION,
        "Asness, Frazzini, Gormsen and Pedersen 2020, doi:10.1016/j.jfineco.2019.07.003",
    ),
    Entry("idiosyncratic_volatility_21", _residual_std(21), VOLATILITY, note="of the market alone"),
    Entry("idiosyncratic_volatility_60", _residual_std(60), VOLATILITY, note="of the market alone"),
    Entry(
        "idiosyncratic_skewness_252",
        f"Skew({_RESIDUAL}, 252)",
        "Boyer, Mitton and Vorkink 2010, doi:10.1093/rfs/hhp041",
        note="as it was, not as expected; residuals of the market alone, by the beta of each day",
    ),
    Entry(
        "coskewness_252",
        f"(Cov({RETURN}, {_SQUARE}, 252) - {_YEAR_BETA} * Cov({SPY_RETURN}, {_SQUARE}, 252))"
        f" / ({_YEAR_RESIDUAL_STD} * Mean({_SQUARE}, 252))",
        "Harvey and Siddique 2000, doi:10.1111/0022-1082.00247",
    ),
    Entry("downside_beta_252", _DOWN_BETA, DOWNSIDE, note="on sessions on which SPY falls"),
    Entry("downside_less_upside_beta_252", f"{_DOWN_BETA} - {_UP_BETA}", DOWNSIDE),
    Entry(
        "tail_dependence_252",
        f"Sum(And({_OWN_TAIL}, {_SPY_TAIL}), 252) / Sum({_SPY_TAIL}, 252)",
        "Chabi-Yo, Ruenzi and Weigert 2018, Journal of Financial and Quantitative Analysis 53(3)",
        note="how often the name's worst tenth falls on SPY's, each judged by the year up to then; no copula",
    ),
    Entry(
        "price_delay_120",
        f"Power({_LAGGED}, 2) / (Power(Corr({RETURN}, {SPY_RETURN}, 120), 2) + Power({_LAGGED}, 2))",
        "Hou and Moskowitz 2005, doi:10.1093/rfs/hhi023",
        note="one lag, by single correlations",
    ),
    Entry(
        "alpha_120",
        f"252 * (Mean({RETURN}, 120) - RegBeta({RETURN}, {SPY_RETURN}, 120) * Mean({SPY_RETURN}, 120))",
        "Jensen 1968, doi:10.1111/j.1540-6261.1968.tb00815.x",
        note="a year",
    ),
    Entry(
        "resilience_60", f"Sum({_WHEN_DOWN} - {_BETA} * {SPY_RETURN}, 60)", FOLKLORE, note="beyond beta when SPY falls"
    ),
)

# Context, centred -----------------------------------------------------------------------------------------------------

_VIX_BETA = f"RegBeta({RETURN}, Log($vix / Ref($vix, 1)), 60)"
_YIELD_BETA = f"RegBeta({RETURN}, Delta($yield_10y, 1), 120)"
_BREADTH = f"CSMean($close > Mean({CLOSE}, 50))"
_DISPERSION = f"CSStd({_return(20)})"


def _centred(expression: str) -> str:
    return f"CSDemean({expression})"


_CONTEXT = (
    Entry("vix_beta_60", _VIX_BETA, VOLATILITY, note="return for a relative change of VIX"),
    Entry("vix_beta_x_change_5", _centred(f"{_VIX_BETA} * Log($vix / Ref($vix, 5))"), VOLATILITY, note=CENTRED),
    Entry("yield_beta_120", _YIELD_BETA, FOLKLORE, note="return for a change of one in the ten-year yield"),
    Entry("yield_beta_x_change_20", _centred(f"{_YIELD_BETA} * Delta($yield_10y, 20)"), FOLKLORE, note=CENTRED),
    Entry("beta_x_market_20", _centred(f"{_BETA} * Log($spy / Ref($spy, 20))"), FOLKLORE, note=CENTRED),
    Entry("beta_x_vix", _centred(f"{_BETA} * ($vix / Mean($vix, 252) - 1)"), FOLKLORE, note=CENTRED),
    Entry("beta_x_curve", _centred(f"{_BETA} * ($yield_10y - $yield_3m)"), FOLKLORE, note=CENTRED),
    Entry("beta_x_breadth", _centred(f"{_BETA} * ({_BREADTH} - 0.5)"), FOLKLORE, note=CENTRED),
    Entry(
        "momentum_x_dispersion",
        _centred(f"{_YEAR_LESS_MONTH} * ({_DISPERSION} / Mean({_DISPERSION}, 252) - 1)"),
        "Stivers and Sun 2010, doi:10.1017/S0022109010000384",
        note=CENTRED,
    ),
    Entry(
        "momentum_x_market_state",
        _centred(f"{_YEAR_LESS_MONTH} * Sign($spy / Ref($spy, 504) - 1)"),
        "Cooper, Gutierrez and Hameed 2004, doi:10.1111/j.1540-6261.2004.00665.x",
        note=f"two years of SPY; {CENTRED}",
    ),
)

# Fundamentals ---------------------------------------------------------------------------------------------------------

_ACCRUALS = "($net_income_4q - $operating_cf_4q) / $total_assets"
_ASSET_GROWTH = "$total_assets / Ref($total_assets, 252) - 1"

_VALUE = (
    Entry("log_market_cap", "Log(Plain($market_cap))", "Banz 1981, doi:10.1016/0304-405X(81)90018-0"),
    Entry(
        "earnings_yield",
        _in_sector("$net_income_4q / $market_cap"),
        "Basu 1977, doi:10.1111/j.1540-6261.1977.tb01979.x",
    ),
    Entry(
        "book_to_price",
        _in_sector("$equity / $market_cap"),
        "Fama and French 1992, doi:10.1111/j.1540-6261.1992.tb04398.x",
    ),
    Entry(
        "sales_to_price",
        _in_sector("$revenue_4q / $market_cap"),
        "Barbee, Mukherji and Raines 1996, doi:10.2469/faj.v52.n2.1980",
    ),
    Entry(
        "cash_flow_to_price",
        _in_sector("$operating_cf_4q / $market_cap"),
        "Lakonishok, Shleifer and Vishny 1994, doi:10.1111/j.1540-6261.1994.tb04772.x",
    ),
    Entry(
        "fcf_to_price",
        _in_sector("$free_cash_flow_4q / $market_cap"),
        "Lakonishok, Shleifer and Vishny 1994, doi:10.1111/j.1540-6261.1994.tb04772.x",
    ),
    Entry("accruals", _in_sector(_ACCRUALS), "Sloan 1996, The Accounting Review 71(3)"),
    Entry(
        "asset_growth", _in_sector(_ASSET_GROWTH), "Cooper, Gulen and Schill 2008, doi:10.1111/j.1540-6261.2008.01370.x"
    ),
    Entry(
        "gross_profitability",
        _in_sector("$gross_profit_4q / $total_assets"),
        "Novy-Marx 2013, doi:10.1016/j.jfineco.2013.01.003",
        note="left out without gross profit in the filings",
    ),
    Entry(
        "return_on_equity", _in_sector("$net_income_4q / $equity"), "Hou, Xue and Zhang 2015, doi:10.1093/rfs/hhu068"
    ),
    Entry(
        "return_on_assets",
        _in_sector("$net_income_4q / $total_assets"),
        "Fama and French 2006, doi:10.1016/j.jfineco.2005.09.009",
    ),
    Entry(
        "leverage",
        _in_sector("$total_debt / $market_cap"),
        "Bhandari 1988, doi:10.1111/j.1540-6261.1988.tb03952.x",
        note="left out without debt in the filings",
    ),
    Entry(
        "liabilities_to_assets",
        _in_sector("1 - $equity / $total_assets"),
        "Bhandari 1988, doi:10.1111/j.1540-6261.1988.tb03952.x",
    ),
    Entry("asset_turnover", _in_sector("$revenue_4q / $total_assets"), "Soliman 2008, doi:10.2308/accr.2008.83.3.823"),
    Entry("profit_growth", _in_sector("($net_income_4q - Ref($net_income_4q, 252)) / $total_assets"), FOLKLORE),
    Entry(
        "share_issuance",
        "Log(($shares_outstanding / $split_factor) / Ref($shares_outstanding / $split_factor, 252))",
        "Pontiff and Woodgate 2008, doi:10.1111/j.1540-6261.2008.01335.x",
    ),
    Entry(
        "earnings_surprise_60",
        "$earnings_surprise",
        "Bernard and Thomas 1989, doi:10.2307/2491062",
        note="of a report up to 60 sessions old",
    ),
    Entry(
        "surprise_fading_60",
        "CSDemean($earnings_surprise * (1 - $sessions_since_earnings / 60))",
        "Bernard and Thomas 1989, doi:10.2307/2491062",
        note="less the members' mean",
    ),
    Entry("days_since_earnings", "$sessions_since_earnings", FOLKLORE, note="sessions"),
    Entry(
        "size_neutral_turnover_21",
        "CSResid(Log(Plain(Mean($dollar_volume, 21))), Log(Plain($market_cap)))",
        "Chordia, Subrahmanyam and Anshuman 2001, doi:10.1016/S0304-405X(00)00080-5",
        note="log dollar volume that size does not explain",
    ),
)

CROSS_SECTION: dict[str, Entry] = {entry.name: entry for entry in (*_MOMENTUM, *_SECTOR, *_MARKET, *_CONTEXT, *_VALUE)}
"""Every factor of the cross-section by its name."""
