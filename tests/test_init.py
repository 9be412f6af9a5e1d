"""A wheel works without the clone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alphalib.errors import InputError
from alphalib.init import lay_out

ROOT = Path(__file__).parents[1]


def test_a_project_has_all_notebooks_and_pipelines(tmp_path):
    lay_out(tmp_path / "desk")
    for part in ("notebooks", "pipelines"):
        shipped = {path.name for path in (ROOT / part).iterdir() if path.is_file()}
        assert {path.name for path in (tmp_path / "desk" / part).iterdir()} == shipped
    assert (tmp_path / "desk" / "data" / "README.md").exists()


def test_nothing_is_overwritten(tmp_path):
    lay_out(tmp_path)
    mine = tmp_path / "pipelines" / "weekly.yaml"
    mine.write_text("mine")
    mine.with_name("weekday.yaml").unlink()
    with pytest.raises(InputError, match=r"exist\(s\) already; name an empty folder, nothing was written"):
        lay_out(tmp_path)
    assert mine.read_text() == "mine"
    assert not mine.with_name("weekday.yaml").exists()


@pytest.mark.slow
def test_an_installed_wheel_lays_out_a_project_elsewhere(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    site, desk = tmp_path / "site", tmp_path / "desk"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site / "alphalib" / "py.typed").read_bytes()
    environment = os.environ | {"PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "alphalib", "init", str(desk)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=environment)
    where = [sys.executable, "-c", "import alphalib; print(alphalib.__file__)"]
    assert str(site) in subprocess.run(where, capture_output=True, text=True, cwd=tmp_path, env=environment).stdout
    assert (desk / "notebooks" / "40_backtest.ipynb").exists()
    assert (desk / "pipelines" / "weekly.yaml").exists()
