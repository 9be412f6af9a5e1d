"""Factors as files: what a reader finds in them, how a folder grows, and what is left when something goes wrong."""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from alphalib.errors import InputError, StoreError
from alphalib.features.compute import FactorWarning, factors, write_factors
from alphalib.features.engine import dataset
from alphalib.features.engine.parts import read_metadata
from tests.worlds import random_market

EXPRESSIONS = {
    "reversal": "-Delta(Log($close), 5)",
    "rank": "CSRank(Mean($close, 5)/Ref($close, 20))",
    "both": "CSRank(Corr(CSRank($high), CSRank($volume), 5))-0.5",
    "fear": "$vix",
    "ever": "$close/Max($close, 0)",
    "again": "-Delta(Log($close), 5)",
}
MARKET = random_market(names=14, sessions=200, missing=0.05, seed=4)
PRICES = ("open", "high", "low", "close", "volume", "vwap")


def assert_holds(path, market, **options):
    """A path holds what `factors` gives for a market, to the bit."""
    table = pd.read_parquet(path)
    assert list(table) == ["ticker", "date", *EXPRESSIONS]
    for name, panel in factors(EXPRESSIONS, market, **options).items():
        found = table.pivot(index="date", columns="ticker", values=name)
        found = found.reindex(index=panel.index, columns=panel.columns)
        assert np.array_equal(found.to_numpy(), panel.to_numpy(), equal_nan=True), name


def corrected(market):
    """The market after a vendor has mended one old price."""
    close = market.close.copy()
    close.iloc[20, 3] *= 1.01
    return replace(market, close=close)


def interrupt(done, total):
    raise KeyboardInterrupt


# One file ------------------------------------------------------------------------------------------------------------


def test_a_file_holds_what_the_panels_do(tmp_path):
    written = write_factors(EXPRESSIONS, MARKET, tmp_path / "f.parquet", threads=2)
    assert_holds(tmp_path / "f.parquet", MARKET)
    table = pd.read_parquet(tmp_path / "f.parquet")
    assert len(table) == written.rows == MARKET.close.notna().to_numpy().sum()
    assert table.equals(table.sort_values(["ticker", "date"], ignore_index=True))
    assert written.coverage["fear"] == 1.0
    assert written.coverage["reversal"] == pytest.approx(table["reversal"].notna().mean())
    assert os.listdir(tmp_path) == ["f.parquet"]


def test_the_number_of_row_groups_changes_nothing(tmp_path):
    one, many = tmp_path / "one.parquet", tmp_path / "many.parquet"
    write_factors(EXPRESSIONS, MARKET, one, threads=1)
    write_factors(EXPRESSIONS, MARKET, many, threads=14)
    assert (pq.ParquetFile(one).num_row_groups, pq.ParquetFile(many).num_row_groups) == (1, 14)
    pd.testing.assert_frame_equal(pd.read_parquet(one), pd.read_parquet(many), check_exact=True)


def test_what_is_missing_is_null(tmp_path):
    write_factors(EXPRESSIONS, MARKET, tmp_path / "f.parquet")
    column = pq.read_table(tmp_path / "f.parquet")["rank"]
    assert column.null_count > 0
    assert not np.isnan(column.drop_null().to_numpy()).any()


def test_unmasked_rows_begin_with_a_name(tmp_path):
    late = MARKET.close.copy()
    late.iloc[:50, 2] = np.nan
    market = replace(MARKET, close=late)
    write_factors({"fear": "$vix"}, market, tmp_path / "f.parquet", mask=False)
    rows = pd.read_parquet(tmp_path / "f.parquet").groupby("ticker").size()
    assert rows["N002"] == 150 - late.iloc[50:, 2].isna().to_numpy().argmin()
    assert rows["N013"] == 200 - late.iloc[:, 13].isna().to_numpy().argmin()  # delisted, and still there


def test_names_are_sorted_whatever_their_order_in_the_market(tmp_path):
    mixed = MARKET.tickers[::-1]
    market = replace(MARKET, **{n: getattr(MARKET, n)[mixed] for n in (*PRICES, "member", "sector")})
    write_factors(EXPRESSIONS, market, tmp_path / "mixed.parquet")
    write_factors(EXPRESSIONS, MARKET, tmp_path / "sorted.parquet")
    mixed, ordered = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("mixed", "sorted"))
    pd.testing.assert_frame_equal(mixed, ordered, check_exact=True)


def test_half_the_digits_when_asked(tmp_path):
    write_factors(EXPRESSIONS, MARKET, tmp_path / "f.parquet", dtype="float32")
    assert pd.read_parquet(tmp_path / "f.parquet")["rank"].dtype == "float32"
    assert_holds(tmp_path / "f.parquet", MARKET, dtype="float32")


def test_a_file_knows_what_it_is(tmp_path):
    write_factors(EXPRESSIONS, MARKET, tmp_path / "f.parquet")
    known = read_metadata(tmp_path / "f.parquet")
    assert known["factors"]["reversal"]["text"] == "Neg(Delta(Log($close), 5))"
    assert known["factors"]["reversal"]["unit"] == "none"
    assert known["data"] == MARKET.data_hash
    assert known["last"] == f"{MARKET.last:%Y-%m-%d}"


def test_a_factor_that_fails_does_not_lose_the_others(tmp_path):
    with pytest.warns(FactorWarning, match="1 of 2 factors failed:\n  wrong: there is no operator"):
        written = write_factors({"wrong": "Maen($close, 5)", "right": "$close"}, MARKET, tmp_path / "f.parquet")
    assert (list(written.coverage), list(written.failed)) == (["right"], ["wrong"])


@pytest.mark.filterwarnings("ignore::alphalib.features.compute.FactorWarning")
def test_nothing_is_written_of_nothing(tmp_path):
    with pytest.raises(InputError, match="none of 1 factors can be computed"):
        write_factors({"wrong": "Maen($close, 5)"}, MARKET, tmp_path / "f.parquet")
    with pytest.raises(InputError, match="cannot be called 'date'"):
        write_factors({"date": "$close"}, MARKET, tmp_path / "f.parquet")
    assert os.listdir(tmp_path) == []


def test_an_interrupt_leaves_the_old_file(tmp_path):
    path = tmp_path / "f.parquet"
    write_factors(EXPRESSIONS, MARKET, path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_factors(EXPRESSIONS, corrected(MARKET), path, threads=7, progress=interrupt)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["f.parquet"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*taken/f\.parquet: .*; nothing was changed"):
        write_factors(EXPRESSIONS, MARKET, tmp_path / "taken/f.parquet")
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_factors(EXPRESSIONS, MARKET, tmp_path / "folder.parquet")
    with pytest.raises(InputError, match="is a file; a folder of parts needs another name"):
        write_factors(EXPRESSIONS, MARKET, tmp_path / "taken")


# A folder that grows -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A folder with the factors of all but the last three sessions."""
    place = tmp_path / "out/factors"
    assert write_factors(EXPRESSIONS, MARKET.asof(MARKET.sessions[-4]), place).done == "written"
    return place


def state(folder):
    return {path.name: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}


def beside(folder):
    """What stands beside the folder and its lock."""
    return [name for name in os.listdir(folder.parent) if name not in ("factors", ".factors.lock")]


def test_a_folder_grows_by_the_sessions_that_are_new(folder):
    before = state(folder)
    written = write_factors(EXPRESSIONS, MARKET, folder, threads=2)
    assert written.done == "3 sessions added"
    assert written.rows == MARKET.close.iloc[-3:].notna().to_numpy().sum()
    assert len(os.listdir(folder)) == 2
    assert before.items() <= state(folder).items()
    assert_holds(folder, MARKET)
    assert write_factors(EXPRESSIONS, MARKET, folder).done == "nothing new"
    assert len(os.listdir(folder)) == 2


def test_a_corrected_past_writes_everything_anew(folder):
    written = write_factors(EXPRESSIONS, corrected(MARKET), folder)
    assert written.done == "rewritten: the past of the market changed"
    assert_holds(folder, corrected(MARKET))
    assert len(os.listdir(folder)) == 1
    assert beside(folder) == []


def test_a_listing_does_not_change_the_past(folder):
    new = {name: getattr(MARKET, name).assign(NEW=getattr(MARKET, name).iloc[:, 0]) for name in PRICES}
    for panel in new.values():
        panel.loc[panel.index[:-2], "NEW"] = np.nan
    member = MARKET.member.assign(NEW=False)
    member.iloc[-2:, -1] = True
    market = replace(MARKET, **new, member=member, sector=MARKET.sector.assign(NEW=np.int8(2)))
    assert write_factors(EXPRESSIONS, market, folder).done == "3 sessions added"
    assert_holds(folder, market)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expressions": {**EXPRESSIONS, "more": "$open"}}, "the factors changed"),
        ({"mask": False}, "the mask changed"),
        ({"dtype": "float32"}, "the precision changed"),
    ],
)
def test_other_factors_write_everything_anew(folder, change, why):
    arguments = {"expressions": EXPRESSIONS, "market": MARKET, "path": folder} | change
    assert write_factors(**arguments).done == f"rewritten: {why}"
    assert len(os.listdir(folder)) == 1


def test_a_market_that_ends_earlier_overwrites_nothing(folder):
    before = state(folder)
    with pytest.raises(InputError, match=r"holds sessions up to .* and the market ends on .*; name another folder"):
        write_factors(EXPRESSIONS, MARKET.asof(MARKET.sessions[-9]), folder)
    assert state(folder) == before


def test_files_of_others_are_left_alone(folder):
    pd.DataFrame({"x": [1]}).to_parquet(folder / "mine.parquet")
    with pytest.raises(InputError, match=r"holds mine\.parquet, which is not a part of written factors"):
        write_factors(EXPRESSIONS, MARKET, folder)
    assert (folder / "mine.parquet").exists()


@pytest.mark.parametrize("market", [MARKET, corrected(MARKET)], ids=["adding", "rewriting"])
def test_an_interrupt_leaves_the_old_folder(folder, market):
    before = state(folder)
    with pytest.raises(KeyboardInterrupt):
        write_factors(EXPRESSIONS, market, folder, threads=3, progress=interrupt)
    assert state(folder) == before
    assert beside(folder) == []


def test_a_rewrite_killed_between_its_renames_is_mended(folder):
    folder.rename(folder.with_name(".factors.123.old"))
    assert write_factors(EXPRESSIONS, MARKET, folder).done == "3 sessions added"
    assert_holds(folder, MARKET)


def test_a_folder_has_one_writer_at_a_time(folder):
    # A part of these factors would slip in among the others that take their place meanwhile.
    def meanwhile(done, total):
        write_factors({"other": "$close/$open"}, MARKET, folder)

    with pytest.raises(StoreError, match=r"another run is writing .*factors; wait for it to end"):
        write_factors(EXPRESSIONS, MARKET, folder, progress=meanwhile)
    assert write_factors(EXPRESSIONS, MARKET, folder).done == "3 sessions added"
    assert_holds(folder, MARKET)


def test_what_a_killed_writer_left_is_cleared(folder):
    for name in (".factors.123.new", ".factors.123.old"):
        folder.with_name(name).mkdir()
        (folder.with_name(name) / "part.parquet").write_text("half")
    (folder / ".part.parquet.123.tmp").write_text("half")
    write_factors(EXPRESSIONS, MARKET, folder)
    assert beside(folder) == []
    assert len(os.listdir(folder)) == 2


def test_code_of_the_language_counts_as_code_of_the_factors():
    # How far back an operator reads, and where exponential averages begin anew, stands there.
    assert "operators.py" in {file.name for file in dataset.value_files()}


def test_a_name_with_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a name ends in .parquet, for one file, or has no ending.*; got f.csv"):
        write_factors(EXPRESSIONS, MARKET, tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []
