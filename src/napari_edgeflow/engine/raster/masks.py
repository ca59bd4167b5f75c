"""Masks: their edges, windows and components."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from napari_edgeflow.engine.raster.image import Window


def signed_edge(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the edge of a mask, two pixels wide, with its sides told apart.

    EdgeFlow feeds back a plain edge. With the sign a small network sees at once
    on which side the object lies and need not work it out from far away.

    Parameters
    ----------
    mask : ndarray
        (H, W) bool.

    Returns
    -------
    ndarray
        (H, W) float32: 1 on the object's rim, -1 just outside it, 0 elsewhere.
    """
    near = np.zeros(mask.shape, np.bool_)
    for before, after in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        change = mask[before] != mask[after]
        near[before] |= change
        near[after] |= change
    sides = mask.astype(np.float32) * 2 - 1
    return near * sides


def bounding_window(mask: NDArray[np.bool_]) -> Window | None:
    """Return the smallest window around a mask (H, W); None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return Window(top, left, int(rows[-1]) + 1, int(columns[-1]) + 1)


def components(labels: NDArray[np.integer] | NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the connected components of a mask, or of each value of labels.

    Parameters
    ----------
    labels : ndarray
        bool or integer, of any number of axes; 0 is outside. Pixels that touch at a
        corner belong together, so that a thin diagonal line is one component.

    Returns
    -------
    ndarray
        int32, numbered from 1 on in the order of their first pixels, 0 outside.
    """
    if labels.dtype == np.bool_:
        # The same, without the third of a second that scikit-image takes to load.
        found, _ = ndimage.label(labels, np.ones((3,) * labels.ndim))
    else:
        found = measure.label(labels)  # type: ignore[no-untyped-call]
    result: NDArray[np.int32] = found.astype(np.int32, copy=False)
    return result


def components_by_size(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Do :func:`components` for a mask, but number the largest 1."""
    found = components(mask)
    sizes = np.bincount(found.ravel())
    ranks = np.zeros(len(sizes), np.int32)
    ranks[1 + np.argsort(-sizes[1:], kind="stable")] = np.arange(1, len(sizes))
    ranked: NDArray[np.int32] = ranks[found]
    return ranked


def disturbed(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a plausible wrong version of a mask, as another model might give it.

    Parameters
    ----------
    mask : ndarray
        (H, W) bool.
    rng : Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray
        (H, W) bool: grown or shrunk, and with a blob added or taken away.
    """
    steps = int(rng.integers(1, 5))
    change = ndimage.binary_dilation if rng.random() < 0.5 else ndimage.binary_erosion
    result: NDArray[np.bool_] = change(mask, iterations=steps)
    height, width = mask.shape
    ys, xs = np.ogrid[:height, :width]
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        radii = rng.uniform(0.05, 0.3, 2) * (height, width)
        blob = ((ys - y) / radii[0]) ** 2 + ((xs - x) / radii[1]) ** 2 < 1
        result = result & ~blob if rng.random() < 0.5 else result | blob
    return result
