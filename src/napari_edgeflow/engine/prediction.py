"""Where an object is believed to be, kept small until someone asks for pixels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.interpolation import linear_weights
from napari_edgeflow.engine.masks import bounding_window

_ROWS = 16
_PRODUCTS = 250_000
"""Rows, and multiplications, that are done at a time: so few that numpy's matrix
product starts no threads, which would get in the network's way."""

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
        box = bounding_window(mask)
        if box is None:
            return cls.nothing(mask.shape)
        window = Window(*box)
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
        wide = np.empty((result.shape[1], self.scores.shape[0]), np.float32)
        _interpolate(
            np.ascontiguousarray(self.scores.T),
            (self.window.left, self.window.right),
            (window.left, window.right),
            wide,
        )
        _interpolate(
            np.ascontiguousarray(wide.T),
            (self.window.top, self.window.bottom),
            (window.top, window.bottom),
            result,
        )

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
            int(self.window.top + box[0] * tall),
            int(self.window.left + box[1] * wide),
            min(int(np.ceil(self.window.top + box[2] * tall)), self.window.bottom),
            min(int(np.ceil(self.window.left + box[3] * wide)), self.window.right),
        )


def _interpolate(
    values: NDArray[np.float32],
    extent: tuple[int, int],
    wanted: tuple[int, int],
    result: NDArray[np.float32],
) -> None:
    """Resample (n, k) values linearly along the first axis into (m, k); 0 outside.

    ``extent`` is where the axis of the values starts and ends in pixels of the image,
    ``wanted`` where that of the result does.
    """
    start, end = extent
    low, high = wanted
    samples, count = len(result), len(values)
    centres = low + (np.arange(samples) + 0.5) * ((high - low) / samples)
    positions = (centres - start) * (count / (end - start)) - 0.5
    matrix, first = linear_weights(positions, count)
    matrix[(centres <= start) | (centres >= end)] = 0
    for begin in range(0, samples, _ROWS):
        rows = slice(begin, begin + _ROWS)
        # Only these few values count for the rows, since the positions ascend.
        band = slice(first[rows][0], first[rows][-1] + 2)
        weights = matrix[rows, band]
        step = max(_PRODUCTS // weights.size, 1)
        for left in range(0, values.shape[1], step):
            columns = slice(left, left + step)
            np.matmul(weights, values[band, columns], out=result[rows, columns])
