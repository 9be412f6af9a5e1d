"""Canaries: every monitor meets a fault that was planted for it, and must be quiet without the fault.

A monitor that has not spoken for a year is either looking at a sound system or dead, and nothing else tells the two
apart. A canary is the same small world twice, once sound and once with the fault; it is alive when the monitor spoke
of the fault alone. Another monitor joins by another entry of `CANARIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import pandas as pd

from alphalib.backtest.parity import Decided, parity
from alphalib.backtest.tune.watch import watch
from alphalib.contracts import CanaryReport, CanaryRow, Signals, require_fresh
from alphalib.decision import Day, Portfolio, decide, history, order_book
from alphalib.decision.explain import reason
from alphalib.errors import AlphalibError, ContractError, EvidenceError
from alphalib.evidence.holdout import seal_label
from alphalib.labels import forward_return
from alphalib.market import SECTORS, Market
from alphalib.models.gate import gate
from alphalib.models.predictions import require_two_sided
from alphalib.params import ExecutorParams, ResearchParams
from alphalib.proof.certificate import certify
from alphalib.proof.received import Received
from alphalib.proof.stages import Stage
from alphalib.research.scanner import scan
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels
from alphalib.sessions import all_sessions, next_session
from alphalib.sources.quality import gate as quality_gate
from alphalib.sources.sample import simulate_market
from alphalib.sources.stored import BAR
from alphalib.store import Store, checked

RULES = ExecutorParams()
CASH = 1e6  # [currency]


@dataclass(frozen=True)
class Canary:
    """A monitor and the fault planted for it.

    Parameters
    ----------
    monitor, fault : str
        For people: who should speak, and of what.
    said : callable
        Told whether the fault is there, gives what the monitor says; empty when it is quiet.
    """

    monitor: str
    fault: str
    said: Callable[[bool], str]


def sung(canary: Canary, *, asof: pd.Timestamp, last_fired: str | None) -> CanaryRow:
    """What became of one canary.

    Parameters
    ----------
    canary : Canary
        To be run with its fault and without.
    asof : Timestamp
        The session at which it fires, if it does.
    last_fired : str, optional
        When it did before.
    """
    try:
        quiet, loud = canary.said(False), canary.said(True)
    except AlphalibError as error:  # a monitor that breaks is dead; the others are asked all the same
        quiet, loud = "", ""
        silence = f"broke: {error}"
    else:
        silence = f"speaks without the fault too: {quiet}" if quiet else "was quiet"
    fired = bool(loud) and not quiet
    return CanaryRow(
        monitor=canary.monitor,
        fault=canary.fault,
        fired=fired,
        said=loud if fired else silence,
        last_fired=f"{asof:%Y-%m-%d}" if fired else last_fired,
    )


def run_canaries(
    store: Store,
    *,
    asof: pd.Timestamp,
    canaries: Iterable[Canary] | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> CanaryReport:
    """Run every canary and write which monitors are alive, and when each last was.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Session of the run.
    canaries : iterable of Canary, optional
        All of `CANARIES` without it.
    step : callable
        Is told the monitor that is tried.
    """
    before = store.read(CanaryReport.path, CanaryReport).canaries if store.exists(CanaryReport.path) else []
    fired = {(row.monitor, row.fault): row.last_fired for row in before}
    rows = []
    for canary in CANARIES if canaries is None else canaries:
        step(canary.monitor)
        rows.append(sung(canary, asof=asof, last_fired=fired.get((canary.monitor, canary.fault))))
    report = CanaryReport(date=f"{asof:%Y-%m-%d}", canaries=rows)
    store.write(CanaryReport.path, report)
    return report


def canary_table(report: CanaryReport) -> pd.DataFrame:
    """The report as a table, the dead first: `monitor, fault, alive, last fired, said`."""
    table = pd.DataFrame([row.model_dump() for row in report.canaries])
    table = table.sort_values(["fired", "monitor"], kind="stable", ignore_index=True)
    names = {"fired": "alive", "last_fired": "last fired"}
    return table[["monitor", "fault", "fired", "last_fired", "said"]].rename(columns=names)


# The small world that the canaries live in


@cache
def _market() -> Market:
    return simulate_market(seed=44, names=16, sessions=320).market()


def _day(*, places: pd.Series | None = None) -> Day:
    """The last close of the small world, at which research wants every name entered."""
    market, last = _market(), _market().sessions[-1:]

    def row(value: float, names: pd.Index) -> pd.DataFrame:
        return pd.DataFrame(value, index=last, columns=names)

    wanted = SignalPanels(
        score=row(90.0, market.tickers),
        signal=row(SignalCode.ENTER, market.tickers),
        conviction=row(ConvictionCode.STABLE, market.tickers),
        upside=row(0.2, market.tickers),
        sector_rating=row(0, pd.Index(SECTORS)),
        regime=pd.Series([RegimeCode.BULL], index=last),
        age=pd.Series([0], index=last),
    )
    veto = None if places is None else (places < 0.1).to_frame(last[0]).T
    percentile = None if places is None else places.to_frame(last[0]).T
    return history(market, wanted, percentile=percentile, veto=veto, params=RULES).day(market.last)


def _blocked(rule: str, portfolio: Portfolio, day: Day) -> str:
    """What the decision says of entries that a rule blocks; nothing unless it blocks."""
    found = [refusal for refusal in decide(portfolio, day, RULES).blocked if refusal.rule == rule]
    if not found:
        return ""
    return f"blocks {len(found)}, {found[0].ticker} first: {reason(rule, found[0].value, found[0].limit)}"


def _drawdown(planted: bool) -> str:
    """A NAV that falls 1, 3, 5 and 9 % from its peak: full size, half, a quarter, none."""
    told = []
    for fall, expected in ((0.01, 1.0), (0.03, 0.5), (0.05, 0.25), (0.09, 0.0)) if planted else ((0.0, 1.0),):
        decision = decide(Portfolio(CASH, CASH / (1 - fall)), _day(), RULES)
        halted = not decision.entries and {row.rule for row in decision.blocked} >= {"halted"}
        if decision.multiplier != expected or halted != (expected == 0):
            return "" if planted else "a book at its peak is held back"
        told.append(f"−{fall:.0%} → ×{expected:g}")
    return f"{', '.join(told)}, halted" if planted else ""


def _daily_loss(planted: bool) -> str:
    return _blocked(
        "daily_loss", replace(Portfolio.of_cash(CASH), nav_before=CASH * (1.03 if planted else 1.0)), _day()
    )


def _kill_switch(planted: bool) -> str:
    return _blocked("kill_switch", replace(Portfolio.of_cash(CASH), killed=planted), _day())


def _veto(planted: bool) -> str:
    places = pd.Series(0.5, index=_market().tickers)
    traded = _market().tickers[_market().tradable.iloc[-1] & _market().member.iloc[-1]]
    if planted:
        places[traded[0]] = 0.01
    return _blocked("veto", Portfolio.of_cash(CASH), _day(places=places))


def _parity(planted: bool, *, stage: str, params: ExecutorParams = RULES, field: str = "", factor: float = 1.0) -> str:
    """A plan, and the same after parameters or one name's field changed behind it: the first stage must be named."""
    day = _day()
    names = day.names.copy()
    if field:
        names[field][int(np.flatnonzero(names["tradable"])[0])] *= factor
    was = _decided(RULES, day)
    becomes = _decided(params, replace(day, names=names)) if planted else _decided(RULES, _day())
    found = [one for one in parity(was, becomes) if one.differences]
    named = bool(found) and (found[0].stage == stage or not planted)
    return f"{found[0].stage}: {found[0].examples[0]}" if named else ""


def _decided(params: ExecutorParams, day: Day) -> Decided:
    portfolio = Portfolio.of_cash(CASH)
    return Decided(params, day, portfolio, order_book(decide(portfolio, day, params), day, portfolio, params))


def _scanner(planted: bool) -> str:
    """Volume in millions of shares: nearly everything fails one rule, which is that rule's fault."""
    market = _market()
    if planted:
        market = replace(market, volume=market.volume / 1e6)
    alarms = scan(market, ResearchParams(min_avg_volume=1e4, min_price=0.0)).alarms
    return "; ".join(alarm for alarm in alarms if "min_avg_volume" in alarm)


def _quality(planted: bool) -> str:
    """A close with its decimal point one place to the right."""
    market = _market()
    steady = str(market.close.notna().sum().idxmax())  # a name with a bar on nearly every session
    bars = pd.DataFrame({name: getattr(market, name)[steady] for name in BAR}).dropna().reset_index()
    actions = market.actions[market.actions["ticker"] == steady]
    clean = quality_gate(bars.assign(ticker=steady), actions).bars
    if planted:
        clean.loc[len(clean) // 2, "close"] *= 10
    found = quality_gate(clean, actions).quarantined
    return "; ".join(f"{row.kind} of {row.ticker} on {row.date:%Y-%m-%d}" for row in found.head(3).itertuples())


def _model_gate(planted: bool) -> str:
    """ICs without skill are refused; with it, they are not."""
    rng = np.random.default_rng(44)
    sessions = all_sessions()[:1500]
    ic = pd.Series(rng.normal(0.0 if planted else 0.05, 0.1, len(sessions)), index=sessions)
    verdict = gate(ic, horizon=5, trials=1, rng=rng)
    return "; ".join(str(check) for check in verdict.checks if not check.passed)


def _one_sided(planted: bool) -> str:
    raw = pd.Series(np.random.default_rng(44).normal(2.0 if planted else 0.0, 1.0, 100))
    try:
        require_two_sided(raw, date=_market().last)
    except ContractError as error:
        return error.faults[0]
    return ""


def _holdout(planted: bool) -> str:
    sealed = seal_label(forward_return(_market(), horizon=5), horizon=5)
    try:
        sealed.opened(None) if planted else sealed.open
    except EvidenceError as error:
        return str(error)
    return ""


def _signals_contract(planted: bool) -> str:
    entries = [
        {
            "ticker": ticker,
            "signal": "ENTER" if planted or place < 3 else "HOLD",
            "score": 80.0 if planted or place < 3 else 50.0,
            "rating": "BUY" if planted or place < 3 else "HOLD",
            "conviction": "stable",
            "sector": SECTORS[0],
            "sector_rating": "market_weight",
            "price_target_upside": 0.1,
            "thesis_summary": "planted",
        }
        for place, ticker in enumerate(_market().tickers)
    ]
    content = {
        "date": f"{_market().last:%Y-%m-%d}",
        "market_regime": "neutral",
        "sector_ratings": {SECTORS[0]: {"rating": "market_weight"}},
        "sector_modifiers": {},
        "universe": entries,
        "buy_candidates": [],
    }
    try:
        checked(content, Signals, name="signals")
    except ContractError as error:
        return error.faults[0]
    return ""


def _stale(planted: bool) -> str:
    report = CanaryReport(date=f"{_market().last:%Y-%m-%d}", canaries=[])
    try:
        require_fresh(report, asof=next_session(_market().last, count=6 if planted else 1), within=5)
    except ContractError as error:
        return error.faults[0]
    return ""


def _rollback(planted: bool) -> str:
    """A change that loses .02 % a day against the book before it."""
    rng = np.random.default_rng(44)
    sessions = all_sessions()[:1000]
    before = rng.normal(0.0004, 0.008, len(sessions))
    tuned = before + rng.normal(0.0, 0.001, len(sessions))
    tuned[500:] -= 0.0002 if planted else 0.0
    navs = [pd.Series(np.cumprod(1 + returns), index=sessions) for returns in (tuned, before)]
    found = watch(navs[0], navs[1], adopted=sessions[499])
    return str(found) if found.alarm is not None else ""


def _certificate(planted: bool) -> str:
    """A panel that knows tomorrow's close."""
    shift = -1 if planted else 1
    stage = Stage("planted", lambda known, days: [("close", known.market.close.shift(shift))])
    market = simulate_market(seed=44, names=5, sessions=110).market()
    return "; ".join(str(leak) for leak in certify(Received.from_market(market), [stage]).leaks[:1])


CANARIES: tuple[Canary, ...] = (
    Canary("drawdown", "a NAV 1, 3, 5 and 9 % under its peak", _drawdown),
    Canary("daily loss", "a NAV 2.9 % under that of the close before", _daily_loss),
    Canary("kill switch", "a person has thrown it", _kill_switch),
    Canary("veto", "the lowest prediction on a name that research wants", _veto),
    Canary(
        "parity",
        "a parameter file changed behind the plan",
        partial(_parity, stage="parameters", params=ExecutorParams(min_score=95.0)),
    ),
    Canary(
        "parity",
        "a close restated by 1 % behind the plan",
        partial(_parity, stage="prices", field="close", factor=1.01),
    ),
    Canary("parity", "a score edited behind the plan", partial(_parity, stage="signals", field="score", factor=0.5)),
    Canary("scanner", "volume in millions of shares", _scanner),
    Canary("quality gate", "a close ten times too high", _quality),
    Canary("model gate", "predictions without skill", _model_gate),
    Canary("predictions", "a model that calls nearly everything up", _one_sided),
    Canary("signals", "research that wants every name", _signals_contract),
    Canary("freshness", "an artefact of six sessions ago", _stale),
    Canary("holdout", "sealed outcomes read without a grant", _holdout),
    Canary("rollback", "a tuned book that loses .02 % a day to the one before", _rollback),
    Canary("certificate", "a panel that knows tomorrow's close", _certificate),
)
"""Every monitor with its fault."""
