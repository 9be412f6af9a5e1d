"""The doctor names what is missing and the one command that mends it."""

import socket
import time

from alphalib.doctor import KNOCK, findings
from alphalib.init import lay_out
from alphalib.settings import Settings


def states(settings: Settings, folder) -> dict[str, tuple[str, str]]:
    return {finding.what: (finding.state, finding.mend) for finding in findings(settings, folder)}


def test_an_empty_folder_and_then_a_project(tmp_path):
    settings = Settings(store=str(tmp_path / "data"), _env_file=None)
    assert states(settings, tmp_path)["project"] == ("missing", "python -m alphalib init .")
    assert states(settings, tmp_path)["prices"] == ("off", "python -m alphalib.pipeline weekly")
    assert states(settings, tmp_path)["mail"][0] == "off"
    lay_out(tmp_path)
    assert states(settings, tmp_path)["project"] == ("ok", "")


def test_a_store_that_cannot_be_written_is_missing(tmp_path):
    (tmp_path / "data").write_text("a file")
    assert states(Settings(store=str(tmp_path / "data"), _env_file=None), tmp_path)["store"][0] == "missing"


def test_every_missing_part_has_one_command(tmp_path):
    for finding in findings(Settings(store=str(tmp_path / "data"), _env_file=None), tmp_path):
        assert finding.state == "ok" or finding.mend, finding


def test_no_secret_shows(tmp_path):
    settings = Settings(
        smtp_password="correct-horse", anthropic_api_key="sk-secret", store=str(tmp_path), _env_file=None
    )
    shown = repr(settings) + repr(list(findings(settings, tmp_path)))
    assert "correct-horse" not in shown
    assert "sk-secret" not in shown


def gateway(port: int, folder) -> tuple[str, str]:
    settings = Settings(store=str(folder / "data"), ib_host="127.0.0.1", ib_port=port, _env_file=None)
    [found] = [finding for finding in findings(settings, folder) if finding.what == "IB gateway"]
    return found.state, found.detail


def test_whether_a_gateway_answers_is_said_quickly_and_is_no_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        state, detail = gateway(port, tmp_path)
        assert state == "ok"
        assert f"127.0.0.1:{port}" in detail
    begun = time.monotonic()
    assert gateway(port, tmp_path) == ("off", f"nobody answers at 127.0.0.1:{port}")
    assert time.monotonic() - begun < KNOCK + 5  # the store and the machine are looked at too


def test_the_client_library_is_named_with_its_version(tmp_path):
    settings = Settings(store=str(tmp_path / "data"), _env_file=None)
    [found] = [finding for finding in findings(settings, tmp_path) if finding.what == "IB client"]
    assert found.state == "ok"
    name, number = found.detail.split()
    assert name in ("ib_insync", "ib_async")
    assert number[0].isdigit()
