import pytest

from alphalib.store import Store
from tests.report.artefacts import write_artefacts


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """What a weekly run leaves behind; tests only read it."""
    store = Store(tmp_path_factory.mktemp("bus"))
    write_artefacts(store)
    return store
