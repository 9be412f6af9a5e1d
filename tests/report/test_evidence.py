import pandas as pd

from alphalib.contracts import (
    CalibrationReport,
    CanaryReport,
    CanaryRow,
    FalseRate,
    GateCheck,
    PowerFound,
    TuneProposal,
    TuneReport,
    TuneWatch,
)
from alphalib.report.evidence import applied, check_words, evidence, proposal_words
from alphalib.report.inputs import WeeklyInputs
from alphalib.report.page import page

ASOF = pd.Timestamp("2023-12-29")
REFUSED = GateCheck(rule="validation_bound", value=-0.12, limit=0.0, passed=False)
PASSED = GateCheck(rule="search", value=0.4, limit=0.0, passed=True)
TUNE = TuneReport(
    date="2023-12-29",
    proposals=[
        TuneProposal(
            lineage="executor params",
            outcome="keep",
            file="config/executor_params.json",
            changes={"atr_multiplier": (2.5, 3.0)},
            checks=[PASSED, REFUSED],
            line="2022-09-30",
            trials=12.34,
        ),
        TuneProposal(
            lineage="veto",
            outcome="confirmed",
            file="config/predictor_params.json",
            changes={"veto_confidence": (0.8, 0.75)},
            checks=[PASSED],
            line="2022-09-30",
            trials=3.0,
            applied=True,
        ),
        TuneProposal(
            lineage="scoring weights",
            outcome="too few",
            file="config/scoring_weights.json",
            checks=[],
            line="2022-09-30",
            trials=0.0,
            note="no name has a qualitative sub-score",
        ),
    ],
    watches=[
        TuneWatch(
            file="config/executor_params.json",
            adopted="2023-06-30",
            sessions=126,
            evidence=21.0,
            false_alarm_rate=0.05,
            difference=-0.8,
            alarm="2023-12-20",
            rolled_back=True,
        )
    ],
)
WHOLE = WeeklyInputs(
    asof=ASOF,
    tune=TUNE,
    counterfactual=pd.DataFrame(
        {
            "date": pd.to_datetime(["2023-12-27", "2023-12-28", "2023-12-29"]),
            "never_tuned": [100.0, 90.0, 99.0],
            "tuned": [100.0, 110.0, 121.0],
        }
    ),
    calibration=CalibrationReport(
        date="2023-12-29",
        design={},
        rates=[FalseRate(subject="gate", worlds="all", years=200, false=9, upper=0.078)],
        power=[PowerFound(subject="gate", planted="alpha 1", years=40, found=30, oracle_ic=0.047, reached_ic=0.021)],
    ),
    canaries=CanaryReport(
        date="2023-12-29",
        canaries=[CanaryRow(monitor="parity", fault="a changed parameter", fired=False, said="", last_fired=None)],
    ),
    promises=pd.DataFrame(
        [
            {
                "lineage": "predictor",
                "made": 3,
                "over": 2,
                "kept": 1,
                "share": 0.5,
                "low": 0.01,
                "high": 0.99,
                "promised": 0.9,
            }
        ]
    ),
)


def test_a_proposal_says_what_was_looked_at_and_what_failed():
    rows = evidence(WHOLE)["proposals"]
    assert rows[0]["looked_at"] == "atr multiplier 2.50 → 3"
    assert "against 0" in rows[0]["why"]
    assert "search" not in rows[0]["why"]
    assert [row["said"] for row in rows] == ["keep what is in use", "applied", "too little to judge by"]
    assert rows[2]["why"] == "no name has a qualitative sub-score"


def test_what_changed_is_listed_with_what_was_taken_back():
    assert applied(TUNE) == ["config/predictor_params.json", "config/executor_params.json, taken back"]
    told = evidence(WHOLE)["watches"][0]
    assert "alarm on 20 Dec 2023, taken back" in told
    assert "Sharpe −0.80 against the setting before it" in told


def test_the_books_that_would_have_been_are_measured():
    # never tuned: 99 / 100 − 1 = −1 %, deepest 90 / 100 − 1 = −10 %; tuned: 21 %, never below its start
    assert evidence(WHOLE)["books"] == [
        {"name": "never tuned", "total": "−1.0%", "fall": "−10.0%"},
        {"name": "as tuned", "total": "21.0%", "fall": "0.0%"},
    ]


def test_a_monitor_that_missed_its_fault_stands_out_on_the_page():
    html = page(WHOLE)
    assert "MISSED" in html
    assert '<td class="low">MISSED' in html
    assert "false" in html.lower()
    assert "7.8%" in html


def test_parts_that_are_not_there_say_why():
    html = page(WeeklyInputs(asof=ASOF, missing={"calibration": "not run: there is no calibration/latest.json"}))
    assert "Not run: there is no calibration/latest.json" in html
    assert all(value in (None, []) for value in evidence(WeeklyInputs(asof=ASOF)).values())


def test_the_tuners_week_is_told_in_words():
    table = proposal_words(TUNE.proposals)
    row = table.loc["executor params"]
    assert row["verdict"] == "keep what is in use"
    assert row["looked at"] == "atr multiplier 2.50 → 3"
    assert row["what failed"] == "lower bound where it was chosen −0.12 against 0"
    checks = check_words(TUNE.proposals)
    found = checks.loc[("executor params", "lower bound where it was chosen")]
    assert (found["found"], found["asked"], found["passed"]) == ("−0.12", "0", "no")
    assert check_words([]).empty
    assert proposal_words([]).empty
