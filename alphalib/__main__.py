"""`python -m alphalib …`: lay out a project, look after it, import files, and ask for evidence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from alphalib.commands import evidence, factors, gateway, imports, proof, trading
from alphalib.commands.common import tell
from alphalib.doctor import findings
from alphalib.errors import AlphalibError
from alphalib.init import lay_out
from alphalib.settings import settings

app = typer.Typer(
    help="alphalib: research notebooks, backtests and paper trading in one library.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the project goes.")]) -> None:
    """Lay out a project: notebooks, pipelines, data and reports."""
    made = lay_out(folder)
    there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    tell([f"{len(made)} files in {folder}; next: {there}python -m alphalib.pipeline weekly weekday"])


@app.command()
def doctor() -> None:
    """What is present, what is missing, and the one command that mends each."""
    marks = {"ok": "ok     ", "off": "off    ", "missing": "MISSING"}
    found = findings(settings(), Path())
    tell([f"{marks[f.state]}  {f.what:<28} {f.detail}" + (f"\n{'':38}→ {f.mend}" if f.mend else "") for f in found])
    if any(finding.state == "missing" for finding in found):
        raise typer.Exit(1)


for part in (imports, factors, evidence, proof, trading, gateway):
    app.add_typer(part.app)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; what goes wrong on purpose is shown as its message, with exit code 2."""
    try:
        app(args=arguments, prog_name="python -m alphalib")
    except AlphalibError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
