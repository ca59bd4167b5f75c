"""The curves of a training: what they show, and ``curves.png``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from napari_edgeflow.engine.system.files import replacing

CURVES_FILE = "curves.png"

Colour = tuple[int, int, int]
Point = tuple[float, float]

TRAINING: Colour = (86, 180, 233)
VALIDATION: Colour = (230, 159, 0)
"""Colours that are told apart by everyone (Okabe and Ito)."""

_SIZE = (900, 340)
_INK, _GRID, _PAPER = (60, 60, 60), (225, 225, 225), (255, 255, 255)
_MARGINS = (54, 34, 14, 34)
"""Left, top, right and bottom of a plot, in pixels."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot.

    Parameters
    ----------
    name : str
        What it shows.
    colour : tuple of int
        Red, green and blue.
    points : tuple of (float, float)
        Epoch and value.
    """

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
    """Write ``curves.png``: losses and scores by epoch, all or nothing.

    Parameters
    ----------
    folder : Path
        Where to write it.
    history : sequence of mapping
        As :func:`train_folder.metrics_row` gives them.
    """
    image = Image.new("RGB", _SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    width = _SIZE[0] // 2
    for number, plot in enumerate((loss_plot(history), score_plot(history))):
        _draw_plot(draw, plot, (number * width, 0, (number + 1) * width, _SIZE[1]))
    with replacing(folder / CURVES_FILE) as partial:
        image.save(partial, format="PNG")


def _draw_plot(
    draw: ImageDraw.ImageDraw, plot: Plot, box: tuple[int, int, int, int]
) -> None:
    font = ImageFont.load_default(13)
    left, top, right, bottom = (
        box[0] + _MARGINS[0],
        box[1] + _MARGINS[1],
        box[2] - _MARGINS[2],
        box[3] - _MARGINS[3],
    )
    first, last, low, high = plot.bounds

    def place(point: Point) -> Point:
        x = left + (point[0] - first) / (last - first) * (right - left)
        return x, bottom - (point[1] - low) / (high - low) * (bottom - top)

    for value in ticks(low, high):
        _, y = place((first, value))
        draw.line([(left, y), (right, y)], _GRID)
        draw.text((left - 6, y), f"{value:g}", _INK, font, "rm")
    for epoch in ticks(first, last):
        if epoch == int(epoch):
            draw.text(
                (place((epoch, low))[0], bottom + 6), f"{epoch:g}", _INK, font, "mt"
            )
    draw.line([(left, top), (left, bottom), (right, bottom)], _INK)
    draw.text((left, box[1] + 10), plot.title, _INK, font, "lt")
    at = float(right)
    for curve in reversed(plot.curves):
        draw.text((at, box[1] + 10), curve.name, curve.colour, font, "rt")
        at -= draw.textlength(curve.name, font) + 12
        places = [place(point) for point in curve.points]
        draw.line(places, curve.colour, 2, "curve")
        for x, y in places:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], curve.colour)
