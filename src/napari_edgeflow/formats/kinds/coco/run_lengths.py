"""Masks as COCO's run lengths: how many pixels are out, in, out, …, column by column.

Tests hold both directions against pycocotools, whose own decoder trusts its input and
can end the program on damaged run lengths.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.formats.annotation.objects import check_drawable, numbers

_MOST_BITS = 60
"""Of a number; run lengths of images have far fewer."""

_FIRST = 48
"""ASCII code of six zero bits: five of a number, and one that says there are more."""


def run_lengths(
    mask: NDArray[np.bool_],
    shape: tuple[int, int] | None = None,
    corner: tuple[int, int] = (0, 0),
) -> list[int]:
    """Return the run lengths of a mask; the first is of background.

    Parameters
    ----------
    mask : ndarray
        (h, w) bool, the image or a window of it, outside of which nothing is in.
    shape : tuple of int, optional
        (H, W) of the image. Default: that of the mask.
    corner : tuple of int
        (y, x) of the mask's first pixel in the image.
    """
    height, width = shape or mask.shape
    columns = np.pad(mask.T, ((0, 0), (1, 1)))
    x, y = np.nonzero(columns[:, 1:] != columns[:, :-1])
    changes = (corner[1] + x) * height + corner[0] + y
    # A run that goes on at the top of the next column has no end there.
    places, counts = np.unique(changes, return_counts=True)
    bounds = [0, *places[counts == 1].tolist(), height * width]
    lengths: list[int] = np.diff(bounds).tolist()
    return lengths if lengths[-1] or len(lengths) == 1 else lengths[:-1]


def from_run_lengths(
    lengths: Sequence[float], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the mask (H, W) bool of run lengths.

    Raises
    ------
    ValueError
        If they do not fill the image.
    """
    counts, total = numbers(lengths), math.prod(shape)
    check_drawable(shape)
    whole = counts.ndim == 1 and bool((counts >= 0).all() and (counts % 1 == 0).all())
    if not whole or counts.sum() != total:
        raise ValueError(f"its run lengths do not add up to {total} pixels")
    values = (np.arange(len(counts)) % 2).astype(np.bool_)
    return values.repeat(counts.astype(np.int64)).reshape(shape, order="F")


def compress(lengths: Sequence[int]) -> str:
    """Return run lengths as COCO's text, five bits a character.

    From the fourth on, each is written as the difference from the one before the last.
    """
    return "".join(
        _characters(length - lengths[i - 2] if i > 2 else length)
        for i, length in enumerate(lengths)
    )


def expand(text: str) -> list[int]:
    """Return the run lengths of COCO's text.

    Raises
    ------
    ValueError
        If it holds other characters or ends in the middle of a number.
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - _FIRST
        if not 0 <= code < 64:
            raise ValueError(f"its run lengths hold {character!r}: they are damaged")
        value |= (code & 31) << shift
        shift += 5
        if shift > _MOST_BITS:
            raise ValueError("its run lengths hold a number without end: damaged?")
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("its run lengths end in the middle of a number: cut off?")
    return lengths


def _characters(value: int) -> str:
    text = ""
    while True:
        bits, value = value & 31, value >> 5
        is_last = value == (-1 if bits & 16 else 0)
        text += chr(_FIRST + bits + (0 if is_last else 32))
        if is_last:
            return text
