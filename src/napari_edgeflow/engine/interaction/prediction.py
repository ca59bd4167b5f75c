"""Where an object is believed to be, kept small until someone asks for pixels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.interpolation import linear_bands
from napari_edgeflow.engine.raster.masks import bounding_window

_ROWS, _COLUMNS = 16, 64
_PRODUCTS = 250_000
"""Rows or columns, and multiplications, that are done at a time: so few that numpy's
matrix product starts no threads, which would get in the network's way."""

THRESHOLD = 0.5
"""Probability from which a pixel belongs to the object."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Probabilities in one window of an image; outside of it they are 0.

    The scores are kept at the network's resolution, so that a history of many
    clicks on a large image stays small; pixels are interpolated on demand.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    window : Window
        The part of the image that ``scores`` covers.
    scores : ndarray
        (h, w) float32 probabilities, stretched over the window.
    milliseconds : float
        What the click took.
    """

    shape: tuple[int, int]
    window: Window
    scores: NDArray[np.float32] = field(repr=False)
    milliseconds: float = 0.0

    @classmethod
    def nothing(cls, shape: tuple[int, int]) -> "Prediction":
        """Return the prediction that nothing in the image is part of the object."""
        return cls(shape, Window(0, 0, *shape), np.zeros((1, 1), np.float32))

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_]) -> "Prediction":
        """Return a mask (H, W) as a prediction that gives back exactly that mask."""
        window = bounding_window(mask)
        if window is None:
            return cls.nothing(mask.shape)
        return cls(mask.shape, window, mask[window.slices].astype(np.float32))

    def sample(self, window: Window, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the probabilities of any window at any resolution.

        Parameters
        ----------
        window : Window
            The part of the image wanted; it may reach beyond ``self.window``.
        shape : tuple of int
            Height and width of the result.

        Returns
        -------
        ndarray
            (height, width) float32, bilinearly interpolated.
        """
        if window == self.window and shape == self.scores.shape:
            return self.scores.copy()
        result = np.empty(shape, np.float32)
        self._sample_into(result, window)
        return result

    def _sample_into(self, result: NDArray[np.float32], window: Window) -> None:
        """Write the probabilities of a window into an array of the size wanted."""
        # The few rows of the scores are widened first: that leaves the least to do.
        wide = np.empty((self.scores.shape[0], result.shape[1]), np.float32)
        _widen(
            self.scores,
            (self.window.left, self.window.right),
            (window.left, window.right),
            wide,
        )
        _heighten(
            wide,
            (self.window.top, self.window.bottom),
            (window.top, window.bottom),
            result,
        )

    def at(self, y: float, x: float) -> float:
        """Return the probability of the pixel at a position, 0 outside the window."""
        top, left = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
        window = Window(top, left, top + 1, left + 1)
        return float(self.sample(window, (1, 1))[0, 0])

    def probabilities(self) -> NDArray[np.float32]:
        """Return the (h, w) float32 probabilities of the window, pixel by pixel."""
        return self.sample(self.window, (self.window.height, self.window.width))

    def full(self) -> NDArray[np.float32]:
        """Return the (H, W) float32 probabilities of the whole image.

        Only the window's pixels are touched: the zeros around them cost nothing
        until they are read, even on very large images.
        """
        whole = (self.window.height, self.window.width) == self.shape
        if whole and self.scores.shape == self.shape:
            return self.scores.copy()
        full = np.zeros(self.shape, np.float32)
        self._sample_into(full[self.window.slices], self.window)
        return full

    def mask(self, threshold: float = THRESHOLD) -> NDArray[np.bool_]:
        """Return the (H, W) bool mask of pixels at or over ``threshold``."""
        mask = np.zeros(self.shape, np.bool_)
        mask[self.window.slices] = self.probabilities() >= threshold
        return mask

    def extent(self, threshold: float = THRESHOLD) -> Window | None:
        """Return a window around the mask, to about a score's size; None if empty."""
        box = bounding_window(self.scores >= threshold)
        if box is None:
            return None
        tall = self.window.height / self.scores.shape[0]
        wide = self.window.width / self.scores.shape[1]
        return Window(
            int(self.window.top + box.top * tall),
            int(self.window.left + box.left * wide),
            min(int(np.ceil(self.window.top + box.bottom * tall)), self.window.bottom),
            min(int(np.ceil(self.window.left + box.right * wide)), self.window.right),
        )


def _widen(
    values: NDArray[np.float32],
    extent: tuple[int, int],
    wanted: tuple[int, int],
    result: NDArray[np.float32],
) -> None:
    """Resample (h, n) values linearly along their rows into (h, m); 0 outside.

    ``extent`` is where the axis of the values starts and ends in pixels of the image,
    ``wanted`` where that of the result does.
    """
    places = _places(values.shape[1], extent, result.shape[1], wanted)
    for columns, band, weights in linear_bands(places, values.shape[1], _COLUMNS):
        step = max(_PRODUCTS // weights.size, 1)
        for top in range(0, len(values), step):
            rows = slice(top, top + step)
            np.matmul(values[rows, band], weights.T, out=result[rows, columns])


def _heighten(
    values: NDArray[np.float32],
    extent: tuple[int, int],
    wanted: tuple[int, int],
    result: NDArray[np.float32],
) -> None:
    """Resample (n, w) values linearly along their columns; see :func:`_widen`."""
    places = _places(len(values), extent, len(result), wanted)
    for rows, band, weights in linear_bands(places, len(values), _ROWS):
        step = max(_PRODUCTS // weights.size, 1)
        for left in range(0, values.shape[1], step):
            columns = slice(left, left + step)
            np.matmul(weights, values[band, columns], out=result[rows, columns])


def _places(
    count: int, extent: tuple[int, int], samples: int, wanted: tuple[int, int]
) -> NDArray[np.floating]:
    """Return where samples lie among ``count`` values, the first of which is at 0."""
    start, end = extent
    low, high = wanted
    centres = low + (np.arange(samples) + 0.5) * ((high - low) / samples)
    return (centres - start) * (count / (end - start)) - 0.5
