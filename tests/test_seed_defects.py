"""What the systems before this one got wrong, each held by a test named after it somewhere under tests/.

The tests stand beside the code they hold, mostly in `tests/defects/`. This list says which lines are held and which
wait for a capability that is not built; a line leaves `WAITING` with its first test.
"""

import re
from pathlib import Path

import pytest

HELD = {
    "d01": "drawdown counts from a peak of the end-of-day NAV, kept when no order recorded one",
    "d02": "drawdown tiers and their labels agree and each is reachable",
    "d03": "caps hold after the whole batch",
    "d04": "correlation looks at the candidate's own sector, by date",
    "d05": "a bear market's cap resizes an entry",
    "d06": "every sizing factor changes the order, and the order says which cap bound",
    "d07": "the VWAP trigger acts on the session's own VWAP",
    "d08": "profit-taking fires once a position, and what was done survives the night",
    "d09": "entry and stop are one bracket; a partial fill is protected for what was filled",
    "d10": "time-out, cancel and retry never fill twice and never go short",
    "d11": "holidays and half-days come from the exchange calendar",
    "d12": "simulation never creates money",
    "d13": "a day is attributed by its change, and what is unexplained is flagged",
    "d14": "a halt sees unrealised losses and ends by its re-arm rule; the kill switch only by a person",
    "d15": "there is an exit path, and sells close positions",
    "d16": "the second day of a simulation sees the first day's fills",
    "d17": "reading the holdout outside its one place raises",
    "d18": "missing or failed validation is a fail",
    "d19": "no backtest of a model over dates it was trained on; members of the date",
    "d20": "daily Sharpe uses 252",
    "d21": "REDUCE sells a part; exits and entries fill by one clock",
    "d22": "selection is not by one figure, and a sign flip out of sample fails",
    "d23": "Sortino and drawdown by their definitions",
    "d24": "ICIR is mean over standard deviation of per-date IC",
    "d26": "top-k holds k names whatever ties, and n_drop, hold and buffer act",
    "d27": "no figure without a benchmark and an interval",
    "d28": "no feature uses the whole series",
    "d29": "each feature has a unit, and asking for another fails",
    "d30": "a scanner that rejects nearly everything for one reason raises an alarm",
    "d31": "every tuned parameter changes a decision",
    "d32": "training and inference build features by one path",
    "d33": "the gate scores out-of-sample rows only",
    "d34": "what is equal for all names cannot tilt them; one-sided predictions stop",
    "d35": "saturation is reported",
    "d36": "membership by date, delisted names kept, share of members priced",
    "d37": "an N-day return is measured at day N",
    "d39": "fundamentals join by availability; missing is missing",
    "d40": "model inputs are checked by name",
    "d41": "no source invents data",
    "d42": "nonsense in signals is rejected, one message a fault",
    "d43": "what cannot be read is REVIEW",
    "d44": "every monitor has a planted fault that it must catch, and when it last did is shown",
    "d45": "a failed write is a failure",
    "d46": "no lag is negative or computed, at any depth",
    "d47": "expressions are read into a typed tree and never evaluated as text",
    "d48": "missing history stays missing",
    "d49": "a live factor is the row of its backtest, and can sell",
    "d50": "no credential or personal path in the tree or in what it makes",
}
WAITING = {
    "d25": "hypothesis loop",
    "d38": "vendor sources",
}
NAMED = {
    found
    for path in Path(__file__).parent.rglob("test_*.py")
    for found in re.findall(r"^\s*def test_(d\d\d)_", path.read_text(), flags=re.MULTILINE)
}


def test_every_line_is_either_held_or_waiting():
    assert sorted(HELD.keys() | WAITING.keys()) == [f"d{number:02d}" for number in range(1, 51)]
    assert not HELD.keys() & WAITING.keys()


@pytest.mark.parametrize("line", sorted(HELD))
def test_a_held_line_has_its_test(line):
    assert line in NAMED, HELD[line]


def test_a_waiting_line_has_none_yet():
    assert not NAMED & WAITING.keys()
