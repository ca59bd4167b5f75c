"""What is done with class labels after the network: filters, objects, figures."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.masks import components

ClassLabels = NDArray[np.unsignedinteger]
"""(…, H, W) class ids; 0 is the background."""

_BLOCK = 1 << 20
"""Pixels that are counted at a time: bounds the memory on large stacks."""


class ObjectRegion(NamedTuple):
    """One connected component of a class."""

    object_id: int
    class_id: int
    pixels: int


class ClassShare(NamedTuple):
    """How much of an image belongs to a class."""

    class_id: int
    pixels: int
    percent: float
    confidence: float


def keep_classes(labels: ClassLabels, ids: Collection[int]) -> ClassLabels:
    """Return labels (H, W), of the same type, in which all other classes are 0."""
    highest = int(labels.max(initial=0))
    table = np.zeros(highest + 1, labels.dtype)
    kept = [class_id for class_id in ids if 0 < class_id <= highest]
    table[kept] = kept
    result: ClassLabels = table[labels]
    return result


def remove_small(labels: ClassLabels, minimum_pixels: int) -> ClassLabels:
    """Return labels (H, W), of the same type, without small components.

    Connected components of a class with fewer pixels become background.
    """
    if minimum_pixels <= 1:
        return labels
    found = components(labels)
    small = np.bincount(found.ravel()) < minimum_pixels
    result = labels.copy()
    result[small[found]] = 0
    return result


def objects_of(labels: ClassLabels) -> tuple[NDArray[np.int32], list[ObjectRegion]]:
    """Return the connected components of each class as objects.

    Parameters
    ----------
    labels : ndarray
        (H, W) unsigned class ids, 0 for background.

    Returns
    -------
    ids : ndarray
        (H, W) int32 object ids from 1 on, 0 for background. Components of different
        classes that touch are different objects.
    objects : list of ObjectRegion
        One for each id, in their order.
    """
    ids = components(labels)
    pixels = np.bincount(ids.ravel())
    classes = np.zeros(len(pixels), labels.dtype)
    classes[ids.ravel()] = labels.ravel()
    objects = [
        ObjectRegion(i, int(classes[i]), int(pixels[i])) for i in range(1, len(pixels))
    ]
    return ids, objects


def component_at(
    labels: NDArray[np.integer], position: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return (H, W) bool: the connected pixels with the label of a pixel (y, x)."""
    found = components(labels == labels[position])
    mask: NDArray[np.bool_] = found == found[position]
    return mask


def class_summary(
    labels: ClassLabels, confidence: NDArray[np.float32]
) -> list[ClassShare]:
    """Return how much of an image or stack each class takes, the largest first.

    Parameters
    ----------
    labels : ndarray
        Unsigned class ids of any shape; background is a class of its own here.
    confidence : ndarray
        Of the same shape, the probability of each label.

    Returns
    -------
    list of ClassShare
        One for each id that occurs; the percents add up to 100.
    """
    highest = int(labels.max(initial=0))
    pixels, sums = np.zeros(highest + 1, np.int64), np.zeros(highest + 1)
    flat, weights = labels.reshape(-1), confidence.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        pixels += np.bincount(flat[block], minlength=highest + 1)
        sums += np.bincount(flat[block], weights[block], highest + 1)
    shares = [
        ClassShare(
            int(i),
            int(pixels[i]),
            float(100 * pixels[i] / flat.size),
            float(sums[i] / pixels[i]),
        )
        for i in np.flatnonzero(pixels)
    ]
    return sorted(shares, key=lambda share: share.pixels, reverse=True)
