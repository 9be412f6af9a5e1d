"""Schema of every artefact on the bus: path, fields, units, and what counts as nonsense.

Schemas grow by addition: unknown fields are kept. A fault is one sentence that says what was wrong and where.
"""

from alphalib.contracts.backtest import BacktestSummary, CrossCheck, Performance
from alphalib.contracts.base import (
    Artefact,
    Conviction,
    Direction,
    Fraction,
    Measured,
    Regime,
    Row,
    Score,
    SectorRating,
    require_fresh,
)
from alphalib.contracts.calibration import CalibrationReport, FalseRate, PowerFound
from alphalib.contracts.orders import (
    ActiveStop,
    Blocked,
    Entry,
    Holding,
    Intraday,
    OrderBook,
    PortfolioFile,
    Triggers,
    UrgentExit,
)
from alphalib.contracts.parity import Acknowledgement, CanaryReport, CanaryRow, ParityReport, ParityStage, PlanRecord
from alphalib.contracts.predictor import (
    CurrentModel,
    Fold,
    GateCheck,
    ModelCard,
    Prediction,
    Predictions,
    PredictorMetrics,
)
from alphalib.contracts.research import SectorView, Signal, Signals
from alphalib.contracts.tune import ConfigChange, ConfigHistory, TuneProposal, TuneReport, TuneWatch

__all__ = [
    "Acknowledgement",
    "ActiveStop",
    "Artefact",
    "BacktestSummary",
    "Blocked",
    "CalibrationReport",
    "CanaryReport",
    "CanaryRow",
    "ConfigChange",
    "ConfigHistory",
    "Conviction",
    "CrossCheck",
    "CurrentModel",
    "Direction",
    "Entry",
    "FalseRate",
    "Fold",
    "Fraction",
    "GateCheck",
    "Holding",
    "Intraday",
    "Measured",
    "ModelCard",
    "OrderBook",
    "ParityReport",
    "ParityStage",
    "Performance",
    "PlanRecord",
    "PortfolioFile",
    "PowerFound",
    "Prediction",
    "Predictions",
    "PredictorMetrics",
    "Regime",
    "Row",
    "Score",
    "SectorRating",
    "SectorView",
    "Signal",
    "Signals",
    "Triggers",
    "TuneProposal",
    "TuneReport",
    "TuneWatch",
    "UrgentExit",
    "require_fresh",
]
