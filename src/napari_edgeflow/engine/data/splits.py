"""What to train on and what to hold back."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window

FEWEST_WHOLE = 2
"""Up to so many images, parts of them are held back instead of whole ones."""


class Split(NamedTuple):
    """Numbers of the items on each side, in ascending order; none is on both.

    ``lost`` are the classes that are only among what is held back.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]
    lost: tuple[int, ...]


def split_off(
    presence: NDArray[np.bool_], share: float, seed: int, most: int | None = None
) -> Split:
    """Hold some items back, at random, such that training still sees every class.

    Parameters
    ----------
    presence : ndarray
        (items, classes) bool: which item has which class. Items without any are of
        no use and go to training.
    share : float
        How many of the items to hold back, at least one; fewer if classes would be
        lost to training.
    seed : int
        The same seed gives the same split.
    most : int, optional
        Items to hold back at most.

    Returns
    -------
    Split
        Both sides have an item with a class. If no item can be spared, the one is
        held back with which the fewest classes are lost.

    Raises
    ------
    ValueError
        If fewer than two items have a class, or the share is not between 0 and 1.
    """
    usable = np.flatnonzero(presence.any(1))
    if len(usable) < 2:
        raise ValueError(
            f"{len(usable)} of {len(presence)} parts of the images have labels: some "
            "to train on and others to validate on are needed, so label more"
        )
    if not 0 < share < 1:
        raise ValueError(f"share {share} to hold back: use a number between 0 and 1")
    order = np.random.default_rng(seed).permutation(usable)
    wanted = min(max(round(share * len(usable)), 1), most or len(usable))
    held = _spare(presence, order, wanted)
    if not held:
        counts = presence.sum(0)
        losses = (presence[order] & (counts == 1)).sum(1)
        held = [int(order[int(losses.argmin())])]
    kept = np.setdiff1d(np.arange(len(presence)), held)
    lost = presence[held].any(0) & ~presence[kept].any(0)
    return Split(
        tuple(kept.tolist()), tuple(sorted(held)), tuple(np.flatnonzero(lost).tolist())
    )


def _spare(
    presence: NDArray[np.bool_], order: NDArray[np.intp], wanted: int
) -> list[int]:
    """Return up to so many items, each of whose classes other items have too."""
    counts = presence.sum(0)
    held: list[int] = []
    for item in order.tolist():
        if len(held) == wanted:
            break
        if np.all(counts[presence[item]] > 1):
            held.append(item)
            counts = counts - presence[item]
    return held


def grid(shape: tuple[int, int], side: int) -> tuple[Window, ...]:
    """Return an image cut into ``side`` by ``side`` blocks, row by row.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    side : int
        Blocks each way; fewer where there are fewer pixels.

    Returns
    -------
    tuple of Window
        They cover the image and do not overlap; none is empty.
    """
    rows, columns = (
        np.linspace(0, length, min(side, length) + 1).round().astype(int).tolist()
        for length in shape
    )
    return tuple(
        Window(top, left, bottom, right)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    )


def same_images(paths: Sequence[Path]) -> list[list[int]]:
    """Return the numbers of the files, those of equal content together.

    An image may be there with labels of several people or classes, each as a pair of
    its own.

    Returns
    -------
    list of list of int
        In the order of the first of each.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    sizes = {path: path.stat().st_size for path in set(paths)}
    often = Counter(sizes.values())
    groups: dict[object, list[int]] = {}
    for number, path in enumerate(paths):
        # Most differ in size already, and need not be read.
        key = _digest(path) if often[sizes[path]] > 1 else path
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
