import numpy as np
import pytest

from alphalib.errors import InputError
from alphalib.features.market_context import beta, idiosyncratic_volatility, sector_relative_momentum
from tests.features.panels import panel
from tests.worlds import random_market


def test_beta_of_a_leveraged_market_is_its_leverage():
    market = random_market(sessions=120)
    spy = market.benchmarks["SPY"]
    doubled = panel(A=list(spy**2), B=[50.0] * 120).set_axis(market.sessions)
    # The log of a square moves twice as much; a constant not at all, and nothing of either is left unexplained.
    assert beta(doubled, spy, window=60).iloc[-1].tolist() == pytest.approx([2.0, 0.0])
    assert idiosyncratic_volatility(doubled, spy, window=60).iloc[-1].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_beta_and_residual_are_those_of_a_regression():
    market = random_market(sessions=120)
    own, spy = (np.log(x).diff().iloc[-60:] for x in (market.adj_close["N002"], market.benchmarks["SPY"]))
    slope, intercept = np.polyfit(spy, own, 1)
    assert beta(market.adj_close, market.benchmarks["SPY"], window=60)["N002"].iloc[-1] == pytest.approx(slope)
    residual = (own - slope * spy - intercept).std(ddof=1) * np.sqrt(252)
    measured = idiosyncratic_volatility(market.adj_close, market.benchmarks["SPY"], window=60)["N002"].iloc[-1]
    assert measured == pytest.approx(residual)


def test_sector_relative_momentum_by_hand():
    close = panel(A=[100, 110], B=[100, 130], C=[100, 190], D=[100, 150])
    member = panel(A=[1, 1], B=[1, 1], C=[0, 0], D=[1, 1]).astype(bool)
    sector = panel(A=[0, 0], B=[0, 0], C=[0, 0], D=[-1, -1]).astype("int8")
    # Members of sector 0 are A (+10 %) and B (+30 %): mean 20 %. C is no member but has the sector; D has none.
    relative = sector_relative_momentum(close, member, sector, window=1).iloc[-1]
    assert relative[["A", "B", "C"]].tolist() == pytest.approx([-0.1, 0.1, 0.7])
    assert np.isnan(relative["D"])


def test_a_short_window_is_refused():
    with pytest.raises(InputError, match="window must be at least 3 sessions, got 2"):
        beta(panel(A=[1, 2]), panel(A=[1, 2])["A"], window=2)
