"""The page in headless Chromium: it fits a desk and a phone, and is dark where the reader wants it dark."""

import html as markup
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from alphalib.report import page, read_inputs
from tests.report.artefacts import ASOF
from tests.report.test_paper import DAYS, account_row, trade_row

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,1000",
    "--virtual-time-budget=4000",
]
MEASURE = """
const measured = frame => {
  const inside = frame.contentDocument, width = frame.clientWidth;
  const all = selector => [...inside.querySelectorAll(selector)];
  const box = element => element.getBoundingClientRect();
  const shown = all('svg.picture').filter(picture => box(picture).width > 0);
  return {
    width,
    needed: inside.documentElement.scrollWidth,
    over: all('body *').filter(e => !e.closest('svg') && box(e).right > width + 0.5).map(e => e.outerHTML),
    pictures: shown.length,
    smallest: Math.min(...shown.flatMap(picture => [...picture.querySelectorAll('text')]).map(e => box(e).height)),
    paper: getComputedStyle(inside.body).backgroundColor,
  };
};
addEventListener('load', () => {
  const found = JSON.stringify([...document.querySelectorAll('iframe')].map(measured));
  document.documentElement.innerHTML = '<pre></pre>';
  document.querySelector('pre').textContent = found;
});
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in"),
]


def measured(pages, folder, *, dark=False):
    """Open each page at each width inside one window and measure it."""
    frames = [
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{markup.escape(text)}"></iframe>'
        for text in pages
        for width in (1200, 768, 375, 360)
    ]
    harness = folder / "harness.html"
    harness.write_text(f"<!doctype html><script>{MEASURE}</script><body>{''.join(frames)}</body>")
    flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
    if dark:
        flags.append("--blink-settings=preferredColorScheme=0")
    command = [CHROMIUM, *flags, "--dump-dom", harness.as_uri()]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return json.loads(markup.unescape(re.search(r"<pre>(.*)</pre>", dumped, flags=re.DOTALL)[1]))


@pytest.fixture(scope="module")
def inputs(store):
    """What the page is made from, with words longer than a phone is wide."""
    read, long = read_inputs(store, ASOF), "momentum_over_volatility_" * 6
    signals, book, metrics = (part.model_copy(deep=True) for part in (read.signals, read.order_book, read.predictor))
    for row in signals.universe:
        row.thesis_summary = long
    book.urgent_exits[0].detail = book.blocked[0].rule = long
    book.notes = metrics.reasons = [long]
    metrics.importances = {long: 0.4}
    run = {"code": long, "steps": [{"step": long, "status": "done", "seconds": 1.0}]}
    account = pd.DataFrame([account_row(day).model_dump() for day in DAYS])
    orders = pd.DataFrame([trade_row(day, "LONGEST", exit_reason=long, action="EXIT").model_dump() for day in DAYS])
    return replace(
        read, signals=signals, order_book=book, predictor=metrics, run=run, account=account, paper=orders, missing={}
    )


def test_the_page_fits_its_reader(inputs, tmp_path):
    bare = replace(inputs, nav=None, ic=None, coverage=None, backtest=None, predictor=None, source=None)
    frames = measured([page(inputs, tear_sheet="tearsheet.html"), page(bare)], tmp_path)
    assert [frame["width"] for frame in frames] == [1200, 768, 375, 360] * 2
    for frame in frames:
        assert frame["needed"] <= frame["width"], frame
        assert not frame["over"], frame["over"][0][:300]
    for frame in frames[:4]:
        assert frame["pictures"] == 5, "each picture once, in the size for this width"
        assert frame["smallest"] >= 9, "no lettering is smaller than 9 px"


def test_the_page_is_dark_for_those_who_want_it(inputs, tmp_path):
    text = page(replace(inputs, nav=None, ic=None, coverage=None, backtest=None))
    papers = {}
    for dark in (False, True):
        [paper] = {frame["paper"] for frame in measured([text], tmp_path, dark=dark)}
        papers[dark] = sum(map(int, re.findall(r"\d+", paper)))
    assert papers[False] > 600
    assert papers[True] < 150
