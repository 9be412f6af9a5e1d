"""Kakushadze's 101 Formulaic Alphas, written from the formulas of the paper's appendix.

How the paper's words are read here:

- `rank` is `CSRank`, `ts_rank` is `Rank` (both in (0, 1]), `ts_argmax` is `IdxMax` (counted from the oldest session),
  `decay_linear` is `WMA`, `scale` is `CSScale`, `min` and `max` with a number of days are `Min` and `Max`, with a
  second expression `Less` and `Greater`, `sum(x, d)/d` is `Mean`. A fractional number of days is rounded down, as the
  paper says.
- `returns` are close to close, dividends included.
- `adv{d}`, the average daily dollar volume, is the mean of `$close * $volume`: splits cancel in the product, and every
  source has both. Dividends since the first session raise it by a percent or two a year; `$dollar_volume` has none of
  that, but is refused by sources whose prices are split-adjusted. Where the paper sets `volume` against `adv{d}`,
  volume is taken in dollars too: shares and dollars cannot be compared, and their quotient is the reciprocal of the
  price.
- `cap` is the close as printed times the shares outstanding as last filed.
- `indneutralize` takes $sector wherever the paper names a sector, an industry or a subindustry, "a generic placeholder"
  to it; the entries that lose detail say so.
- Where the paper adds quantities of different units, or compares them, `Plain` drops the unit, and the entry says so.
  Such a factor depends on the level of the adjusted price, which is that of a share held since the first session.
- Most of the 101 rank prices, moves in currency, or volumes. On split-adjusted data such levels know which names will
  be split, so that market refuses them; those that remain are the ones whose levels cancel.

A correlation with a rank that stands still for the whole window is missing; in a universe of 150 names that costs up to
a fifth of the values (alpha079), in a wider one less.
"""

from __future__ import annotations

import re

from alphalib.features.catalog.entry import Entry

SOURCE = "Kakushadze 2016, 101 Formulaic Alphas, Wilmott 2016(84), 72–81, doi 10.1002/wilm.10525, arXiv 1601.00991"

_WORDS = {
    r"\breturns\b": "($close / Ref($close, 1) - 1)",
    r"\badv(\d+)\b": r"Mean($close * $volume, \1)",
    r"\bdollars\b": "$close * $volume",
    r"\bcap\b": "$market_cap",
    r"\bbend\b": "((Ref($close, 20) - Ref($close, 10)) / 10 - (Ref($close, 10) - $close) / 10)",
}
"""Words in the formulas below and what they stand for."""

FORMULAS = {
    1: "CSRank(IdxMax(Power(If(returns < 0, Std(returns, 20), Plain($close)), 2), 5)) - 0.5",
    2: "-Corr(CSRank(Delta(Log($volume), 2)), CSRank(($close - $open) / $open), 6)",
    3: "-Corr(CSRank($open), CSRank($volume), 10)",
    4: "-Rank(CSRank($low), 9)",
    5: "CSRank($open - Mean($vwap, 10)) * -Abs(CSRank($close - $vwap))",
    6: "-Corr($open, $volume, 10)",
    7: "If(adv20 < dollars, -Rank(Abs(Delta($close, 7)), 60) * Sign(Delta($close, 7)), -1)",
    8: "-CSRank(Sum($open, 5) * Sum(returns, 5) - Ref(Sum($open, 5) * Sum(returns, 5), 10))",
    9: "If(0 < Min(Delta($close, 1), 5), Delta($close, 1),"
    " If(Max(Delta($close, 1), 5) < 0, Delta($close, 1), -Delta($close, 1)))",
    10: "CSRank(If(0 < Min(Delta($close, 1), 4), Delta($close, 1),"
    " If(Max(Delta($close, 1), 4) < 0, Delta($close, 1), -Delta($close, 1))))",
    11: "(CSRank(Max($vwap - $close, 3)) + CSRank(Min($vwap - $close, 3))) * CSRank(Delta($volume, 3))",
    12: "Sign(Delta($volume, 1)) * -Delta($close, 1)",
    13: "-CSRank(Cov(CSRank($close), CSRank($volume), 5))",
    14: "-CSRank(Delta(returns, 3)) * Corr($open, $volume, 10)",
    15: "-Sum(CSRank(Corr(CSRank($high), CSRank($volume), 3)), 3)",
    16: "-CSRank(Cov(CSRank($high), CSRank($volume), 5))",
    17: "-CSRank(Rank($close, 10)) * CSRank(Delta(Delta($close, 1), 1)) * CSRank(Rank(dollars / adv20, 5))",
    18: "-CSRank(Plain(Std(Abs($close - $open), 5) + ($close - $open)) + Corr($close, $open, 10))",
    19: "-Sign(($close - Ref($close, 7)) + Delta($close, 7)) * (1 + CSRank(1 + Sum(returns, 250)))",
    20: "-CSRank($open - Ref($high, 1)) * CSRank($open - Ref($close, 1)) * CSRank($open - Ref($low, 1))",
    21: "If(Mean($close, 8) + Std($close, 8) < Mean($close, 2), -1,"
    " If(Mean($close, 2) < Mean($close, 8) - Std($close, 8), 1, If(dollars / adv20 >= 1, 1, -1)))",
    22: "-(Delta(Corr($high, $volume, 5), 5) * CSRank(Std($close, 20)))",
    23: "If(Mean($high, 20) < $high, -Delta($high, 2), 0)",
    24: "If(Delta(Mean($close, 100), 100) / Ref($close, 100) <= 0.05, -($close - Min($close, 100)), -Delta($close, 3))",
    25: "CSRank(-returns * adv20 * $vwap * ($high - $close))",
    26: "-Max(Corr(Rank($volume, 5), Rank($high, 5), 5), 3)",
    27: "If(0.5 < CSRank(Mean(Corr(CSRank($volume), CSRank($vwap), 6), 2)), -1, 1)",
    28: "CSScale(Corr(adv20, $low, 5) + Plain(($high + $low) / 2) - Plain($close))",
    29: "Min(Prod(CSRank(CSRank(CSScale(Log(Sum(Min(CSRank(CSRank(-CSRank(Delta($close - 1, 5)))), 2), 1))))), 1), 5)"
    " + Rank(Ref(-returns, 6), 5)",
    30: "(1 - CSRank(Sign($close - Ref($close, 1)) + Sign(Ref($close, 1) - Ref($close, 2))"
    " + Sign(Ref($close, 2) - Ref($close, 3)))) * Sum($volume, 5) / Sum($volume, 20)",
    31: "CSRank(CSRank(CSRank(WMA(-CSRank(CSRank(Delta($close, 10))), 10)))) + CSRank(-Delta($close, 3))"
    " + Sign(CSScale(Corr(adv20, $low, 12)))",
    32: "CSScale(Mean($close, 7) - $close) + 20 * CSScale(Corr($vwap, Ref($close, 5), 230))",
    33: "CSRank(-Power(1 - $open / $close, 1))",
    34: "CSRank((1 - CSRank(Std(returns, 2) / Std(returns, 5))) + (1 - CSRank(Delta($close, 1))))",
    35: "Rank($volume, 32) * (1 - Rank($close + $high - $low, 16)) * (1 - Rank(returns, 32))",
    36: "2.21 * CSRank(Corr($close - $open, Ref($volume, 1), 15)) + 0.7 * CSRank($open - $close)"
    " + 0.73 * CSRank(Rank(Ref(-returns, 6), 5)) + CSRank(Abs(Corr($vwap, adv20, 6)))"
    " + 0.6 * CSRank((Mean($close, 200) - $open) * ($close - $open))",
    37: "CSRank(Corr(Ref($open - $close, 1), $close, 200)) + CSRank($open - $close)",
    38: "-CSRank(Rank($close, 10)) * CSRank($close / $open)",
    39: "-CSRank(Delta($close, 7) * (1 - CSRank(WMA(dollars / adv20, 9)))) * (1 + CSRank(Sum(returns, 250)))",
    40: "-CSRank(Std($high, 10)) * Corr($high, $volume, 10)",
    41: "Power($high * $low, 0.5) - $vwap",
    42: "CSRank($vwap - $close) / CSRank($vwap + $close)",
    43: "Rank(dollars / adv20, 20) * Rank(-Delta($close, 7), 8)",
    44: "-Corr($high, CSRank($volume), 5)",
    45: "-(CSRank(Mean(Ref($close, 5), 20)) * Corr($close, $volume, 2)"
    " * CSRank(Corr(Sum($close, 5), Sum($close, 20), 2)))",
    46: "If(0.25 < bend, -1, If(bend < 0, 1, -($close - Ref($close, 1))))",
    47: "CSRank(1 / $close) * dollars / adv20 * ($high * CSRank($high - $close) / Mean($high, 5))"
    " - CSRank($vwap - Ref($vwap, 5))",
    48: "CSNeutralize(Corr(Delta($close, 1), Delta(Ref($close, 1), 1), 250) * Delta($close, 1) / $close, $sector)"
    " / Sum(Power(Delta($close, 1) / Ref($close, 1), 2), 250)",
    49: "If(bend < -0.1, 1, -($close - Ref($close, 1)))",
    50: "-Max(CSRank(Corr(CSRank($volume), CSRank($vwap), 5)), 5)",
    51: "If(bend < -0.05, 1, -($close - Ref($close, 1)))",
    52: "(-Min($low, 5) + Ref(Min($low, 5), 5)) * CSRank((Sum(returns, 240) - Sum(returns, 20)) / 220)"
    " * Rank($volume, 5)",
    53: "-Delta((($close - $low) - ($high - $close)) / ($close - $low), 9)",
    54: "-(($low - $close) * Power($open, 5)) / (($low - $high) * Power($close, 5))",
    55: "-Corr(CSRank(($close - Min($low, 12)) / (Max($high, 12) - Min($low, 12))), CSRank($volume), 6)",
    56: "-(CSRank(Sum(returns, 10) / Sum(Sum(returns, 2), 3)) * CSRank(returns * cap))",
    57: "-(($close - $vwap) / WMA(CSRank(IdxMax($close, 30)), 2))",
    58: "-Rank(WMA(Corr(CSNeutralize($vwap, $sector), $volume, 3), 7), 5)",
    59: "-Rank(WMA(Corr(CSNeutralize($vwap * 0.728317 + $vwap * (1 - 0.728317), $sector), $volume, 4), 16), 8)",
    60: "-(2 * CSScale(CSRank((($close - $low) - ($high - $close)) / ($high - $low) * $volume))"
    " - CSScale(CSRank(IdxMax($close, 10))))",
    61: "CSRank($vwap - Min($vwap, 16)) < CSRank(Corr($vwap, adv180, 17))",
    62: "-(CSRank(Corr($vwap, Sum(adv20, 22), 9))"
    " < CSRank((CSRank($open) + CSRank($open)) < (CSRank(($high + $low) / 2) + CSRank($high))))",
    63: "-(CSRank(WMA(Delta(CSNeutralize($close, $sector), 2), 8))"
    " - CSRank(WMA(Corr($vwap * 0.318108 + $open * (1 - 0.318108), Sum(adv180, 37), 13), 12)))",
    64: "-(CSRank(Corr(Sum($open * 0.178404 + $low * (1 - 0.178404), 12), Sum(adv120, 12), 16))"
    " < CSRank(Delta(($high + $low) / 2 * 0.178404 + $vwap * (1 - 0.178404), 3)))",
    65: "-(CSRank(Corr($open * 0.00817205 + $vwap * (1 - 0.00817205), Sum(adv60, 8), 6))"
    " < CSRank($open - Min($open, 13)))",
    66: "-(CSRank(WMA(Delta($vwap, 3), 7))"
    " + Rank(WMA(($low * 0.96633 + $low * (1 - 0.96633) - $vwap) / ($open - ($high + $low) / 2), 11), 6))",
    67: "-Power(CSRank($high - Min($high, 2)),"
    " CSRank(Corr(CSNeutralize($vwap, $sector), CSNeutralize(adv20, $sector), 6)))",
    68: "-(Rank(Corr(CSRank($high), CSRank(adv15), 8), 13)"
    " < CSRank(Delta($close * 0.518371 + $low * (1 - 0.518371), 1)))",
    69: "-Power(CSRank(Max(Delta(CSNeutralize($vwap, $sector), 2), 4)),"
    " Rank(Corr($close * 0.490655 + $vwap * (1 - 0.490655), adv20, 4), 9))",
    70: "-Power(CSRank(Delta($vwap, 1)), Rank(Corr(CSNeutralize($close, $sector), adv50, 17), 17))",
    71: "Greater(Rank(WMA(Corr(Rank($close, 3), Rank(adv180, 12), 18), 4), 15),"
    " Rank(WMA(Power(CSRank(($low + $open) - ($vwap + $vwap)), 2), 16), 4))",
    72: "CSRank(WMA(Corr(($high + $low) / 2, adv40, 8), 10))"
    " / CSRank(WMA(Corr(Rank($vwap, 3), Rank($volume, 18), 6), 2))",
    73: "-Greater(CSRank(WMA(Delta($vwap, 4), 2)),"
    " Rank(WMA(-(Delta($open * 0.147155 + $low * (1 - 0.147155), 2)"
    " / ($open * 0.147155 + $low * (1 - 0.147155))), 3), 16))",
    74: "-(CSRank(Corr($close, Sum(adv30, 37), 15))"
    " < CSRank(Corr(CSRank($high * 0.0261661 + $vwap * (1 - 0.0261661)), CSRank($volume), 11)))",
    75: "CSRank(Corr($vwap, $volume, 4)) < CSRank(Corr(CSRank($low), CSRank(adv50), 12))",
    76: "-Greater(CSRank(WMA(Delta($vwap, 1), 11)),"
    " Rank(WMA(Rank(Corr(CSNeutralize($low, $sector), adv81, 8), 19), 17), 19))",
    77: "Less(CSRank(WMA(($high + $low) / 2 + $high - ($vwap + $high), 20)),"
    " CSRank(WMA(Corr(($high + $low) / 2, adv40, 3), 5)))",
    78: "Power(CSRank(Corr(Sum($low * 0.352233 + $vwap * (1 - 0.352233), 19), Sum(adv40, 19), 6)),"
    " CSRank(Corr(CSRank($vwap), CSRank($volume), 5)))",
    79: "CSRank(Delta(CSNeutralize($close * 0.60733 + $open * (1 - 0.60733), $sector), 1))"
    " < CSRank(Corr(Rank($vwap, 3), Rank(adv150, 9), 14))",
    80: "-Power(CSRank(Sign(Delta(CSNeutralize($open * 0.868128 + $high * (1 - 0.868128), $sector), 4))),"
    " Rank(Corr($high, adv10, 5), 5))",
    81: "-(CSRank(Log(Prod(CSRank(Power(CSRank(Corr($vwap, Sum(adv10, 49), 8)), 4)), 14)))"
    " < CSRank(Corr(CSRank($vwap), CSRank($volume), 5)))",
    82: "-Less(CSRank(WMA(Delta($open, 1), 14)),"
    " Rank(WMA(Corr(CSNeutralize($volume, $sector), $open * 0.634196 + $open * (1 - 0.634196), 17), 6), 13))",
    83: "CSRank(Ref(($high - $low) / Mean($close, 5), 2)) * CSRank(CSRank($volume))"
    " / (($high - $low) / Mean($close, 5) / ($vwap - $close))",
    84: "Power(Rank($vwap - Max($vwap, 15), 20), Plain(Delta($close, 4)))",
    85: "Power(CSRank(Corr($high * 0.876703 + $close * (1 - 0.876703), adv30, 9)),"
    " CSRank(Corr(Rank(($high + $low) / 2, 3), Rank($volume, 10), 7)))",
    86: "-(Rank(Corr($close, Sum(adv20, 14), 6), 20) < CSRank(($open + $close) - ($vwap + $open)))",
    87: "-Greater(CSRank(WMA(Delta($close * 0.369701 + $vwap * (1 - 0.369701), 1), 2)),"
    " Rank(WMA(Abs(Corr(CSNeutralize(adv81, $sector), $close, 13)), 4), 14))",
    88: "Less(CSRank(WMA((CSRank($open) + CSRank($low)) - (CSRank($high) + CSRank($close)), 8)),"
    " Rank(WMA(Corr(Rank($close, 8), Rank(adv60, 20), 8), 6), 2))",
    89: "Rank(WMA(Corr($low * 0.967285 + $low * (1 - 0.967285), adv10, 6), 5), 3)"
    " - Rank(WMA(Delta(CSNeutralize($vwap, $sector), 3), 10), 15)",
    90: "-Power(CSRank($close - Max($close, 4)), Rank(Corr(CSNeutralize(adv40, $sector), $low, 5), 3))",
    91: "-(Rank(WMA(WMA(Corr(CSNeutralize($close, $sector), $volume, 9), 16), 3), 4)"
    " - CSRank(WMA(Corr($vwap, adv30, 4), 2)))",
    92: "Less(Rank(WMA((($high + $low) / 2 + $close) < ($low + $open), 14), 18),"
    " Rank(WMA(Corr(CSRank($low), CSRank(adv30), 7), 6), 6))",
    93: "Rank(WMA(Corr(CSNeutralize($vwap, $sector), adv81, 17), 19), 7)"
    " / CSRank(WMA(Delta($close * 0.524434 + $vwap * (1 - 0.524434), 2), 16))",
    94: "-Power(CSRank($vwap - Min($vwap, 11)), Rank(Corr(Rank($vwap, 19), Rank(adv60, 4), 18), 2))",
    95: "CSRank($open - Min($open, 12))"
    " < Rank(Power(CSRank(Corr(Sum(($high + $low) / 2, 19), Sum(adv40, 19), 12)), 5), 11)",
    96: "-Greater(Rank(WMA(Corr(CSRank($vwap), CSRank($volume), 3), 4), 8),"
    " Rank(WMA(IdxMax(Corr(Rank($close, 7), Rank(adv60, 4), 3), 12), 14), 13))",
    97: "-(CSRank(WMA(Delta(CSNeutralize($low * 0.721001 + $vwap * (1 - 0.721001), $sector), 3), 20))"
    " - Rank(WMA(Rank(Corr(Rank($low, 7), Rank(adv60, 17), 4), 18), 15), 6))",
    98: "CSRank(WMA(Corr($vwap, Sum(adv5, 26), 4), 7))"
    " - CSRank(WMA(Rank(IdxMin(Corr(CSRank($open), CSRank(adv15), 20), 8), 6), 8))",
    99: "-(CSRank(Corr(Sum(($high + $low) / 2, 19), Sum(adv60, 19), 8)) < CSRank(Corr($low, $volume, 6)))",
    100: "-((1.5 * CSScale(CSNeutralize(CSNeutralize("
    "CSRank((($close - $low) - ($high - $close)) / ($high - $low) * $volume), $sector), $sector))"
    " - CSScale(CSNeutralize(Corr($close, CSRank(adv20), 5) - CSRank(IdxMin($close, 30)), $sector)))"
    " * (dollars / adv20))",
    101: "($close - $open) / (($high - $low) + 0.001)",
}
"""Formulas by the paper's number."""

UNITS = dict.fromkeys((9, 12, 23, 24, 41, 46, 49, 51, 52, 57, 83), "price")
"""Units of those that are not a ratio."""

_SECTORS = (
    dict.fromkeys((59, 63, 69, 70, 80, 87, 89, 91, 93, 97), "industry")
    | dict.fromkeys((48, 90, 100), "subindustry")
    | {67: "subindustry of adv20"}
)
_DOLLARS = dict.fromkeys((7, 17, 21, 39, 43, 47, 100), "volume is taken in dollars, as adv20 is")

_PLAIN = {
    1: "the paper squares a volatility where the name fell and a price where it rose",
    18: "the paper adds a correlation to a price difference",
    28: "the paper adds a correlation to a price difference",
    84: "the paper's exponent is a price difference, so that values span hundreds of orders of magnitude",
}
_LEVELS = {
    46: "the thresholds and the constants 1 and −1 are in the adjusted price",
    49: "the threshold and the constant 1 are in the adjusted price",
    51: "the threshold and the constant 1 are in the adjusted price",
    101: "0.001 is in the adjusted price",
}
_OTHER = {
    45: "correlations of two sessions are 1 or −1",
    56: "missing without filings of the shares outstanding",
    53: "missing where the close is the low",
} | dict.fromkeys((21, 27, 61, 62, 64, 65, 68, 74, 75, 79, 81, 86, 95, 99), "two values only")


def _expanded(formula: str) -> str:
    for word, meaning in _WORDS.items():
        formula = re.sub(word, meaning, formula)
    return formula


def _note(number: int) -> str:
    parts = [f"sector instead of {_SECTORS[number]}"] if number in _SECTORS else []
    if number in _PLAIN:
        parts.append(f"{_PLAIN[number]}: without units")
    parts += [notes[number] for notes in (_DOLLARS, _LEVELS, _OTHER) if number in notes]
    return "; ".join(parts)


ALPHA101: dict[str, Entry] = {
    f"alpha{number:03d}": Entry(
        f"alpha{number:03d}", _expanded(formula), SOURCE, unit=UNITS.get(number, "ratio"), note=_note(number)
    )
    for number, formula in FORMULAS.items()
}
"""All of them, alpha001 to alpha101."""
