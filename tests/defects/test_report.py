"""Defects of the seed systems that the report covers."""

import re
from dataclasses import replace

import pytest

from alphalib.market import Source
from alphalib.report import five_lines, page, read_inputs, weekly_page
from alphalib.report.inputs import WeeklyInputs
from alphalib.report.mail import letter, send
from alphalib.report.summary import headline
from alphalib.settings import Settings
from alphalib.store import Store
from tests.report.artefacts import ASOF, write_artefacts


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("bus"))
    write_artefacts(store, years=3)
    return replace(read_inputs(store, ASOF), nav=None, ic=None)


def with_annual_return(inputs: WeeklyInputs, **parts) -> WeeklyInputs:
    summary = inputs.backtest.model_copy(deep=True)
    row = next(row for row in summary.performance if row.measure == "Annual return")
    for name, value in parts.items():
        setattr(row, name, value)
    return replace(inputs, backtest=summary)


def test_d27_a_result_without_benchmark_or_interval_says_so(inputs):
    alone = with_annual_return(inputs, spy=None)
    assert "there is no benchmark to hold it against" in headline(alone)
    assert "no benchmark" in page(alone)
    bare = inputs.backtest.performance[1].book.model_copy(update={"low": None, "high": None})
    assert "Book: 6.1% (no interval) a year" in five_lines(with_annual_return(inputs, book=bare))[3]


def test_d27_every_figure_at_the_top_stands_beside_an_interval_and_a_benchmark(inputs):
    shown = re.findall(r"<dt>(.*?)</dt><dd><span class=\"value\">(.*?)</span>(.*?)</dd><dd>(.*?)</dd>", page(inputs))
    assert [name for name, *_ in shown] == ["Return a year", "Sharpe ratio", "Rank IC, out of sample", "Members priced"]
    for _, value, interval, beside in shown[:3]:
        assert re.search(r"\d", value)
        assert " to " in interval
        assert re.search(r"SPY|smallest detectable", beside)


def test_d36_the_share_of_members_priced_is_stated_and_survivors_are_labelled(inputs):
    assert re.search(r"Data: .* \d+\.\d% of the members priced", five_lines(inputs)[0])
    today = replace(inputs, source=Source("today's members", members="survivors only"))
    assert "Survivors only: not evidence." in page(today)
    run = inputs.backtest.model_copy(
        update={"members": "survivors only"}
    )  # the prices know better, the run did not ask
    assert "Survivors only: not evidence." in page(replace(inputs, backtest=run))
    assert "survivors only: not evidence" in five_lines(replace(inputs, backtest=run))[0]


def test_d50_neither_a_secret_nor_a_folder_of_this_machine_is_in_a_report(tmp_path):
    store = Store(tmp_path)
    for path in ("prices/source.json", "universe/priced.parquet", "predictor/oos/ic.parquet"):
        store.write_bytes(path, b"{")
    made = weekly_page(store, ASOF)
    assert "ot readable" in made
    assert str(tmp_path) not in made
    settings = Settings(
        _env_file=None,
        smtp_host="127.0.0.1",
        smtp_port=1,
        mail_to="a@example.org",
        smtp_user="desk-7",
        smtp_password="hunter2",
    )
    delivery = send(letter(text="", html="", pictures=[]), settings, sleep=[].append)
    assert delivery.status == "failed"
    assert "hunter2" not in repr(delivery)
