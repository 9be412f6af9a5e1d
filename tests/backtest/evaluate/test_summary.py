"""What makes a backtest another trial in the ledger."""

import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.summary import LINEAGE, tried
from alphalib.evidence.ledger import Ledger
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights

FILES = {
    "rules": ExecutorParams(),
    "weights": ScoringWeights(),
    "research": ResearchParams(),
    "predictor": PredictorParams(),
}
USUAL = {"costs": Costs(), "cash": 1e6, "model": None, "members": "by date"}


def count(folder, *runs):
    """Trials that the ledger counts after these runs on the same data."""
    ledger = Ledger(folder / "ledger.db")
    for params in runs:
        trial = ledger.open_trial(
            lineage=LINEAGE, kind="backtest", params=params, data_hash="1", code_version="1", asof="2024-03-08"
        )
        ledger.close_trial(trial, metrics={}, returns=pd.Series([0.01, -0.02], index=pd.to_datetime(["2024", "2025"])))
    return ledger.count(LINEAGE)


@pytest.mark.parametrize(
    "changed",
    [
        {"rules": ExecutorParams(atr_multiplier=3.0)},
        {"weights": ScoringWeights(quant=0.6, qual=0.4)},
        {"research": ResearchParams(buy_score=75.0)},
        {"predictor": PredictorParams(direction_share=0.2)},
        {"costs": Costs(slippage_bps=2.0)},
        {"cash": 2e6},
        {"members": "survivors only"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_a_run_is_given_makes_another_trial(tmp_path, changed):
    other_files = {name: changed.get(name, params) for name, params in FILES.items()}
    other_rest = {name: changed.get(name, value) for name, value in USUAL.items()}
    same, other = tried(*FILES.values(), **USUAL), tried(*other_files.values(), **other_rest)
    assert count(tmp_path, same, same) == 1
    assert count(tmp_path, other) == 2
