import pytest

from alphalib.execute.daemon.switch import FILE, pull, pulled, release
from alphalib.store import Store


@pytest.fixture
def record(tmp_path):
    return Store(tmp_path)


def test_a_file_that_is_touched_is_a_switch_that_is_pulled(record):
    assert pulled(record.local_path(FILE)) is None
    record.local_path(FILE).touch()
    assert pulled(record.local_path(FILE)) == (f"the file {FILE}", False)
    assert release(record)
    assert pulled(record.local_path(FILE)) is None
    assert not release(record)


@pytest.mark.parametrize("said", ["flatten", "FLATTEN\n", "please flatten, I am on the train"])
def test_a_word_in_it_sells_everything(record, said):
    record.local_path(FILE).write_text(said)
    assert pulled(record.local_path(FILE)) == (f"the file {FILE}", True)


def test_bytes_that_are_no_text_pull_it_too(record):
    record.local_path(FILE).write_bytes(b"\xff\xfe\x00")
    assert pulled(record.local_path(FILE)) == (f"the file {FILE}", False)


def test_pulling_says_what_happens(record):
    assert "stops stay" in pull(record)
    assert "everything of ours is sold" in pull(record, flatten=True)
    assert pulled(record.local_path(FILE)) == (f"the file {FILE}", True)
