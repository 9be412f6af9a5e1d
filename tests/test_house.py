"""What holds the house together: quick imports, nothing personal in the tree, notebooks thin and stripped."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "vectorbt",
    "quantstats",
    "papermill",
    "nbconvert",
    "lightgbm",
    "sklearn",
    "matplotlib",
    "statsmodels",
    "anthropic",
}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_importing_alphalib_loads_nothing_heavy():
    modules = "alphalib, alphalib.market, alphalib.store, alphalib.contracts, alphalib.params, alphalib.sources.stored"
    script = f"import sys, {modules}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(loaded.stdout.split())


def test_d50_no_credential_and_no_personal_path_in_the_tree():
    credential = re.compile(r"sk-ant-\w{8}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|xox[bp]-\d{6}|ghp_\w{20}")
    personal = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/\w|[A-Z]:\\Users\\")
    address = re.compile(r"https?://\S*(?:/simple\b|pypi\S*/packages)|--index-url|--extra-index-url|--find-links")
    for path in tracked():
        if path.suffix in {".png", ".parquet"} or path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        for pattern in (credential, personal, address):
            found = pattern.search(text)
            assert found is None, f"{path.relative_to(ROOT)}: {found.group(0)!r}"


def test_nothing_large_in_the_tree():
    large = [str(path.relative_to(ROOT)) for path in tracked() if path.stat().st_size > 1_000_000]
    assert large == []
