"""The four parameter files: bounds, units, and the seed's own files."""

import pytest
from pydantic import ValidationError

from alphalib.params import PARAMETER_FILES, ExecutorParams, ScoringWeights
from alphalib.store import checked


@pytest.mark.parametrize("kind", PARAMETER_FILES, ids=lambda kind: kind.__name__)
def test_every_field_has_a_description_with_its_unit(kind):
    for name, field in kind.model_fields.items():
        if field.annotation in (int, float):
            assert field.description, name
            assert field.description.rstrip().endswith("]"), name


@pytest.mark.parametrize("kind", PARAMETER_FILES, ids=lambda kind: kind.__name__)
def test_every_default_is_inside_its_bounds(kind):
    assert kind.model_validate(kind().model_dump()) == kind()


def test_a_file_of_the_seed_is_converted_from_percent():
    seed = {"updated_at": "2026-03-30", "momentum_gate_threshold": -5.0, "atr_multiplier": 3.0, "best_sharpe": 0.68}
    params = checked(seed, ExecutorParams, name="config/executor_params.json")
    assert params.momentum_gate_threshold == -0.05
    assert params.atr_multiplier == 3.0
    assert params.momentum_exit_threshold == ExecutorParams().momentum_exit_threshold


def test_our_own_file_is_not_converted_again():
    params = ExecutorParams(updated_at="2026-11-21", momentum_gate_threshold=-0.05)
    assert ExecutorParams.model_validate(params.model_dump(mode="json")) == params


def test_time_decay_exits_no_earlier_than_it_reduces():
    with pytest.raises(ValidationError, match=r"time_decay_exit_days \(6\) must not be earlier than"):
        ExecutorParams(time_decay_exit_days=6)
    assert ExecutorParams(time_decay_reduce_days=10, time_decay_exit_days=10)  # a cell of the seed's grid


def test_d02_tiers_agree_and_each_is_reachable():
    tiers = ExecutorParams().drawdown_tiers
    assert [(tier.drawdown, tier.multiplier) for tier in tiers] == [(-0.02, 0.5), (-0.04, 0.25), (-0.08, 0.0)]
    with pytest.raises(ValidationError, match="must fall in drawdown and in multiplier"):
        ExecutorParams(drawdown_tiers=tiers[::-1])


def test_weights_sum_to_one():
    with pytest.raises(ValidationError, match=r"weights must sum to 1, got quant 0\.7 \+ qual 0\.5"):
        ScoringWeights(quant=0.7)


def test_unknown_parameters_are_refused():
    with pytest.raises(ValidationError, match="min_scoer"):
        ExecutorParams(min_scoer=70)
