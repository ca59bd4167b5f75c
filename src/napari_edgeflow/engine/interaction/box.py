"""A box in the words of a network that was trained on clicks and edges alone.

Of all ways that were tried on images held out for such choices, one positive click in
the middle, one negative click beside each corner and the edge of the inscribed ellipse
gave the best masks after the box and the one or two clicks that follow; a second look
at the first result made them worse.
"""

import numpy as np

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.interaction.prompts import Box

_BESIDE = 0.06
"""How far beyond a corner its negative click lies, as a share of the box's sides."""

_GUESS_SIDE = 128


def box_hints(box: Box, shape: tuple[int, int]) -> tuple[Click, ...]:
    """Return the clicks that stand for a box in an image of a height and width.

    Corners so near to the border of the image that there is nothing beside them get
    none.
    """
    window = box.window
    axes = ((window.top, window.bottom - 1), (window.left, window.right - 1))
    middle = [(low + high) / 2 for low, high in axes]
    beside = [
        (low - _BESIDE * (high - low + 1), high + _BESIDE * (high - low + 1))
        for low, high in axes
    ]
    return (
        Click(middle[0], middle[1]),
        *(
            Click(y, x, False)
            for y in beside[0]
            for x in beside[1]
            if 0 <= y <= shape[0] - 1 and 0 <= x <= shape[1] - 1
        ),
    )


def inscribed_ellipse(box: Box, shape: tuple[int, int]) -> Prediction:
    """Return the first guess at what is in a box: the ellipse that fills it."""
    place = (np.arange(_GUESS_SIDE) + 0.5) / _GUESS_SIDE * 2 - 1
    inside = place[:, None] ** 2 + place[None] ** 2 <= 1
    return Prediction(shape, box.window, inside.astype(np.float32))
