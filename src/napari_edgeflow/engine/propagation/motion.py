"""Where the pixels of an object are in the next slice of a stack."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from napari_edgeflow.engine.raster.image import ImageReader, Window, resize_mask
from napari_edgeflow.engine.raster.masks import bounding_window

_RIM = 3
"""Pixels around the object that are compared too: they hold its edge."""

_SIDE = 96
"""Longest side in pixels at which an object is compared; larger ones are reduced."""

_REACH = (12, 0.25)
"""How far an object is looked for: pixels, and a share of its longer side."""

_LEAST_INSIDE = 0.4
"""Share of the object's pixels that lie inside the image at least."""

_SURPRISE = 0.15
"""How much more alike a place must be that is as far from where the object is expected
as it is looked for: of two twins the nearer one is taken."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A movement in pixels, and how alike the object is there.

    Parameters
    ----------
    y, x : int
        Down and right.
    likeness : float
        Correlation of the object's pixels: 1 where they differ in brightness and
        contrast only, 0 where they have nothing in common.
    """

    y: int = 0
    x: int = 0
    likeness: float = 1.0


def find_shift(
    before: ImageReader,
    mask: NDArray[np.bool_],
    after: ImageReader,
    expected: Shift | None = None,
) -> Shift:
    """Return how an object moved from one slice to the next.

    Parameters
    ----------
    before, after : ImageReader
        The slices, of one shape.
    mask : ndarray
        (H, W) bool, the object in ``before``.
    expected : Shift, optional
        How it moved before.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    box = bounding_window(mask)
    if box is None:
        raise ValueError("there is no object to follow: give a mask with pixels")
    longest = max(box.height, box.width)
    factor = max(1.0, longest / _SIDE)
    margin = round(_RIM * factor)
    held = _widened(box, margin, margin)
    shape = round(held.height / factor), round(held.width / factor)
    reach = round((_REACH[0] + _REACH[1] * longest) / factor)
    template, there = _read(before, held, shape)
    inside = ndimage.binary_dilation(_read_mask(mask, held, shape), iterations=_RIM)
    # How many pixels one of the template's stands for.
    pace = held.height / shape[0], held.width / shape[1]
    searched = _widened(held, round(reach * pace[0]), round(reach * pace[1]))
    sides = shape[0] + 2 * reach, shape[1] + 2 * reach
    likeness = masked_correlation(
        template, inside & there, *_read(after, searched, sides)
    )
    y, x = np.indices(likeness.shape) - reach
    aim = (0, 0) if expected is None else (expected.y, expected.x)
    away = np.hypot(y - aim[0] / pace[0], x - aim[1] / pace[1]) / reach
    best = int(np.argmax(likeness - _SURPRISE * away**2))
    return Shift(
        round(int(y.flat[best]) * pace[0]),
        round(int(x.flat[best]) * pace[1]),
        float(likeness.flat[best]),
    )


def shifted(mask: NDArray[np.bool_], y: int, x: int) -> NDArray[np.bool_]:
    """Return a mask moved down by y and right by x; what leaves the image is gone."""
    result = np.zeros_like(mask)
    part = mask[_kept(-y, mask.shape[0]), _kept(-x, mask.shape[1])]
    result[_kept(y, mask.shape[0]), _kept(x, mask.shape[1])] = part
    return result


def masked_correlation(
    template: NDArray[np.float64],
    inside: NDArray[np.bool_],
    image: NDArray[np.float64],
    valid: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return how alike a template and each place of an image are.

    The masked normalized cross-correlation of Padfield ("Masked Object Registration in
    the Fourier Domain", 2012), over all channels together.

    Parameters
    ----------
    template : ndarray
        (h, w, C) float64.
    inside : ndarray
        (h, w) bool, which pixels of it count.
    image : ndarray
        (H, W, C) float64.
    valid : ndarray
        (H, W) bool, which pixels of it there are; the others are 0.

    Returns
    -------
    ndarray
        (H - h + 1, W - w + 1) float64 from -1 to 1; -1 where less than two fifths of
        the template meet the image.
    """
    count: NDArray[np.float64] = np.maximum(_sums(valid, inside), 1)
    both = np.zeros_like(count)
    own, other = np.zeros_like(count), np.zeros_like(count)
    for channel in range(template.shape[2]):
        # Without the mean, sums of squares lose no digits.
        known = template[..., channel] - template[inside, channel].mean()
        seen = image[..., channel] - image[valid, channel].mean()
        known[~inside], seen[~valid] = 0, 0
        of_known, of_seen = _sums(valid, known), _sums(seen, inside)
        both += _sums(seen, known) - of_known * of_seen / count
        own += _sums(valid, known**2) - of_known**2 / count
        other += _sums(seen**2, inside) - of_seen**2 / count
    norm = np.sqrt(np.maximum(own, 0) * np.maximum(other, 0))
    likeness: NDArray[np.float64] = (both / np.maximum(norm, 1)).clip(-1, 1)
    likeness[count < _LEAST_INSIDE * int(inside.sum())] = -1
    return likeness


def _sums(values: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return the weighted sum of the values at each place of the weights."""
    return np.asarray(
        signal.correlate(
            values.astype(np.float64), weights.astype(np.float64), "valid", "fft"
        ),
        np.float64,
    )


def _read(
    image: ImageReader, window: Window, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a window that may stick out of the image, and where the image is in it."""
    pixels = np.zeros((*shape, 3))
    valid = np.zeros(shape, np.bool_)
    part, place = _inside(window, shape, image.shape)
    sides = pixels[place].shape[:2]
    if min(sides) > 0:
        pixels[place] = image.read(part, sides)
        valid[place] = True
    return pixels, valid


def _read_mask(
    mask: NDArray[np.bool_], window: Window, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    result = np.zeros(shape, np.bool_)
    part, place = _inside(window, shape, mask.shape)
    result[place] = resize_mask(mask, part, result[place].shape)
    return result


def _inside(
    window: Window, shape: tuple[int, int], sides: tuple[int, ...]
) -> tuple[Window, tuple[slice, slice]]:
    """Return the part of a window in the image, and its place in an array of it."""
    part = window.intersection(Window(0, 0, sides[0], sides[1]))
    tall, wide = shape[0] / window.height, shape[1] / window.width
    return part, (
        slice(
            round((part.top - window.top) * tall),
            round((part.bottom - window.top) * tall),
        ),
        slice(
            round((part.left - window.left) * wide),
            round((part.right - window.left) * wide),
        ),
    )


def _kept(step: int, size: int) -> slice:
    """Return the places of an axis that are still in it after a step."""
    return slice(min(max(step, 0), size), max(min(size + step, size), 0))


def _widened(window: Window, tall: int, wide: int) -> Window:
    return Window(
        window.top - tall, window.left - wide, window.bottom + tall, window.right + wide
    )
