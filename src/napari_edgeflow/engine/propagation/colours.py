"""The colours that an object has inside, and how alike they are in two slices.

Unlike its pixels one by one they stay what they are while the object turns, grows and
changes its shape. When it has gone, the ground behind it shows in its place.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.raster.image import ImageReader, resize_mask
from napari_edgeflow.engine.raster.masks import bounding_window

_BINS = 8
"""Of each channel."""

_BLUR = 1.0
"""In bins: the same colour in other light is not another colour at once."""

_SIDE = 256
"""Longest side in pixels of what is looked at; larger objects are reduced."""


def colours_of(
    image: ImageReader, mask: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return how often an object has which colour; None for an empty mask.

    Parameters
    ----------
    image : ImageReader
        The slice.
    mask : ndarray
        (H, W) bool, the object.

    Returns
    -------
    ndarray
        (8, 8, 8) shares of its pixels by red, green and blue, blurred.
    """
    window = bounding_window(mask)
    if window is None:
        return None
    factor = min(1.0, _SIDE / max(window.height, window.width))
    height, width = (
        max(1, round(side * factor)) for side in (window.height, window.width)
    )
    part = resize_mask(mask, window, (height, width))
    pixels = image.read(window, (height, width))[part]
    # One number for each colour, by its bins.
    bins = (pixels // (256 // _BINS)).astype(np.intp) @ (_BINS**2, _BINS, 1)
    counts = np.bincount(bins, minlength=_BINS**3).reshape((_BINS,) * 3)
    shares = counts / max(len(pixels), 1)
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(
        shares, _BLUR, mode="nearest"
    )
    return blurred


def colour_likeness(
    one: NDArray[np.float64] | None, other: NDArray[np.float64] | None
) -> float:
    """Return the share of pixels that have the same colours: 0 to about 1."""
    if one is None or other is None:
        return 0.0
    return float(np.minimum(one, other).sum())
