"""What a line looks like in pixels while a person draws it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window


def box_band(
    start: Sequence[float], end: Sequence[float], width: float
) -> list[Window]:
    """Return the four sides of a rectangle between two corners (y, x).

    Parameters
    ----------
    start, end : sequence of float
        The corners, in pixels.
    width : float
        Of the sides, in pixels; at least one is drawn.
    """
    thick = max(round(width), 1)
    (top, bottom), (left, right) = (
        sorted((round(first), round(second)))
        for first, second in zip(start, end, strict=True)
    )
    bottom, right = bottom + thick, right + thick
    return [
        Window(top, left, top + thick, right),
        Window(bottom - thick, left, bottom, right),
        Window(top, left, bottom, left + thick),
        Window(top, right - thick, bottom, right),
    ]


def stroke_band(line: NDArray[np.float64], width: float) -> list[Window]:
    """Return small squares along a line (N, 2) of positions (y, x).

    Those of a longer line begin with those of a shorter one, but for the last.
    """
    thick = max(round(width), 1)
    steps = np.hypot(*np.diff(line, axis=0).T)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    # Half over the one before, so that the line has no steps.
    at = np.append(np.arange(0, travelled[-1], max(thick / 2, 1)), travelled[-1])
    ys, xs = (np.interp(at, travelled, line[:, axis]).round() for axis in (0, 1))
    half = thick // 2
    return [
        Window(y - half, x - half, y - half + thick, x - half + thick)
        for y, x in zip(ys.astype(int).tolist(), xs.astype(int).tolist(), strict=True)
    ]
