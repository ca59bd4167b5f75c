"""Linear interpolation as a product with a small matrix."""

import numpy as np
from numpy.typing import NDArray


def linear_weights(
    positions: NDArray[np.floating], count: int
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the matrix that interpolates ``count`` samples at ``positions``.

    Parameters
    ----------
    positions : ndarray
        (m,) places in units of samples, the first sample being at 0; places beyond
        the first or last sample take its value.
    count : int
        Number of samples.

    Returns
    -------
    matrix : ndarray
        (m, count) float32; a row has at most two values that are not 0.
    first : ndarray
        (m,) column of the first of the two.
    """
    position = positions.clip(0, count - 1)
    first = np.minimum(position.astype(np.intp), max(count - 2, 0))
    share = position - first
    matrix = np.zeros((len(position), count), np.float32)
    every = np.arange(len(position))
    matrix[every, first] = 1 - share
    matrix[every, np.minimum(first + 1, count - 1)] += share
    return matrix, first
