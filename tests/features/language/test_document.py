"""docs/factor_language.md: its examples run, its tables are those of the code."""

import doctest
from pathlib import Path

import pytest

from alphalib.features.engine import kernels
from alphalib.features.language.document import field_table, operator_table, quant_stream_table

PAGE = Path(__file__).parents[3] / "docs" / "factor_language.md"


def test_examples_run():
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 10
    assert found.failed == 0


@pytest.mark.parametrize(
    "table",
    [
        operator_table("elementwise"),
        operator_table("time"),
        operator_table("cross-section"),
        field_table(),
        quant_stream_table(),
        kernels.__doc__[kernels.__doc__.index("What an operator needs") :].strip(),
    ],
    ids=["elementwise", "time", "cross-section", "fields", "quant-stream", "missing"],
)
def test_tables_are_those_of_the_code(table):
    assert f"\n{table}\n" in PAGE.read_text(), f"docs/factor_language.md should have this table:\n\n{table}\n"
