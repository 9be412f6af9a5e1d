"""Plans: what is computed once, what is held, and that no buffer is overwritten too early."""

import pytest

from alphalib.features.engine.plan import batches, plan, starts
from alphalib.features.language.parser import parse
from tests.features.language.expressions import random_expressions

WIDE = frozenset({"vix", "spy", "oil"})


def nodes_of(*texts):
    return [parse(text) for text in texts]


def steps_of(stages):
    return [step for stage in stages for step in stage.sweep.steps]


def test_what_expressions_share_is_computed_once():
    stages = plan(nodes_of("Mean($close, 5)/$close", "Std($close, 5)/Mean($close, 5)"), WIDE)
    names = [step.operator.name if step.operator else "copy" for step in steps_of(stages)]
    assert sorted(names) == ["Div", "Div", "Mean", "Std", "copy"]


def test_a_barrier_makes_a_stage_and_what_is_held_is_let_go():
    inner, outer = nodes_of("CSRank($close)", "CSRank(Delta(CSRank($close), 5))")
    stages = plan([outer], WIDE)
    assert [stage.crossings for stage in stages] == [(inner,), (outer,)]
    assert [{str(node) for node in stage.done} for stage in stages] == [
        {"$close"},
        {"CSRank($close)", "Delta(CSRank($close), 5)", str(outer)},
    ]


def test_a_factor_and_one_across_names_of_it_are_both_kept():
    stages = plan(nodes_of("Mean($close, 5)", "CSRank(Mean($close, 5))"), WIDE)
    assert [str(step.kept) for step in steps_of(stages) if step.kept] == ["Mean($close, 5)"]
    assert len(stages) == 1


def test_a_chain_runs_in_few_buffers():
    text = "$close"
    for _ in range(20):
        text = f"Mean(Abs({text}), 5)"
    # an average reads one buffer and writes another; Abs overwrites what it reads
    assert plan(nodes_of(text), WIDE)[0].sweep.buffers == 2


def test_what_is_the_same_for_every_name_comes_from_outside():
    stages = plan(nodes_of("$close*Delta(Log($vix), 5)", "Corr($close, $vix, 5)"), WIDE)
    assert {str(node) for node in stages[0].sweep.outside} == {"$close", "Delta(Log($vix), 5)", "$vix"}
    copied = [step for step in steps_of(stages) if step.operator is None]
    assert len(copied) == 2  # $close, and $vix for the correlation, whose inputs have the block's shape


@pytest.mark.parametrize("seed", range(4))
def test_registers_hold_what_a_step_reads(seed):
    """Run plans on the texts of nodes in place of their values."""
    nodes = list(dict.fromkeys(nodes_of(*random_expressions(60, seed=seed, nodes=30))))
    held, shown = {}, {}
    for stage in plan(nodes, WIDE):
        registers = dict(enumerate(map(str, stage.sweep.outside)))
        outside = len(registers)
        for step in stage.sweep.steps:
            read = [registers[number] for number in step.inputs]
            if step.operator is not None and step.operator.kind == "time":
                assert step.out not in step.inputs
                assert all(number >= outside or stage.sweep.outside[number] in held for number in step.inputs), "spread"
            literals = [str(int(value)) if value == int(value) else repr(value) for value in step.literals]
            text = read[0] if step.operator is None else f"{step.operator.name}({', '.join([*read, *literals])})"
            assert outside <= step.out < outside + stage.sweep.buffers
            registers[step.out] = text
            if step.kept is not None:
                assert text == str(step.kept)
                shown[step.kept] = text
        for node in stage.crossings:
            for argument in node.arguments:
                held[argument] = True
                assert argument in shown
            held[node] = True
            shown[node] = str(node)
        assert all(node in held for node in stage.done)
    assert set(nodes) <= set(shown)


def test_batches_hold_no_more_than_they_may():
    nodes = nodes_of("CSRank($close)", "Mean($open, 5)", "CSRank($open)", "CSRank($high)", "CSRank($close)-0.5")
    found = [[str(node) for node in batch] for batch in batches(nodes, most_held=4)]
    assert found == [
        ["Mean($open, 5)"],
        ["CSRank($close)", "CSRank($open)"],  # two results and two arguments
        ["CSRank($high)", "Sub(CSRank($close), 0.5)"],
    ]
    assert [len(batch) for batch in batches(nodes, most_held=0)] == [1, 1, 1, 1, 1]


def test_a_factor_that_remembers_everything_does_not_drag_the_others_along():
    short, shorter, long, whole = nodes_of("Mean($close, 20)", "Ref($close, 17)", "Mean($close, 252)", "Max($close, 0)")
    # memories: 19 and 17 go together; 251; everything
    assert starts([short, whole, shorter, long], 2000) == {1981: [short, shorter], 0: [whole], 1749: [long]}
    assert starts([short, long], 15) == {0: [short, long]}
