"""Whether labels of which nobody told what they are hold objects or classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import MAX_CLASS_ID, Kind
from napari_edgeflow.engine.raster.masks import components

_FEWEST_OBJECTS, _PIECES = 4, 1.5
"""So many values, each in hardly more than one piece, look like objects."""

_SURELY_OBJECTS, _SURELY_CLASSES = 10, 4.0
"""How many such values leave no doubt; and how many pieces of each value."""


@dataclass(frozen=True, slots=True)
class KindGuess:
    """What labels look like.

    Parameters
    ----------
    kind : {"semantic", "object"}
        What their values seem to be.
    values : int
        How many different ones there are.
    is_sure : bool
        Whether it can hardly be else.
    """

    kind: Kind
    values: int
    is_sure: bool


def guess_kind(labels: NDArray[np.integer]) -> KindGuess | None:
    """Return what (H, W) labels look like; None without a label.

    Nearly each object is in one piece, as classes seldom are, and there are more
    objects than classes. 0 and below are background.
    """
    values = np.unique(labels)
    values = values[values > 0]
    if not values.size:
        return None
    count = len(values)
    if int(values[-1]) > MAX_CLASS_ID:
        return KindGuess("object", count, True)
    pieces = int(components(np.maximum(labels, 0)).max())
    if count >= _FEWEST_OBJECTS and pieces <= _PIECES * count:
        return KindGuess("object", count, count >= _SURELY_OBJECTS)
    return KindGuess("semantic", count, pieces >= _SURELY_CLASSES * count)
