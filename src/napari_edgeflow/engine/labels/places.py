"""Where labels are: how many pixels each has, and the tiles that hold them."""

from collections.abc import Collection, Iterator, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window

_TILE = 512
"""Side of the tiles: one takes a millisecond or so to be changed."""

_ROWS_OF = 1 << 20
"""How many pixels are counted at a time; numpy lets no other thread run meanwhile."""


def count_labels(labels: NDArray[np.integer]) -> dict[int, int]:
    """Return how many pixels have each label that occurs in (…, H, W) labels."""
    counts: dict[int, int] = {}
    flat = labels.reshape(-1, labels.shape[-1]) if labels.size else labels
    rows = max(_ROWS_OF // max(labels.shape[-1], 1), 1)
    for top in range(0, len(flat), rows):
        values, found = _count(flat[top : top + rows])
        for value, count in zip(values.tolist(), found.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + count
    return counts


def _count(
    labels: NDArray[np.integer],
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the labels that occur, and how often."""
    if labels.dtype not in (np.uint8, np.uint16):
        return np.unique(labels, return_counts=True)
    # Ten times as fast, where there are few values.
    counts = np.bincount(labels.ravel())
    values = np.flatnonzero(counts)
    return values, counts[values]


def tiles_with(
    labels: NDArray[np.integer], values: Collection[int]
) -> Iterator[tuple[tuple[int, ...], Window]]:
    """Find the tiles in which labels occur, in (…, H, W) integer labels.

    Yields
    ------
    tuple of int
        The place of the plane along the leading axes.
    Window
        The tile of the plane.
    """
    height, width = labels.shape[-2:]
    wanted = np.array(sorted(values), np.int64)
    for place in np.ndindex(labels.shape[:-2]):
        corners = product(range(0, height, _TILE), range(0, width, _TILE))
        for top, left in corners:
            bottom, right = min(top + _TILE, height), min(left + _TILE, width)
            window = Window(top, left, bottom, right)
            # A copy: a person may paint meanwhile, which isin does not bear.
            if np.isin(np.array(labels[place][window.slices]), wanted).any():
                yield place, window


def exchanged(
    labels: NDArray[np.integer], new: Mapping[int, int]
) -> NDArray[np.integer]:
    """Return labels with other values; those that have none become 0."""
    values, places = np.unique(labels, return_inverse=True)
    table = np.array([new.get(value, 0) for value in values.tolist()], np.int64)
    result: NDArray[np.integer] = table[places].reshape(labels.shape)
    return result
