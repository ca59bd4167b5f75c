"""Memory for results of the size of the image."""

import sys

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window

_MOST_PIXELS = 16_000_000
"""Memory of larger results is not kept."""


class ResultMemory:
    """Gives out arrays, and takes the memory of the last one again if it is free.

    Fresh memory of some megabytes takes the system longer than all else that is done
    with a result. An array that somebody still holds, or a view of it, is left alone.
    """

    def __init__(self) -> None:
        self._array = np.zeros((0, 0), np.float32)
        # Of an array that nobody else has; how many that are is Python's own affair.
        self._own_references = sys.getrefcount(self._array)

    def zeros(self, shape: tuple[int, int], inside: Window) -> NDArray[np.float32]:
        """Return an array that is 0, except perhaps in a window to be written next.

        Parameters
        ----------
        shape : tuple of int
            Height and width.
        inside : Window
            Where any values may stand.
        """
        if shape[0] * shape[1] > _MOST_PIXELS:
            return np.zeros(shape, np.float32)
        if self._array.shape != shape or self._is_held():
            self._array = np.zeros(shape, np.float32)
        else:
            # Whoever had it may have written anywhere.
            self._array[: inside.top] = self._array[inside.bottom :] = 0
            rows = self._array[inside.top : inside.bottom]
            rows[:, : inside.left] = rows[:, inside.right :] = 0
        return self._array

    def _is_held(self) -> bool:
        return sys.getrefcount(self._array) > self._own_references
