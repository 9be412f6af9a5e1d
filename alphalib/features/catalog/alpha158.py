"""qlib's Alpha158: the bar's shape, four prices, and twenty-nine rolling quantities over five windows."""

from __future__ import annotations

from alphalib.features.catalog.entry import Entry

SOURCE = "Yang et al. 2020, Qlib, arXiv 2009.11189; pyqlib 0.9.7, Alpha158"

WINDOWS = (5, 10, 20, 30, 60)
"""Lengths of every rolling factor. [sessions]"""

BAR = {
    "KMID": "($close-$open)/$open",
    "KLEN": "($high-$low)/$open",
    "KMID2": "($close-$open)/($high-$low+1e-12)",
    "KUP": "($high-Greater($open, $close))/$open",
    "KUP2": "($high-Greater($open, $close))/($high-$low+1e-12)",
    "KLOW": "(Less($open, $close)-$low)/$open",
    "KLOW2": "(Less($open, $close)-$low)/($high-$low+1e-12)",
    "KSFT": "(2*$close-$high-$low)/$open",
    "KSFT2": "(2*$close-$high-$low)/($high-$low+1e-12)",
    "OPEN0": "$open/$close",
    "HIGH0": "$high/$close",
    "LOW0": "$low/$close",
    "VWAP0": "$vwap/$close",
}
"""Factors of one session's bar."""

_UP, _DOWN, _MOVE = "Greater({x}-Ref({x}, 1), 0)", "Greater(Ref({x}, 1)-{x}, 0)", "Abs({x}-Ref({x}, 1))"
_RISE, _FALL = f"Sum({_UP}, {{d}})", f"Sum({_DOWN}, {{d}})"
_ALL_MOVES = f"(Sum({_MOVE}, {{d}})+1e-12)"
_PRICE, _VOLUME = {"x": "$close", "d": "{d}"}, {"x": "$volume", "d": "{d}"}
_TRADED_MOVE = "Abs($close/Ref($close, 1)-1)*$volume"

ROLLING = {
    "ROC": "Ref($close, {d})/$close",
    "MA": "Mean($close, {d})/$close",
    "STD": "Std($close, {d})/$close",
    "BETA": "Slope($close, {d})/$close",
    "RSQR": "Rsquare($close, {d})",
    "RESI": "Resi($close, {d})/$close",
    "MAX": "Max($high, {d})/$close",
    "MIN": "Min($low, {d})/$close",
    "QTLU": "Quantile($close, {d}, 0.8)/$close",
    "QTLD": "Quantile($close, {d}, 0.2)/$close",
    "RANK": "Rank($close, {d})",
    "RSV": "($close-Min($low, {d}))/(Max($high, {d})-Min($low, {d})+1e-12)",
    "IMAX": "IdxMax($high, {d})/{d}",
    "IMIN": "IdxMin($low, {d})/{d}",
    "IMXD": "(IdxMax($high, {d})-IdxMin($low, {d}))/{d}",
    "CORR": "Corr($close, Log($volume+1), {d})",
    "CORD": "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {d})",
    "CNTP": "Mean($close>Ref($close, 1), {d})",
    "CNTN": "Mean($close<Ref($close, 1), {d})",
    "CNTD": "Mean($close>Ref($close, 1), {d})-Mean($close<Ref($close, 1), {d})",
    "SUMP": f"{_RISE}/{_ALL_MOVES}".format(**_PRICE),
    "SUMN": f"{_FALL}/{_ALL_MOVES}".format(**_PRICE),
    "SUMD": f"({_RISE}-{_FALL})/{_ALL_MOVES}".format(**_PRICE),
    "VMA": "Mean($volume, {d})/($volume+1e-12)",
    "VSTD": "Std($volume, {d})/($volume+1e-12)",
    "WVMA": f"Std({_TRADED_MOVE}, {{d}})/(Mean({_TRADED_MOVE}, {{d}})+1e-12)",
    "VSUMP": f"{_RISE}/{_ALL_MOVES}".format(**_VOLUME),
    "VSUMN": f"{_FALL}/{_ALL_MOVES}".format(**_VOLUME),
    "VSUMD": f"({_RISE}-{_FALL})/{_ALL_MOVES}".format(**_VOLUME),
}
"""Factors of a window, `{d}` its length."""

ALPHA158: dict[str, Entry] = {
    name: Entry(name, expression, SOURCE)
    for name, expression in (
        *BAR.items(),
        *((f"{name}{d}", template.format(d=d)) for name, template in ROLLING.items() for d in WINDOWS),
    )
}
"""The 158 by qlib's names, in qlib's spelling and order."""
