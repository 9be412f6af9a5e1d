"""The disk cache of compiled functions, and records."""

import os
import subprocess
import sys
import textwrap
from typing import NamedTuple

import numpy as np
import pytest

from alphalib.compiled import Int8, plain, record_type

LOW = "from alphalib.compiled import compiled\n@compiled\ndef factor(x): return x * {number}\n"
HIGH = """
import low
from alphalib.compiled import entry_point, stamp
@entry_point
def scaled(x, sources: int = stamp(low)): return low.factor(x)
print(scaled(2.0), sum(scaled.stats.cache_hits.values()))
"""


def run(folder):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*sys.path, str(folder)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "high.py"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_a_change_in_another_file_is_compiled_again_and_no_change_is_not(tmp_path):
    (tmp_path / "high.py").write_text(textwrap.dedent(HIGH))
    (tmp_path / "low.py").write_text(LOW.format(number=3.0))
    assert [run(tmp_path), run(tmp_path)] == ["6.0 0", "6.0 1"]
    (tmp_path / "low.py").write_text(LOW.format(number=5.0))
    assert run(tmp_path) == "10.0 0"


def test_named_tuples_become_plain_to_any_depth():
    class Inner(NamedTuple):
        x: int

    class Outer(NamedTuple):
        inner: Inner
        y: float

    unwrapped = plain(Outer(Inner(1), 2.0))
    assert unwrapped == ((1,), 2.0)
    assert (type(unwrapped), type(unwrapped[0])) == (tuple, tuple)


def test_a_record_has_the_fields_of_its_class():
    class Fields:
        price: float
        shares: int
        code: Int8
        flag: bool

    made = record_type(Fields)
    assert [made[name] for name in made.names] == [np.float64, np.int64, np.int8, np.bool_]
