"""The weekly page: what it says, what it admits, and that nothing missing breaks it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from alphalib.contracts import OrderBook
from alphalib.market import Source
from alphalib.report import five_lines, page, read_inputs, weekly_page, write_report
from alphalib.report.sections import entry_words
from alphalib.report.summary import bands, headline
from alphalib.store import Store
from tests.report.artefacts import ASOF

RUN = {
    "pipeline": "weekly",
    "code": "0.1.0+3f9c21ab",
    "steps": [
        {"step": "10_data", "status": "done", "seconds": 21.4, "peak_mb": 612.0, "data_after": "9c41d2aa70b1e5f3"}
    ],
}
VOID = {"meta", "link", "br", "img", "path", "use", "hr"}


class Words(HTMLParser):
    """Text of a page, and a check that what is opened is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def text_of(html):
    words = Words()
    words.feed(html)
    assert not words.open
    return " ".join(" ".join(words.text).split())


@pytest.fixture(scope="module")
def inputs(store):
    return read_inputs(store, ASOF, RUN)


@pytest.fixture(scope="module")
def plain(inputs):
    """The same without pictures, which take their time."""
    return replace(inputs, nav=None, ic=None, coverage=None, backtest=None)


@pytest.fixture(scope="module")
def html(inputs):
    return page(inputs, tear_sheet="tearsheet.html")


@pytest.fixture(scope="module")
def text(html):
    return text_of(html)


def test_the_page_is_one_small_file_that_asks_for_nothing(html):
    assert len(html.encode()) < 1_000_000
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//""", html)
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    links = re.findall(r'\bhref="([^"#]+)"', html)
    assert set(links) == {"data:,", "tearsheet.html"}


def test_no_number_is_left_unsaid(text):
    assert not re.search(r"\b(nan|NaN|None|inf|NaT)\b", text)


def test_no_id_is_used_twice(html):
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_what_the_page_must_state(text):
    for said in (
        "Simulated market.",
        "6.1% (−2.1 to 14.2%) a year against 8.3% (−3.4 to 20.1%) for SPY",
        "N = 3: 3 books tried in this lineage, worth 2.4 independent ones.",
        "Deflated Sharpe 58%",
        "Mean rank IC 0.021 (−0.001 to 0.043)",
        "the smallest that these dates could tell from zero is 0.028",
        "N = 4: 4 models tried in this lineage",
        "No model is in use. The gate refused:",
        "lower bound of the mean rank IC (Newey–West) −0.0013 (asked: 0)",
        "Predictions lean to one side: 83% are positive.",
        "No language model was used",
        "99.1%",  # of the members priced
        "rules in dollars and shares are on",
        "vectorbt rebuilt the book from its fills and agrees to the cent.",
        "Halted by its drawdown on 40 sessions of 2,015 (2.0%).",
        "To do on Monday, 11 March 2024",
        "conviction rising; size: base 5.0% × sector 1.05 × confidence 0.92 × earnings 0.50, at most 5.0%",
        "0.1.0+3f9c21ab",
        "9c41d2aa70b1e5f3",
        "21 s",
        "612 MB",
    ):
        assert said in text, said


def test_every_blocked_entry_is_counted_with_its_rule(inputs, text):
    blocked = inputs.order_book.blocked
    assert blocked
    for row in blocked:
        assert row.ticker in text
    assert f"{len(inputs.blocked[inputs.blocked['rule'] == 'min_score']):,} " in text


def test_five_lines_are_five_sentences(inputs):
    lines = five_lines(inputs)
    assert [line.split(":")[0].split(",")[0] for line in lines] == ["Data", "Research", "Model", "Book", "Next"]
    assert all(line.endswith(".") and "\n" not in line for line in lines)
    assert lines[4].startswith("Next, Monday, 11 March 2024: 5 to buy, 2 to sell, 18 blocked")


def test_survivors_and_split_adjusted_prices_are_labelled(plain):
    real = Source("S&P 900, daily", prices="split-adjusted", members="survivors only")
    said = text_of(page(replace(plain, source=real)))
    assert "Survivors only: not evidence." in said
    assert "rules in dollars and shares (lowest price, traded volume) are off" in said
    assert "Simulated market." not in said


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, "names that failed are in it."),
        (0.745, "but 25.5% of it has no prices, mostly names that failed or were bought"),
        (float("nan"), "how much of it has prices is not known."),
    ],
)
def test_members_without_prices_are_not_passed_over(plain, share, expected):
    real = Source("S&P 900, daily", members="by date")
    coverage = pd.DataFrame({"date": pd.bdate_range("2024-03-04", ASOF), "share": share})
    said = text_of(page(replace(plain, source=real, coverage=coverage)))
    assert expected in said
    assert (said.count("names that failed are in it.") == 1) == (share == 1.0)


def test_without_a_source_nothing_is_evidence(inputs):
    assert [band.title for band in bands(replace(inputs, source=None))] == ["Source unknown."]


@pytest.mark.parametrize(
    ("low", "high", "ending"),
    [
        (-0.041, 0.066, "cannot be told from chance"),
        (0.011, 0.066, "it earned more than chance explains"),
        (-0.066, -0.011, "it lost more than chance explains"),
    ],
)
def test_the_headline_follows_the_interval_of_alpha(inputs, low, high, ending):
    summary = inputs.backtest.model_copy(deep=True)
    alpha = next(row for row in summary.performance if row.measure == "Alpha a year")
    alpha.book.low, alpha.book.high = low, high
    assert headline(replace(inputs, backtest=summary)).endswith(ending)


def test_a_model_that_passed_and_one_that_stays(plain):
    passed = plain.predictor.model_copy(update={"model_version": "lgbm-2024-03", "promoted": True, "reasons": []})
    said = text_of(page(replace(plain, predictor=passed)))
    assert "The gate let the candidate pass. Model in use: lgbm-2024-03." in said
    stays = plain.predictor.model_copy(update={"model_version": "lgbm-2023-03"})
    said = text_of(page(replace(plain, predictor=stays)))
    assert "lgbm-2023-03 stays in use. The gate refused the candidate:" in said


def test_an_empty_store_gives_a_page_of_reasons(tmp_path):
    said = text_of(weekly_page(Store(tmp_path), ASOF))
    for path in ("nav.parquet", "metrics/latest.json", "signals.json", "order_book/2024-03-11.json", "quality.json"):
        assert re.search(rf"ot run: there is no \S*{path}", said), path
    assert "No backtest this week" in said


@pytest.mark.parametrize("part", ["source", "quality", "signals", "predictor", "trades", "blocked", "order_book"])
def test_any_part_may_be_missing(plain, part):
    without = replace(plain, **{part: None}, missing={part: f"not run: no {part} here"})
    assert f"ot run: no {part} here" in text_of(page(without))


def test_an_ic_without_its_interval_is_not_drawn(inputs):
    without = replace(inputs, predictor=None, nav=None, coverage=None, backtest=None)
    assert "<svg" not in page(without)


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("prices/source.json", b"{", "Source not readable: prices/source.json"),
        ("backtest/2024-03-08/metrics.json", b'{"date": "2024-03-08"}', "start: Field required"),
        ("backtest/2024-03-08/nav.parquet", b"PAR1", "is not a readable parquet file"),
        ("prices/quality.json", b"[]", "ot readable: prices/quality.json"),
    ],
)
def test_a_broken_artefact_says_what_is_wrong_with_it(tmp_path, path, content, said):
    store = Store(tmp_path)
    store.write_bytes(path, content)
    assert said in text_of(weekly_page(store, ASOF))


def test_a_table_without_its_columns_is_named(tmp_path):
    store = Store(tmp_path)
    store.write_table("predictor/oos/ic.parquet", pd.DataFrame({"date": ["2024-03-08"], "ic": [0.1]}))
    assert read_inputs(store, ASOF).missing["ic"].endswith("it lacks rank_ic; it has date, ic")


def test_signals_of_six_sessions_ago_are_not_shown(store):
    assert read_inputs(store, pd.Timestamp("2024-03-15")).signals is not None
    assert "6 sessions old" in read_inputs(store, pd.Timestamp("2024-03-18")).missing["signals"]


def test_metrics_from_the_future_are_not_shown(store):
    assert "after 2024-03-07" in read_inputs(store, pd.Timestamp("2024-03-07")).missing["predictor"]


def test_text_of_others_cannot_become_markup(tmp_path):
    store = Store(tmp_path)
    store.write_json("prices/source.json", {"name": "<script>alert(1)</script>"})
    html = weekly_page(store, ASOF)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_same_artefacts_make_the_same_page(inputs, html):
    assert page(inputs, tear_sheet="tearsheet.html") == html


def test_a_report_whose_book_cannot_have_a_tear_sheet_says_why(tmp_path):
    path = write_report(Store(tmp_path / "bus"), ASOF, tmp_path / "out")
    assert sorted(file.name for file in path.parent.iterdir()) == ["report.eml", "report.html"]
    assert "Tear sheet not made: not run: there is no backtest/2024-03-08/nav.parquet." in text_of(path.read_text())


def test_entries_are_told_in_words(store):
    found = store.latest(OrderBook.path, asof=pd.Timestamp("2100-01-01"))
    book = store.read(found[0], OrderBook)
    table, first = entry_words(book), book.approved_entries[0]
    assert list(table.index) == [entry.ticker for entry in book.approved_entries]
    assert table.loc[first.ticker, "of book"] == f"{first.position_pct:.1%}"
    assert "size: base" in table.loc[first.ticker, "why"]
    assert entry_words(book.model_copy(update={"approved_entries": []})).empty
