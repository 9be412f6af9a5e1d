"""Session after session in one process, nothing piles up."""

import pytest

from tests.execute.endurance import sessions


@pytest.mark.slow
def test_twenty_sessions_leave_no_file_open_and_take_no_memory():
    after = sessions(20)
    settled, last = after[4], after[-1]
    assert last.files == settled.files
    assert last.objects < settled.objects * 1.01
    assert last.memory < settled.memory + 10.0  # MB
