"""The curves of a training: what they show, and ``curves.png``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.engine.system.files import replacing

CURVES_FILE = "curves.png"

Point = tuple[float, float]

TRAINING: Colour = (86, 180, 233)
VALIDATION: Colour = (230, 159, 0)
"""Colours that are told apart by everyone (Okabe and Ito)."""

_SIZE = (450, 340)
_INK, _PAPER = (60, 60, 60), (255, 255, 255)
_MARGINS = (54, 34, 14, 34)
"""Left, top, right and bottom of a plot, in pixels."""

_MOST_DOTS = 60

_FINER = 2
"""Times as large as wanted curves are drawn, so that slanted lines have no stairs."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot: its name, its colour, and epochs with their values."""

    name: str
    colour: Colour
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Some curves over the same axes.

    Parameters
    ----------
    title : str
        What the values are.
    curves : tuple of Curve
        The lines.
    top : float or None
        The highest value that there can be; None for that of the curves.
    """

    title: str
    curves: tuple[Curve, ...]
    top: float | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least and greatest epoch, least and greatest value that are shown."""
        epochs = [x for curve in self.curves for x, _ in curve.points]
        values = [y for curve in self.curves for _, y in curve.points]
        last = max(epochs, default=1.0)
        high = self.top or max(values, default=1.0) * 1.05 or 1.0
        return 0.0, max(last, 1.0), min(0.0, min(values, default=0.0)), high


def loss_plot(history: Sequence[Mapping[str, float | None]]) -> Plot:
    """Return the losses of the rows of ``metrics.csv``."""
    curves = (
        Curve("training", TRAINING, _points(history, "train loss")),
        Curve("validation", VALIDATION, _points(history, "validation loss")),
    )
    return Plot("Loss", tuple(curve for curve in curves if curve.points))


def score_plot(history: Sequence[Mapping[str, float | None]]) -> Plot:
    """Return the score, which is the mean IoU, of the rows of ``metrics.csv``."""
    curves = (
        Curve("training", TRAINING, _points(history, "train iou")),
        Curve("validation", VALIDATION, _points(history, "score")),
    )
    return Plot("Mean IoU", tuple(curve for curve in curves if curve.points), 1.0)


def _points(
    history: Iterable[Mapping[str, float | None]], column: str
) -> tuple[Point, ...]:
    found = ((row.get("epoch"), row.get(column)) for row in history)
    return tuple(
        (x, y) for x, y in found if x is not None and y is not None and math.isfinite(y)
    )


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return round numbers from ``low`` to ``high``, at most about ``most``."""
    if not high > low:
        return (low,)
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(n * step, 12) for n in range(first, last + 1))


def draw_curves(folder: Path, history: Sequence[Mapping[str, float | None]]) -> None:
    """Write ``curves.png``: losses and scores by epoch, all or nothing."""
    plots = [plot_picture(p(history), _SIZE) for p in (loss_plot, score_plot)]
    with replacing(folder / CURVES_FILE) as partial:
        Image.fromarray(np.hstack(plots)).save(partial, format="PNG")


def plot_picture(
    plot: Plot,
    size: tuple[int, int],
    scale: float = 1.0,
    ink: Colour = _INK,
    paper: Colour = _PAPER,
) -> NDArray[np.uint8]:
    """Return a plot as a picture (H, W, 3), its legend beside the title.

    Parameters
    ----------
    plot : Plot
        What to draw.
    size : tuple of int
        Width and height in pixels.
    scale : float
        How much larger than usual text and lines are, as for a fine screen.
    ink, paper : tuple of int
        Colours of text and of what is behind it.
    """
    large = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), paper)
    draw, unit = ImageDraw.Draw(large), scale * _FINER
    font = ImageFont.load_default(13 * unit)
    grid = tuple((i + 3 * p) // 4 for i, p in zip(ink, paper, strict=True))
    left, top = (margin * unit for margin in _MARGINS[:2])
    right = large.width - _MARGINS[2] * unit
    bottom = large.height - _MARGINS[3] * unit
    first, last, low, high = plot.bounds

    def place(point: Point) -> Point:
        x = left + (point[0] - first) / (last - first) * (right - left)
        return x, bottom - (point[1] - low) / (high - low) * (bottom - top)

    for value in ticks(low, high):
        _, y = place((first, value))
        draw.line([(left, y), (right, y)], grid, _FINER)
        draw.text((left - 6 * unit, y), f"{value:g}", ink, font, "rm")
    for epoch in ticks(first, last):
        if epoch == int(epoch):
            at = place((epoch, low))[0], bottom + 6 * unit
            draw.text(at, f"{epoch:g}", ink, font, "mt")
    draw.line([(left, top), (left, bottom), (right, bottom)], ink, _FINER)
    draw.text((left, 10 * unit), plot.title, ink, font, "lt")
    end = right
    for curve in reversed(plot.curves):
        draw.text((end, 10 * unit), curve.name, curve.colour, font, "rt")
        end -= draw.textlength(curve.name, font) + 12 * unit
        places = [place(point) for point in curve.points]
        draw.line(places, curve.colour, round(2 * unit), "curve")
        for place_of in places if len(places) < _MOST_DOTS else ():
            draw.circle(place_of, 2 * unit, curve.colour)
    return np.asarray(large.reduce(_FINER))
