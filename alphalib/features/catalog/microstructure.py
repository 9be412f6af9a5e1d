"""Trading costs, order flow and volatility as far as daily bars tell them.

Spreads and volatilities are fractions, volatilities a year's; what is in currency, or in anything over it, needs raw
prices. Signed volume is a guess from the bar: there are no quotes here.
"""

from __future__ import annotations

from alphalib.features.catalog.blocks import BEFORE, CLOSE, RETURN, YEAR
from alphalib.features.catalog.entry import Entry

PARKINSON = "Parkinson 1980, doi:10.1086/296071"
SEMIVARIANCE = "Barndorff-Nielsen, Kinnebrock and Shephard 2010, in Volatility and Time Series Econometrics"
TUG_OF_WAR = "Lou, Polk and Skouras 2019, doi:10.1016/j.jfineco.2019.03.011"
BULK = "Easley, López de Prado and O'Hara 2012, doi:10.1093/rfs/hhs053"
FOLKLORE = "common practice"

# Spreads --------------------------------------------------------------------------------------------------------------

_ROLL = f"2 * Sqrt(Greater(Neg(Cov({RETURN}, Ref({RETURN}, 1), 60)), 0))"

# Corwin and Schultz: today's range is moved to where the close before lay, when it lies wholly above or below it.
_JUMP = f"(Greater($low - {BEFORE}, 0) + Less($high - {BEFORE}, 0))"
_HIGH, _LOW = f"($high - {_JUMP})", f"($low - {_JUMP})"
_SPAN = "Power(Log($high / $low), 2)"
_TWO_SPANS = f"(Ref({_SPAN}, 1) + Power(Log({_HIGH} / {_LOW}), 2))"
_JOINT_SPAN = f"Power(Log(Greater(Ref($high, 1), {_HIGH}) / Less(Ref($low, 1), {_LOW})), 2)"
_K = "(3 - 2 * Sqrt(2))"
_CS_ALPHA = f"((Sqrt(2) - 1) * Sqrt({_TWO_SPANS}) / {_K} - Sqrt({_JOINT_SPAN} / {_K}))"
_CS_SPREAD = f"(2 * (Exp({_CS_ALPHA}) - 1) / (1 + Exp({_CS_ALPHA})))"

# Abdi and Ranaldo: the close of the session before against the middles of its own and of today's range.
_FROM_MIDDLE = "Log($close / Sqrt($high * $low))"
_FROM_NEXT_MIDDLE = "Log(Ref($close, 1) / Sqrt($high * $low))"
_AR_SPREAD = f"Sqrt(Greater(4 * Ref({_FROM_MIDDLE}, 1) * {_FROM_NEXT_MIDDLE}, 0))"

_SPREADS = (
    Entry("roll_spread_60", _ROLL, "Roll 1984, doi:10.1111/j.1540-6261.1984.tb03897.x", note="0 where returns persist"),
    Entry(
        "corwin_schultz_21",
        f"Mean(Greater({_CS_SPREAD}, 0), 21)",
        "Corwin and Schultz 2012, doi:10.1111/j.1540-6261.2012.01729.x",
        note="adjusted for the night; negative two-day spreads are 0, as in the paper",
    ),
    Entry(
        "abdi_ranaldo_21",
        f"Mean({_AR_SPREAD}, 21)",
        "Abdi and Ranaldo 2017, doi:10.1093/rfs/hhx084",
        note="two-day corrected version",
    ),
    Entry(
        "zero_return_share_60",
        f"Mean($close == {BEFORE}, 60)",
        "Lesmond, Ogden and Trzcinka 1999, doi:10.1093/rfs/12.5.1113",
    ),
)

# Liquidity ------------------------------------------------------------------------------------------------------------

_IMPACT = f"(Abs({RETURN}) / $dollar_volume)"
_UP, _DOWN = f"Greater({RETURN}, 0)", f"Greater(Neg({RETURN}), 0)"
_AMIHUD = "Amihud 2002, doi:10.1016/S1386-4181(01)00024-6"
_SIGNED_DOLLARS = f"(Sign({RETURN}) * Sqrt($volume / Mean($volume, 60)))"
_TURNOVER = "($raw_volume / $shares_outstanding)"

_LIQUIDITY = (
    Entry("amihud_21", f"1000000 * Mean({_IMPACT}, 21)", _AMIHUD, unit="1/currency", note="per million"),
    Entry("amihud_252", f"1000000 * Mean({_IMPACT}, 252)", _AMIHUD, unit="1/currency", note="per million"),
    Entry("amihud_change_21_252", f"Log(Mean({_IMPACT}, 21) / Mean({_IMPACT}, 252))", _AMIHUD),
    Entry(
        "amihud_asymmetry_60",
        f"Mean({_DOWN} / $dollar_volume, 60) / Mean({_IMPACT}, 60) - 0.5",
        "Brennan, Huh and Subrahmanyam 2013, Review of Financial Studies 26(8)",
        note="share of the days that fall in the impact, less a half",
    ),
    Entry(
        "amivest_21",
        f"Sum($dollar_volume, 21) / Sum(Abs({RETURN}), 21)",
        "Cooper, Groth and Avera 1985, Journal of Economics and Business 37(1)",
        unit="currency",
        note="traded for a move of one",
    ),
    Entry(
        "kyle_lambda_60",
        f"RegBeta({RETURN}, {_SIGNED_DOLLARS}, 60)",
        "Kyle 1985, doi:10.2307/1913210; Hasbrouck 2009, doi:10.1111/j.1540-6261.2009.01469.x",
        note="return for the signed root of a usual session's volume; the sign is that of the return",
    ),
    Entry(
        "volume_reversal_60",
        f"RegBeta({RETURN}, Ref(Sign({RETURN}) * $volume / Mean($volume, 60), 1), 60)",
        "Pástor and Stambaugh 2003, doi:10.1086/374184",
        note="one regressor, against the name's own mean volume",
    ),
    Entry(
        "turnover_21",
        f"Mean({_TURNOVER}, 21)",
        "Datar, Naik and Radcliffe 1998, doi:10.1016/S1386-4181(97)00004-9",
        note="missing without shares outstanding",
    ),
    Entry(
        "turnover_volatility_60",
        "Std($volume, 60) / Mean($volume, 60)",
        "Chordia, Subrahmanyam and Anshuman 2001, doi:10.1016/S0304-405X(00)00080-5",
    ),
    Entry("avg_volume_20", "Mean($volume, 20) * $split_factor", FOLKLORE, unit="shares", note="of the day"),
    Entry("dollar_volume_20", "Mean($dollar_volume, 20)", FOLKLORE, unit="currency"),
    Entry("dollar_volume_trend_20_120", "Log(Mean($dollar_volume, 20) / Mean($dollar_volume, 120))", FOLKLORE),
    Entry("relative_volume_20", "$volume / Mean($volume, 20)", FOLKLORE),
    Entry("volume_trend_10_60", "Mean($volume, 10) / Mean($volume, 60) - 1", FOLKLORE),
    Entry("volume_rank_50", "Rank($volume, 50)", "Gervais, Kaniel and Mingelgrin 2001, doi:10.1111/0022-1082.00349"),
    Entry("volume_concentration_21", "Max($volume, 21) / Sum($volume, 21)", FOLKLORE),
)

# Order flow -----------------------------------------------------------------------------------------------------------

# A logistic curve of 1.702 z is the normal distribution function to within 0.0095.
_BOUGHT = f"(1 / (1 + Exp(-1.702 * {RETURN} / Std({RETURN}, 60))))"
_IMBALANCE = f"((2 * {_BOUGHT} - 1) * $volume)"
_ABSOLUTE = f"Abs({RETURN})"

_FLOW = (
    Entry(
        "bulk_imbalance_20",
        f"Sum({_IMBALANCE}, 20) / Sum($volume, 20)",
        BULK,
        note="buys less sells by bulk classification of sessions; normal by a logistic curve",
    ),
    Entry(
        "vpin_50",
        f"Sum(Abs({_IMBALANCE}), 50) / Sum($volume, 50)",
        BULK,
        note="a session stands for a volume bucket; normal by a logistic curve",
    ),
    Entry(
        "vwap_distance_20",
        "$close / (Sum($vwap * $volume, 20) / Sum($volume, 20)) - 1",
        "Berkowitz, Logue and Noser 1988",
    ),
    Entry("vwap_pressure_5", "Mean($close / $vwap - 1, 5)", "Berkowitz, Logue and Noser 1988"),
    Entry("close_location_5", "Mean((2 * $close - $high - $low) / ($high - $low), 5)", FOLKLORE),
    Entry(
        "volume_volatility_60",
        f"Corr({_ABSOLUTE}, $volume, 60)",
        "Karpoff 1987, doi:10.2307/2330874",
        note="correlation of volume with the size of the move",
    ),
    Entry(
        "volume_direction_60",
        f"Corr({RETURN}, $volume, 60)",
        "Karpoff 1987, doi:10.2307/2330874",
        note="correlation of volume with the move",
    ),
    Entry(
        "volume_return_dynamics_120",
        f"Corr({RETURN}, Ref({RETURN} * $volume / Mean($volume, 60), 1), 120)",
        "Llorente, Michaely, Saar and Wang 2002, doi:10.1093/rfs/15.4.1005",
        note="positive where volume foretells persistence; a correlation for the paper's regression",
    ),
    Entry("volume_autocorrelation_60", "Corr($volume, Ref($volume, 1), 60)", FOLKLORE),
)

# Volatility -----------------------------------------------------------------------------------------------------------

_NIGHT, _DAY = f"Log($open / {BEFORE})", "Log($close / $open)"
_PARKINSON = f"(Mean({_SPAN}, 20) / (4 * 0.6931471805599453))"
_GARMAN_KLASS = f"(0.5 * {_SPAN} - 0.3862943611198906 * Power({_DAY}, 2))"
_ROGERS_SATCHELL = "(Log($high / $close) * Log($high / $open) + Log($low / $close) * Log($low / $open))"
# k = .34 / (1.34 + (n + 1)/(n − 1)) with n = 20: .34 / (1.34 + 21/19)
_YZ_K = "(0.34 / (1.34 + 21 / 19))"
_YANG_ZHANG = f"(Var({_NIGHT}, 20) + {_YZ_K} * Var({_DAY}, 20) + (1 - {_YZ_K}) * Mean({_ROGERS_SATCHELL}, 20))"
_SQUARE = f"Power({RETURN}, 2)"
_BIPOWER = f"(1.5707963267948966 * Mean({_ABSOLUTE} * Ref({_ABSOLUTE}, 1), 21))"

_VOLATILITY = (
    Entry("realized_volatility_20", f"{YEAR} * Std({RETURN}, 20)", FOLKLORE),
    Entry("volatility_ratio_10_60", f"Std({RETURN}, 10) / Std({RETURN}, 60)", FOLKLORE),
    Entry("parkinson_20", f"{YEAR} * Sqrt({_PARKINSON})", PARKINSON),
    Entry("garman_klass_20", f"{YEAR} * Sqrt(Mean({_GARMAN_KLASS}, 20))", "Garman and Klass 1980, doi:10.1086/296072"),
    Entry(
        "rogers_satchell_20",
        f"{YEAR} * Sqrt(Mean({_ROGERS_SATCHELL}, 20))",
        "Rogers and Satchell 1991, doi:10.1214/aoap/1177005835",
    ),
    Entry("yang_zhang_20", f"{YEAR} * Sqrt({_YANG_ZHANG})", "Yang and Zhang 2000, doi:10.1086/209650"),
    Entry(
        "range_to_close_volatility_20",
        f"Sqrt({_PARKINSON}) / Std({RETURN}, 20)",
        PARKINSON,
        note="below one where nights or trends carry the moves",
    ),
    Entry(
        "range_autocorrelation_60",
        "Corr(Log($high / $low), Ref(Log($high / $low), 1), 60)",
        "Alizadeh, Brandt and Diebold 2002, doi:10.1111/1540-6261.00454",
    ),
    Entry(
        "volatility_of_volatility_60",
        f"Std({_ABSOLUTE}, 60) / Mean({_ABSOLUTE}, 60)",
        FOLKLORE,
    ),
    Entry(
        "bipower_volatility_21",
        f"{YEAR} * Sqrt({_BIPOWER})",
        "Barndorff-Nielsen and Shephard 2004, doi:10.1093/jjfinec/nbh001",
        note="of daily returns",
    ),
    Entry(
        "jump_share_21",
        f"Greater(1 - {_BIPOWER} / Mean({_SQUARE}, 21), 0)",
        "Barndorff-Nielsen and Shephard 2004, doi:10.1093/jjfinec/nbh001",
        note="of daily returns",
    ),
    Entry("downside_share_60", f"Mean(Power({_DOWN}, 2), 60) / Mean({_SQUARE}, 60)", SEMIVARIANCE),
    Entry(
        "signed_jump_21",
        f"(Sum(Power({_UP}, 2), 21) - Sum(Power({_DOWN}, 2), 21)) / Sum({_SQUARE}, 21)",
        "Bollerslev, Li and Zhao 2020, doi:10.1017/S0022109019000097",
        note="of daily returns",
    ),
    Entry(
        "skewness_60",
        f"Skew({RETURN}, 60)",
        "Amaya, Christoffersen, Jacobs and Vasquez 2015, doi:10.1016/j.jfineco.2015.02.009",
        note="of daily returns",
    ),
    Entry("kurtosis_60", f"Kurt({RETURN}, 60)", FOLKLORE),
    Entry("max_return_21", f"Max({RETURN}, 21)", "Bali, Cakici and Whitelaw 2011, doi:10.1016/j.jfineco.2010.08.014"),
    Entry("min_return_21", f"Min({RETURN}, 21)", "Bali, Cakici and Whitelaw 2011, doi:10.1016/j.jfineco.2010.08.014"),
    Entry(
        "left_tail_252",
        f"Quantile({RETURN}, 252, 0.05)",
        "Atilgan, Bali, Demirtas and Gunaydin 2020, doi:10.1016/j.jfineco.2019.07.006",
        note="the negative of value at risk",
    ),
    Entry("return_autocorrelation_60", f"Corr({RETURN}, Ref({RETURN}, 1), 60)", FOLKLORE),
    Entry(
        "variance_ratio_5_120",
        f"Var(Log({CLOSE} / Ref({CLOSE}, 5)), 120) / (5 * Var({RETURN}, 120)) - 1",
        "Lo and MacKinlay 1988, doi:10.1093/rfs/1.1.41",
    ),
)

# Night and day --------------------------------------------------------------------------------------------------------

_NIGHT_AND_DAY = (
    Entry("overnight_return_21", f"Sum({_NIGHT}, 21)", TUG_OF_WAR),
    Entry("intraday_return_21", f"Sum({_DAY}, 21)", TUG_OF_WAR),
    Entry("overnight_less_intraday_60", f"Mean({_NIGHT} - {_DAY}, 60)", TUG_OF_WAR, note="a session"),
    Entry("overnight_variance_share_60", f"Var({_NIGHT}, 60) / (Var({_NIGHT}, 60) + Var({_DAY}, 60))", TUG_OF_WAR),
    Entry("night_day_correlation_60", f"Corr({_NIGHT}, {_DAY}, 60)", TUG_OF_WAR),
    Entry("gap_to_range_20", f"Mean(Abs({_NIGHT}), 20) / Mean(Log($high / $low), 20)", FOLKLORE),
)

MICROSTRUCTURE: dict[str, Entry] = {
    entry.name: entry for entry in (*_SPREADS, *_LIQUIDITY, *_FLOW, *_VOLATILITY, *_NIGHT_AND_DAY)
}
"""Every microstructure factor by its name."""
