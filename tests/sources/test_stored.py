import io

import pandas as pd
import pytest

from alphalib.errors import ContractError, InputError
from alphalib.market import Source
from alphalib.sources.stored import BAR, TABLES, assemble, bars_by_year, read_market, read_table
from alphalib.store import Store, parquet_bytes
from tests.worlds import random_market

MARKET = random_market(names=6, sessions=600, missing=0.05)


def tidy(market=MARKET):
    """The market's bars in no order; the first name leaves before 2020 and the second begins in 2021."""
    long = pd.concat({name: getattr(market, name).stack() for name in BAR}, axis=1).reset_index()
    gone = (long["ticker"] == "N000") & (long["date"] >= "2020-01-01")
    later = (long["ticker"] == "N001") & (long["date"] < "2021-01-01")
    return long[~gone & ~later].sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    for path, content in bars_by_year(tidy()).items():
        store.write_bytes(path, content)
    store.write_table(TABLES["actions"][0], MARKET.actions)
    store.write_json("prices/source.json", {"name": "test"})
    return store


def test_years_on_disk_are_the_market_that_was_written(store):
    read = read_market(store, survivors=True)
    bars = tidy().set_index(["date", "ticker"])
    for name in BAR:
        wanted = bars[name].unstack().reindex(index=MARKET.sessions).sort_index(axis=1)
        pd.testing.assert_frame_equal(getattr(read, name), wanted, check_exact=True, check_freq=False)
    tables = {name: read_table(store, name) for name in TABLES}
    assert read.data_hash == assemble(tidy(), tables, Source("test"), survivors=True).data_hash


def test_files_of_other_encodings_read_alike(store):
    hashed = read_market(store, survivors=True).data_hash
    for path in store.paths("prices/daily/*.parquet"):
        table = store.read_table(path)
        plain = io.BytesIO()
        table.to_parquet(plain, index=False, compression=None)
        for content in (parquet_bytes(table), plain.getvalue()):
            assert content != store.read_bytes(path)
            store.write_bytes(path, content)
            assert read_market(store, survivors=True).data_hash == hashed


def test_names_without_a_bar_in_the_span_have_no_column(store):
    assert "N001" not in read_market(store, asof="2020-12-31", survivors=True).tickers
    assert "N000" not in read_market(store, start="2020-01-01", survivors=True).tickers
    cut = read_market(store, start="2020-02-03", asof="2020-11-30", survivors=True)
    assert list(cut.sessions[[0, -1]].strftime("%Y-%m-%d")) == ["2020-02-03", "2020-11-30"]


@pytest.mark.parametrize(
    "name", [*BAR, "adj_open", "adj_high", "adj_low", "adj_close", "adj_volume", "return_factor", "member", "sector"]
)
def test_a_history_is_one_piece_of_memory(store, name):
    assert getattr(read_market(store), name).to_numpy().T.flags.c_contiguous


def test_a_span_without_prices_is_named(store):
    with pytest.raises(InputError, match="has no prices for up to 2018-12-31; it has 2019 to 2021"):
        read_market(store, asof="2018-12-31")
    with pytest.raises(InputError, match="has no prices for from 2019-01-02 up to 2021-12-31; it has up to 2021-05-19"):
        read_market(store, start="2019-01-02", asof="2021-12-31")


def test_a_bar_on_a_holiday_is_refused(store):
    holiday = tidy().iloc[[0]].assign(date=pd.Timestamp("2019-07-04"))
    with pytest.raises(ContractError, match="2019-07-04 is not a session of the exchange"):
        assemble(pd.concat([tidy(), holiday]), {}, Source("test"))


def test_a_split_on_a_saturday_is_refused_not_forgotten(store):
    saturday = MARKET.actions.assign(date=pd.Timestamp("2019-07-06"))
    store.write_table(TABLES["actions"][0], saturday)
    with pytest.raises(ContractError, match=r"split of N000 on 2019-07-06, which is not a session .*; date it by"):
        read_market(store)
    store.write_table(TABLES["actions"][0], MARKET.actions)
    assert read_market(store).split_factor["N000"].iloc[-1] == 2.0
