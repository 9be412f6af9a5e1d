"""What the pictures share: colours, type, axes, and how a figure becomes SVG or PNG.

Sizes are CSS pixels. The colours below are those of the light page; `svg` turns each into the page's own CSS variable,
so that one picture is right on a light and on a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = {
    "--ink": "#1c1b19",
    "--soft": "#6a665d",
    "--rule": "#dad5c9",
    "--book": "#1d4f8c",
    "--spy": "#8b8577",
    "--equal": "#b8772a",
    "--loss": "#a63a2b",
    "--halt": "#efe2d6",
    "--paper": "#fbfaf6",
}
"""CSS variable of each colour and its value on a light page; all different, because `svg` finds them by value."""

WIDE, NARROW = 700, 344
"""Width of a picture in the page's main column, and on a phone. [px]"""

TYPE_SIZE = 11.5
"""Of everything written in a picture. [points]"""

_POINTS = 640
_DPI = 72  # one point is one CSS pixel


Given = ParamSpec("Given")


def own_style(draw: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """A figure that does not depend on what a notebook, or an import, has set in matplotlib."""

    @wraps(draw)
    def drawn(*args: Given.args, **kwargs: Given.kwargs) -> Figure:
        with _style({}):
            return draw(*args, **kwargs)

    return drawn


@dataclass(frozen=True)
class Whisker:
    """One line of an interval picture: a value and its interval."""

    name: str
    value: float
    low: float
    high: float
    colour: str = "--book"


def svg(figure: Figure, *, name: str, description: str) -> str:
    """A figure as an inline SVG element, in the page's own font and colours.

    Parameters
    ----------
    figure : Figure
        From one of the functions above.
    name : str
        Unlike any other on the page; keeps the ids inside apart.
    description : str
        What a person who cannot see it should know.
    """
    text = io.StringIO()
    with _style({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    body = text.getvalue()
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body[body.index("<svg") :], flags=re.DOTALL)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body).groups()  # type: ignore[union-attr]
    for variable, colour in PALETTE.items():
        body = body.replace(colour, f"var({variable})")
    body = re.sub(r"'?DejaVu Sans'?[^;\"]*", "var(--sans)", body)
    opening = f'<svg class="picture" role="img" aria-label="{_escaped(description)}" viewBox="0 0 {width} {height}">'
    body = re.sub(r"<svg\b.*?>", lambda _: opening, body, count=1, flags=re.DOTALL)
    # An id is the same in every picture, and no two elements of a page may share one.
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    # A tenth of a pixel is enough, and halves the page.
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d)\d+", r"\1", tag[0]), body)
    return re.sub(r"\n\s*", "\n", body).strip()


def png(figure: Figure) -> bytes:
    """A figure as a PNG on the light page's paper, at twice its size."""
    content = io.BytesIO()
    with _style({}):
        figure.savefig(content, format="png", dpi=2 * _DPI, facecolor=PALETTE["--paper"], metadata={"Software": None})
    return content.getvalue()


@dataclass(frozen=True)
class Shown:
    """A figure as a notebook shows it: last expression of a cell, whatever backend matplotlib has."""

    figure: Figure

    def _repr_png_(self) -> tuple[bytes, dict[str, float]]:
        return png(self.figure), {"width": self.figure.get_figwidth() * _DPI}


Draw = Callable[[int], "Figure"]


def both_widths(draw: Draw, *, name: str, description: str) -> str:
    """The picture twice, drawn for a desk and for a phone; the page's style sheet shows one of them."""
    wide = svg(draw(WIDE), name=f"{name}-wide", description=description)
    narrow = svg(draw(NARROW), name=f"{name}-narrow", description=description)
    return f'<div class="desk">{wide}</div><div class="phone">{narrow}</div>'


_METADATA = ("Date", "Creator", "Format", "Type")


@contextmanager
def _style(more: dict[str, Any]) -> Iterator[None]:
    import matplotlib

    settings: Any = {"font.family": "DejaVu Sans", "axes.unicode_minus": True, **more}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def new_figure(width: int, height: int) -> Figure:
    """An empty figure that no window knows of. [px]"""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")


def is_wide(axes: Axes) -> bool:
    """Whether it is drawn for a desk, and not for a phone."""
    figure: Any = axes.figure
    return bool(figure.get_figwidth() * _DPI > 500)


def plain(axes: Axes) -> None:
    """Lines across, no box, small soft type."""
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colour_of("--soft"))
    axes.grid(visible=True, axis="y", color=colour_of("--rule"), linewidth=0.7)
    axes.tick_params(axis="both", length=0, colors=colour_of("--soft"), labelsize=TYPE_SIZE)


def titled(axes: Axes, text: str) -> None:
    """`plain`, with a title at the left."""
    plain(axes)
    axes.set_title(text, loc="left", fontsize=TYPE_SIZE, color=colour_of("--soft"), pad=6)


def year_axis(axes: Axes, dates: pd.Index) -> None:
    """Years below a picture of these dates, months when they are few."""
    import matplotlib.dates

    ticks: Any = matplotlib.dates  # its classes carry no types
    years = (dates[-1] - dates[0]).days / 365
    wide = is_wide(axes)
    if years >= 2:
        axes.xaxis.set_major_locator(ticks.YearLocator(base=max(1, int(np.ceil(years / (9 if wide else 5))))))
        axes.xaxis.set_major_formatter(ticks.DateFormatter("%Y"))
    else:
        locator = ticks.AutoDateLocator(minticks=3, maxticks=7 if wide else 4)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ticks.ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlim(dates[0], max(dates[-1], dates[0] + pd.Timedelta(days=1)))


def thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """At most `_POINTS` rows at equal steps, the last one always among them."""
    step = max(-(-len(frame) // _POINTS), 1)
    return frame.iloc[(len(frame) - 1) % step :: step]


def colour_of(variable: str) -> str:
    """Value of a CSS variable on the light page."""
    return PALETTE[variable]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
