"""`python -m alphalib.pipeline weekly weekday --asof DATE --store URL`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from alphalib.errors import AlphalibError, InputError
from alphalib.pipeline.asof import resolved_asof
from alphalib.pipeline.plan import Project, notebook_parameters, require_parameters
from alphalib.pipeline.runner import Run, run_pipeline
from alphalib.settings import settings
from alphalib.store import Store

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

OWN = {"asof": "use --asof", "store": "use --store", "folder": "it follows from the pipeline and the date"}
"""Parameters that the runner gives itself."""


@app.command()
def main(
    names: Annotated[list[str], typer.Argument(metavar="PIPELINE…", help="Files in pipelines/, without .yaml.")],
    asof: Annotated[str | None, typer.Option(help="Last session known; the last one stored without it.")] = None,
    store: Annotated[str | None, typer.Option(help="Folder or URL of the bus; `data` without it.")] = None,
    project: Annotated[Path, typer.Option(help="Folder with notebooks/, pipelines/ and reports/.")] = Path("."),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter for every notebook that has it."),
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Run steps again that are done.")] = False,
) -> None:
    """Run pipelines one after the other; a run that failed resumes at the step that failed."""
    try:
        _run(names, asof, Store(store or settings().store), Project(project), _parameters(set_ or []), fresh)
    except AlphalibError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; run the same command again to resume at this step", err=True)
        raise typer.Exit(130) from None


def _run(
    names: list[str], asof: str | None, store: Store, project: Project, parameters: dict[str, Any], fresh: bool
) -> None:
    pipelines = [project.pipeline(name) for name in names]
    for name, value in parameters.items():
        _require_somewhere(name, value, [project.notebook(step.notebook) for p in pipelines for step in p.steps])
    day = resolved_asof(store, asof)
    page = None
    for pipeline in pipelines:
        run = Run(project, store, pipeline, day, parameters)
        typer.echo(f"{pipeline.name}, as of {day:%Y-%m-%d}, store {store.url}")
        run_pipeline(run, fresh=fresh, tell=typer.echo)
        page = run.folder / pipeline.mail.page if pipeline.mail else page
        if pipeline.mail:
            _mail(run, pipeline.mail.subject, run.folder / pipeline.mail.page)
        else:
            typer.echo(f"pages: {run.folder}")
    if page is not None and page.exists():
        _tell_found(store, day, page)


def _mail(run: Run, subject: str, page: Path) -> None:
    """Send the page; a mail that fails is said and never fails the run."""
    from alphalib.report.mail import send_page

    delivery = send_page(page, subject=subject.format(date=f"{run.asof:%Y-%m-%d}"), settings=settings())
    typer.echo(f"mail: {delivery.status}, {delivery.detail}")


def _tell_found(store: Store, day: Any, page: Path) -> None:
    from alphalib.report.page import five_lines, read_inputs

    typer.echo("")
    for line in five_lines(read_inputs(store, day)):
        typer.echo(line)
    typer.echo(f"\nThe report: {page}")


def _parameters(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs, values read as JSON where they are JSON and as text otherwise."""
    parameters = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set takes NAME=VALUE, got {pair!r}")
        if name in OWN:
            raise InputError(f"--set does not take {name}: {OWN[name]}")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def _require_somewhere(name: str, value: Any, notebooks: list[Path]) -> None:
    known = {notebook: notebook_parameters(notebook) for notebook in notebooks}
    having = [notebook for notebook in notebooks if name in known[notebook]]
    if not having:
        there = dict.fromkeys(other for parameters in known.values() for other in parameters if other not in OWN)
        raise InputError(f"no step has a parameter {name!r}; there are {', '.join(there) or 'none'}")
    for notebook in having:
        require_parameters(notebook, {name: value})


if __name__ == "__main__":
    app()
