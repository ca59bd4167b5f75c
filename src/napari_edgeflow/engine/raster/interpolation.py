"""Linear interpolation as a product with a small matrix."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Band(NamedTuple):
    """What interpolates some samples that lie side by side.

    Parameters
    ----------
    samples : slice
        The samples.
    values : slice
        The few values that they lie between.
    weights : ndarray
        (samples, values) float32.
    """

    samples: slice
    values: slice
    weights: NDArray[np.float32]


def linear_weights(positions: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    """Return the matrix that interpolates ``count`` values at ``positions``.

    Parameters
    ----------
    positions : ndarray
        (m,) places in units of values, the first value being at 0; places beyond
        the first or last value take it.
    count : int
        Number of values.

    Returns
    -------
    ndarray
        (m, count) float32; a row has at most two weights that are not 0.
    """
    first, share = _neighbours(positions, count)
    matrix = np.zeros((len(positions), count), np.float32)
    every = np.arange(len(positions))
    matrix[every, first] = 1 - share
    matrix[every, np.minimum(first + 1, count - 1)] += share
    return matrix


def linear_bands(positions: NDArray[np.floating], count: int, size: int) -> list[Band]:
    """Return what is not 0 of :func:`linear_weights`, ``size`` samples at a time.

    Parameters
    ----------
    positions : ndarray
        (m,) ascending places in units of values; beyond half a value from the first
        and last one, a sample is 0.
    count : int
        Number of values.
    size : int
        Samples of a band; the last one may have fewer.
    """
    first, share = _neighbours(positions, count)
    begins = first[::size]
    row, place = np.divmod(np.arange(len(positions)), size)
    width = min(int((first - begins[row]).max()) + 2, count)
    begins = np.minimum(begins, count - width)
    column = first - begins[row]
    inside = (positions > -0.5) & (positions < count - 0.5)
    weights = np.zeros((len(begins), size, width), np.float32)
    weights[row, place, column] = (1 - share) * inside
    weights[row, place, np.minimum(column + 1, width - 1)] += share * inside
    return [
        Band(
            slice(number * size, (number + 1) * size),
            slice(begin, begin + width),
            band[: len(positions) - number * size],
        )
        for number, (begin, band) in enumerate(
            zip(begins.tolist(), weights, strict=True)
        )
    ]


def _neighbours(
    positions: NDArray[np.floating], count: int
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """Return the value before each position, and the share of the one after it."""
    position = positions.clip(0, count - 1)
    first = np.minimum(position.astype(np.intp), max(count - 2, 0))
    return first, position - first
