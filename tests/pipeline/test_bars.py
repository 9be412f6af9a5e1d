"""What a terminal shows of a run, in a real terminal; the executed notebook shows nothing of it."""

import os
import pty
import re
import sys

import nbformat

from alphalib.pipeline.bars import Meter
from tests.pipeline.projects import write_project

LOOP = (
    "from {module} import tqdm\nimport sys, time\nfor i in tqdm(range(3), desc='folds', mininterval=0): time.sleep(0.2)"
)


def terminal(command: list[str], folder) -> tuple[int, str]:
    """A command in a pseudo-terminal: how it ended, and all it showed."""
    child, end = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvp(command[0], command)
    shown = b""
    while True:
        try:
            read = os.read(end, 65536)
        except OSError:  # Linux says so when the last process has closed the terminal
            break
        if not read:
            break
        shown += read
    os.close(end)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_a_meter_moves_by_lines_of_tqdm_and_passes_on_the_others():
    moved, said = [], []
    meter = Meter(lambda *place: moved.append(place), said.append)
    meter.write("\rfolds:   0%|          | 0/3 [00:00<?, ?it/s]\r 33%|###3      | 1/3 [00:01<00:02, 1.0s/it]")
    meter.write("\n")
    meter.write("UserWarning: beware | of 3/4\n")
    assert moved == [("folds", 0, 3), ("", 1, 3)]
    assert said == ["UserWarning: beware | of 3/4"]


def test_a_terminal_shows_steps_cells_and_loops_and_the_notebook_none_of_it(tmp_path):
    code = {
        "one": [LOOP.format(module="tqdm")],
        "two": [LOOP.format(module="tqdm.auto"), "print('beware', file=sys.stderr)"],
    }
    write_project(tmp_path, {"one": ["asof: str = ''"], "two": ["asof: str = ''"]}, code=code)
    command = [sys.executable, "-m", "alphalib.pipeline", "test", "--asof", "2023-12-29", "--store", "bus"]
    status, shown = terminal(command, tmp_path)
    assert status == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"test +[━╸╺]+ 1/2 ", plain)
    assert re.search(r"  one +[━╸╺]+ 2/3 ", plain)
    assert re.search(r"    folds +[━╸╺]+ 1/3 ", plain)
    assert "[1/2] one done in" in plain
    assert "beware" in plain
    for name, kept in {"one": [], "two": ["beware\n"]}.items():
        notebook = nbformat.read(tmp_path / f"reports/test/2023-12-29/{name}.ipynb", 4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert [output.get("text") for output in outputs] == kept
        assert "folds:" not in (tmp_path / f"reports/test/2023-12-29/{name}.html").read_text()
