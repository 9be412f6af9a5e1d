"""The formulas of the papers, written a second time with numpy; and what cannot tilt a cross-section does not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog.cross_section import CENTRED, CROSS_SECTION
from alphalib.features.compute import factors
from tests.features.catalog.markets import complete_market

MARKET = complete_market(seed=11, names=12, sessions=1330, missing=0.0)
ROW, NAME = 1290, 4  # a name without any corporate action
MEMBERS = MARKET.member.to_numpy()[ROW]
CLOSE = MARKET.adj_close.to_numpy()


@pytest.fixture(scope="module")
def computed():
    return factors({name: entry.node for name, entry in CROSS_SECTION.items()}, MARKET)


def change(values: np.ndarray, start: int, end: int = 0) -> np.ndarray:
    """From `start` to `end` sessions before the row."""
    return values[ROW - end] / values[ROW - start] - 1


def within_sector(values: np.ndarray) -> float:
    """The name's value less the mean of its sector's members."""
    sector = MARKET.sector.to_numpy()[ROW]
    peers = MEMBERS & (sector == sector[NAME]) & np.isfinite(values)
    return float(values[NAME] - values[peers].mean())


def centred(values: np.ndarray) -> float:
    return float(values[NAME] - values[MEMBERS & np.isfinite(values)].mean())


def beta(y: np.ndarray, x: np.ndarray) -> float:
    return float(np.cov(y, x)[0, 1] / np.var(x, ddof=1))


def figures(name: str, row: int) -> pd.Series:
    """What the name had filed by a session, oldest period first."""
    known = MARKET.fundamentals[MARKET.fundamentals["known"] <= MARKET.sessions[row]]
    return known[known["ticker"] == MARKET.tickers[NAME]].dropna(subset=[name]).sort_values("period_end")[name]


def every(name: str, row: int, quarters: int = 1) -> np.ndarray:
    """Sum of the last quarters' figures of every name."""
    known = MARKET.fundamentals[MARKET.fundamentals["known"] <= MARKET.sessions[row]]
    newest = known.dropna(subset=[name]).sort_values("period_end").groupby("ticker")[name]
    return newest.apply(lambda values: values.tail(quarters).sum()).reindex(MARKET.tickers).to_numpy()


def residual_momentum(r: np.ndarray, m: np.ndarray) -> float:
    """Sharpe ratio of what each day's beta leaves, over eleven months that ended a month ago."""
    days = range(ROW - 21 - 230, ROW - 21 + 1)
    left = [r[t] - beta(r[t - 251 : t + 1], m[t - 251 : t + 1]) * m[t] for t in days]
    return float(np.mean(left) / np.std(left, ddof=1))


def transcribed() -> dict[str, float]:
    """Every value of the name and the day."""
    own, spy = CLOSE[:, NAME], MARKET.benchmarks["SPY"].to_numpy()
    etf = MARKET.benchmarks.to_numpy()[:, 1 + int(MARKET.sector.iloc[ROW, NAME])]
    r, m, s = (np.append(np.nan, np.diff(np.log(values))) for values in (own, spy, etf))
    year = slice(ROW - 251, ROW + 1)
    ry, my = r[year], m[year]
    r60, m60 = r[ROW - 59 : ROW + 1], m[ROW - 59 : ROW + 1]
    b252, rho = beta(ry, my), np.corrcoef(ry, my)[0, 1]
    left = ry - ry.mean() - b252 * (my - my.mean())
    down, up = my < 0, my > 0
    vix, rate = MARKET.macro["vix"].to_numpy(), MARKET.macro["yield_10y"].to_numpy()
    all_r = np.vstack([np.full(CLOSE.shape[1], np.nan), np.diff(np.log(CLOSE), axis=0)])
    dvix = np.append(np.nan, np.diff(np.log(vix)))
    vix_betas = np.array([beta(all_r[ROW - 59 : ROW + 1, k], dvix[ROW - 59 : ROW + 1]) for k in range(12)])
    betas = np.array([beta(all_r[ROW - 59 : ROW + 1, k], m60) for k in range(12)])
    own_tail = np.array([r[t] <= np.quantile(r[t - 251 : t + 1], 0.1) for t in range(ROW - 251, ROW + 1)])
    spy_tail = np.array([m[t] <= np.quantile(m[t - 251 : t + 1], 0.1) for t in range(ROW - 251, ROW + 1)])
    shares = every("shares_outstanding", ROW)
    size = MARKET.close.to_numpy()[ROW] * shares
    profit, assets, equity = every("net_income", ROW, 4), every("total_assets", ROW), every("equity", ROW)
    three, spy_three = (np.log(v[3:] / v[:-3]) for v in (own, spy))
    three, spy_three = three[ROW - 503 - 3 : ROW + 1 - 3], spy_three[ROW - 503 - 3 : ROW + 1 - 3]
    r120, m120 = r[ROW - 119 : ROW + 1], m[ROW - 119 : ROW + 1]
    lag = np.corrcoef(r120, m[ROW - 120 : ROW])[0, 1]
    return {
        "momentum_252_21": change(own, 252, 21),
        "momentum_126_21": change(own, 126, 21),
        "momentum_252_126": change(own, 252, 126),
        "momentum_per_volatility": change(own, 252, 21) / (ry.std(ddof=1) * np.sqrt(252)),
        "residual_momentum_252_21": residual_momentum(r, m),
        "information_discreteness": np.sign(change(own, 252)) * (np.mean(ry < 0) - np.mean(ry > 0)),
        "momentum_change_126": change(own, 126) - change(own, 252, 126),
        "same_month_252": change(own, 252, 231),
        "reversal_21": -change(own, 21),
        "long_reversal_1260_252": -change(own, 1260, 252),
        "sector_relative_momentum_60": within_sector(change(CLOSE, 60)),
        "sector_relative_reversal_5": -within_sector(change(CLOSE, 5)),
        "sector_beta_60": beta(r60, s[ROW - 59 : ROW + 1]),
        "sector_lag_5": np.sum(s[ROW - 4 : ROW + 1] - r[ROW - 4 : ROW + 1]),
        "sector_lead_60": np.corrcoef(r60, s[ROW - 60 : ROW])[0, 1],
        "beta_60": beta(r60, m60),
        "beta_252": b252,
        "beta_by_parts_252": np.corrcoef(three, spy_three)[0, 1] * ry.std(ddof=1) / my.std(ddof=1),
        "correlation_252": rho,
        "idiosyncratic_volatility_60": np.sqrt(
            252 / 59 * np.sum((r60 - np.polyval(np.polyfit(m60, r60, 1), m60)) ** 2)
        ),
        "coskewness_252": np.mean(left * my**2) * 252 / 251 / (left.std(ddof=1) * np.mean(my**2)),
        "downside_beta_252": beta(ry[down], my[down]),
        "downside_less_upside_beta_252": beta(ry[down], my[down]) - beta(ry[up], my[up]),
        "tail_dependence_252": np.sum(own_tail & spy_tail) / np.sum(spy_tail),
        "price_delay_120": lag**2 / (np.corrcoef(r120, m120)[0, 1] ** 2 + lag**2),
        "alpha_120": 252 * (r120.mean() - beta(r120, m120) * m120.mean()),
        "vix_beta_60": vix_betas[NAME],
        "vix_beta_x_change_5": centred(vix_betas * np.log(vix[ROW] / vix[ROW - 5])),
        "beta_x_market_20": centred(betas * np.log(spy[ROW] / spy[ROW - 20])),
        "beta_x_curve": centred(betas * (rate[ROW] - MARKET.macro["yield_3m"].iloc[ROW])),
        "log_market_cap": np.log(size[NAME]),
        "earnings_yield": within_sector(profit / size),
        "book_to_price": within_sector(equity / size),
        "accruals": within_sector((profit - every("operating_cf", ROW, 4)) / assets),
        "asset_growth": within_sector(assets / every("total_assets", ROW - 252) - 1),
        "gross_profitability": within_sector(every("gross_profit", ROW, 4) / assets),
        "leverage": within_sector(every("total_debt", ROW) / size),
        "share_issuance": np.log(
            figures("shares_outstanding", ROW).iloc[-1] / figures("shares_outstanding", ROW - 252).iloc[-1]
        ),
    }


TRANSCRIBED = transcribed()


@pytest.mark.parametrize("name", TRANSCRIBED)
def test_equal_to_the_paper(name, computed):
    assert computed[name].iloc[ROW, NAME] == pytest.approx(TRANSCRIBED[name], rel=1e-7, abs=1e-12)


def test_all_have_values_where_the_market_has_the_data(computed):
    covered = {name: np.isfinite(panel.iloc[1265:, 1:-1].to_numpy()).mean() for name, panel in computed.items()}
    assert [name for name, share in covered.items() if share < 0.95] == []


@pytest.mark.parametrize("name", [name for name, entry in CROSS_SECTION.items() if CENTRED in entry.note])
def test_d34_products_with_the_market_cannot_tilt_the_cross_section(name, computed):
    means = computed[name].where(MARKET.member).mean(axis=1).dropna()
    assert len(means) > 500
    assert means.abs().max() < 1e-10


def test_d34_no_factor_is_the_same_for_every_name(computed):
    for name, panel in computed.items():
        members = panel.where(MARKET.member).iloc[1265:]
        assert (members.max(axis=1) - members.min(axis=1)).max() > 1e-6, name


def test_a_sector_fund_that_began_late_gives_nothing_at_first():
    benchmarks = MARKET.benchmarks.copy()
    benchmarks.iloc[:1000, 1:] = np.nan
    late = replace(MARKET, benchmarks=benchmarks)
    names = ("sector_beta_60", "sector_correlation_60", "sector_lead_60", "sector_lag_5")
    found = factors({name: CROSS_SECTION[name].node for name in names}, late)
    assert found["sector_beta_60"].iloc[:1040].isna().all(axis=None)
    assert found["sector_beta_60"].iloc[1041:, 1].notna().all()
    assert found["sector_lag_5"].iloc[:1005].isna().all(axis=None)


def test_a_market_without_printed_prices_refuses_sizes():
    adjusted = replace(MARKET, source=replace(MARKET.source, prices="split-adjusted"))
    with pytest.warns(UserWarning, match="log_market_cap"):
        found = factors({"log_market_cap": CROSS_SECTION["log_market_cap"].node}, adjusted)
    assert "split-adjusted" in found.failed["log_market_cap"]
