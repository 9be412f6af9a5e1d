"""The factor report runs on the embedded market as an analyst runs it."""

from pathlib import Path

import nbformat
import pandas as pd
import pytest

from alphalib.evidence.ledger import Ledger
from alphalib.features.catalog import CATALOG
from alphalib.pipeline.runner import execute_notebook
from alphalib.sources.embedded import ensure_prices
from alphalib.store import Store

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "factor_report.ipynb"


@pytest.mark.slow
def test_the_notebook_reports_a_factor_and_ranks_a_catalogue(tmp_path):
    store = tmp_path / "data"
    ensure_prices(Store(store), asof=pd.Timestamp("2017-12-29"), names=40)
    given = {"store": str(store), "asof": "2017-12-29", "catalogue": "microstructure", "known": "microstructure"}
    assert execute_notebook(NOTEBOOK, tmp_path / "out.ipynb", given) is None

    outputs = [
        output
        for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    text = "".join(output["text"] for output in outputs if output.get("name") == "stdout")
    assert "CSRank(Mean($close, 5) / Ref($close, 20)): rank IC " in text
    assert "The market is simulated" in text
    assert f"{len(CATALOG['microstructure'])} factors over 5 sessions" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
    ledger = Ledger(store / "evidence/ledger.db")
    assert ledger.count("factors") == len(CATALOG["microstructure"]) + 1
    assert ledger.trials("factors")["metrics"].notna().all()
