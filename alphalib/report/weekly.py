"""Writes what a weekly run hands out: the page, the tear sheet beside it, and the letter that is mailed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from alphalib.errors import InputError
from alphalib.report import canvas
from alphalib.report.inputs import WeeklyInputs, read_inputs
from alphalib.report.mail import Picture, letter
from alphalib.report.page import page, pictures, render
from alphalib.report.summary import bands, five_lines, headline
from alphalib.report.tearsheet import tear_sheet
from alphalib.store import Store

PAGE, TEAR_SHEET, LETTER = "report.html", "tearsheet.html", "report.eml"


def write_report(store: Store, asof: pd.Timestamp, folder: Path, *, run: Mapping[str, Any] | None = None) -> Path:
    """Write `report.html`, `tearsheet.html` and `report.eml` into a folder; returns the page's path.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Last session known.
    folder : Path
        Made when it is not there.
    run : mapping, optional
        Content of the pipeline's `run.json`.
    """
    inputs = read_inputs(store, asof, run)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _write(folder / TEAR_SHEET, _sheet(inputs).encode())
        link: str | None = TEAR_SHEET
    except InputError as error:
        (folder / TEAR_SHEET).unlink(missing_ok=True)
        link, inputs = None, replace(inputs, missing={**inputs.missing, "tear_sheet": f"not made: {error}"})
    _write(folder / PAGE, page(inputs, tear_sheet=link).encode())
    _write(folder / LETTER, weekly_letter(inputs).as_bytes())
    return folder / PAGE


def weekly_letter(inputs: WeeklyInputs) -> Any:
    """The mail of the week, without addresses: bands, headline, five lines, and two pictures inside."""
    drawn = pictures(inputs)
    inside = [
        Picture(f"{name}@alphalib", drawn[name][1], canvas.png(drawn[name][0](canvas.WIDE)))
        for name in ("growth", "ic")
        if name in drawn
    ]
    across, lines, said = bands(inputs), five_lines(inputs), headline(inputs)
    text = "\n".join(
        [*(f"{band.title} {band.text}" for band in across), "", said, "", *lines, "", "The page is attached."]
    )
    html = render("mail.html", asof=inputs.asof, bands=across, headline=said, lines=lines, pictures=inside)
    return letter(text=text, html=html, pictures=inside)


def _sheet(inputs: WeeklyInputs) -> str:
    nav = inputs.nav
    if nav is None:
        raise InputError(inputs.why("nav"))
    if "spy" not in nav:
        raise InputError("the book has no benchmark beside it")
    values = nav.set_index("date")[["nav", "spy"]]
    returns = (values / values.shift() - 1.0).dropna()
    notice = " ".join(f"{band.title} {band.text}" for band in bands(inputs))
    return tear_sheet(returns["nav"], returns["spy"], title="Simulated book", notice=notice)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
