"""`python -m alphalib gateway`, as typed."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.clock import SessionLoop, run
from tests.gateway.port import DAY, bars, ib


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """Bars of two names in one file, as a vendor has them."""
    path = tmp_path / "minutes.parquet"
    tables = bars({"AAA": [100.0] * 10, "BBB": [50.0] * 10})
    pd.concat([table.assign(ticker=name) for name, table in tables.items()]).to_parquet(path)
    return path


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The line with which a command ends that cannot be carried out."""
    with pytest.raises(SystemExit) as ended:
        main(["gateway", *words])
    assert ended.value.code == 2
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--speed", "0"), "error: --speed is above 0, got 0"),
        (("--port", "99999"), "error: --port is from 0 to 65535, got 99999"),
        (("--port", "-1"), "error: --port is from 0 to 65535, got -1"),
        (("--cash", "nan"), "error: --cash is a number, got nan"),
        (("--account", ""), "error: --account is a name such as DU0000001, without commas, got ''"),
        (("--account", "DU1,DU2"), "error: --account is a name such as DU0000001, without commas, got 'DU1,DU2'"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: tuple[str, ...], line: str, minutes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused("--replay", DAY, "--bars", str(minutes), *words, capsys=capsys) == line


def test_a_day_without_bars_or_plan_is_one_line(
    tmp_path: Path, minutes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused("--replay", "2026-03-03", "--bars", str(minutes), capsys=capsys)
    assert "has no bars of 2026-03-03" in said
    said = refused("--replay", DAY, "--store", str(tmp_path / "none"), capsys=capsys)
    assert said.startswith(f"error: no plan was archived for {DAY}")


def test_a_session_is_played_to_its_end(minutes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["gateway", "--replay", DAY, "--bars", str(minutes), "--port", "0", "--speed", "1e6"])
    assert ended.value.code == 0
    assert "2 names" in capsys.readouterr().out


async def rejected(port: int) -> list[tuple[int, str]]:
    """What a client is told whose order meets the fault script."""
    client, heard = ib.IB(), []
    over = asyncio.Event()

    def hear(request: int, code: int, text: str, contract: object) -> None:
        heard.append((code, text))
        if code == 201:
            over.set()

    client.errorEvent += hear
    await client.connectAsync("127.0.0.1", port, clientId=1)
    try:
        assert client.managedAccounts() == ["DU0000001"]
        client.placeOrder(ib.Stock("AAA", "SMART", "USD"), ib.MarketOrder("BUY", 1, tif="DAY"))
        await asyncio.wait_for(over.wait(), 10)
    finally:
        client.disconnect()
    return heard


def test_a_client_connects_and_ctrl_c_ends_it(tmp_path: Path, minutes: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"do": "reject", "message": "placeOrder", "text": "as scripted"}]')
    words = ["--replay", DAY, "--bars", str(minutes), "--port", "0", "--faults", str(faults)]
    command = [sys.executable, "-m", "alphalib", "gateway", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found is not None
            heard = run(rejected(int(found.group(1))), SessionLoop())
            process.send_signal(signal.SIGINT)
            told, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (201, "as scripted") in heard
    assert (told, errors, process.returncode) == ("ended\n", "", 0)
