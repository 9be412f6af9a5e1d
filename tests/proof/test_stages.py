"""The stages from predictions to order book: that there is something to prove, and that a leak in them shows."""

from functools import cache, cached_property

import pytest

from alphalib.labels import forward_return
from alphalib.proof import STAGES, Known, Received, Stage, certify
from alphalib.proof.certificate import certificate_dates
from alphalib.scores import SignalCode
from alphalib.sources.sample import simulate_market

DECIDING = ("predictions", "decision", "simulation", "order book")


@cache
def known() -> Known:
    """The world of the certificate's own test."""
    of = Known.of(Received.from_world(simulate_market(seed=9, names=16, sessions=320)))
    return of.with_gaps(certificate_dates(of.market.sessions))


def test_the_certified_world_decides_and_trades():
    days = certificate_dates(known().market.sessions)
    assert known().predicted.loc[days].notna().any(axis=1).all()
    history, book = known().history, known().backtest
    assert (history.names["signal"] == SignalCode.ENTER).sum() > 100
    assert history.names["veto"].any()
    assert {"entry", "stop"} <= set(book.trades["reason"])
    assert len(book.trades) > 20


def test_a_stage_says_what_each_date_leads_to():
    days = certificate_dates(known().market.sessions)
    frames = {name: dict(STAGES[name].artefacts(known(), days)) for name in DECIDING}
    books = frames["order book"]["order book"]
    assert books.index.equals(days)
    assert books["approved_entries"].ne("[]").any()
    assert books["active_stops"].ne("[]").all()
    assert set(frames["decision"]["decisions"].index) == set(days)
    assert set(known().history.names.dtype.names) <= frames["decision"].keys()


class Knowing(Known):
    """Predictions that have seen the next five sessions: what everything behind them must not hide."""

    @cached_property
    def predicted(self):
        return forward_return(self.market, horizon=5)


@pytest.mark.slow
def test_a_leak_into_the_predictions_shows_in_every_stage_behind_them():
    def leaking(of, days):
        knowing = Knowing(of.received, of.accepted, of.dates)
        for name in DECIDING:
            yield from ((f"{name}: {what}", frame) for what, frame in STAGES[name].artefacts(knowing, days))

    received = Received.from_world(simulate_market(seed=9, names=16, sessions=320))
    found = {leak.artefact for leak in certify(received, [Stage("leaking", leaking)]).leaks}
    assert {name.split(":")[0] for name in found} == set(DECIDING)
    assert {"decision: percentile", "simulation: days"} <= found
    assert "decision: score" not in found
