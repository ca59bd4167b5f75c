"""Clicks: what a person says about an object, and how a machine would say it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.raster.masks import bounding_window

DISK_RADIUS = 5
"""Radius in network pixels of the disk that stands for a click, as in EdgeFlow."""


@dataclass(frozen=True, slots=True)
class Click:
    """One click.

    Parameters
    ----------
    y, x : float
        Position in pixels of the image; pixel (0, 0) is centred on (0, 0).
    positive : bool
        True if the point is part of the object.
    """

    y: float
    x: float
    positive: bool = True


def disk_maps(
    clicks: Iterable[Click], shape: tuple[int, int], radius: float = DISK_RADIUS
) -> NDArray[np.float32]:
    """Draw clicks as filled disks, one map for each sign.

    Parameters
    ----------
    clicks : iterable of Click
        Positions in pixels of the map.
    shape : tuple of int
        Height and width of the map.
    radius : float
        Of the disks, in pixels.

    Returns
    -------
    ndarray
        (2, H, W) float32, 0 or 1: positive clicks, negative clicks.
    """
    maps = np.zeros((2, *shape), np.float32)
    height, width = shape
    for click in clicks:
        top, bottom = _clip(click.y - radius, click.y + radius, height)
        left, right = _clip(click.x - radius, click.x + radius, width)
        ys = np.arange(top, bottom)[:, None] - click.y
        xs = np.arange(left, right)[None, :] - click.x
        inside = ys * ys + xs * xs <= radius * radius
        maps[0 if click.positive else 1, top:bottom, left:right][inside] = 1.0
    return maps


def _clip(low: float, high: float, size: int) -> tuple[int, int]:
    """Return the whole pixels between two positions, within 0..size."""
    start = min(max(int(np.ceil(low)), 0), size)
    return start, min(max(int(np.floor(high)) + 1, start), size)


def depth(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each pixel's distance to the outside of ``region``, in pixels.

    The image's border counts as outside, as in the NoC protocol of RITM
    (Sofiiuk et al., "Reviving Iterative Training with Mask Guidance", 2021).

    Parameters
    ----------
    region : ndarray
        (H, W) bool.

    Returns
    -------
    ndarray
        (H, W) float64; 0 outside the region.
    """
    distances = np.zeros(region.shape)
    box = bounding_window(region)
    if box is not None:
        # Only the region's bounding box is transformed: errors are often small.
        padded = np.pad(region[box.slices], 1)
        distances[box.slices] = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    return distances


def next_click(
    mask: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_] | None = None,
    clicks: Iterable[Click] = (),
) -> Click | None:
    """Return the click a careful person would make next.

    It goes to the point farthest inside the largest error region; "largest" by
    that distance, as in RITM's protocol.

    Parameters
    ----------
    mask : ndarray
        (H, W) bool, the result so far.
    truth : ndarray
        (H, W) bool, the object.
    valid : ndarray, optional
        (H, W) bool, False where errors do not count.
    clicks : iterable of Click
        Earlier clicks; the same pixel is not clicked twice.

    Returns
    -------
    Click or None
        None if there is nothing left to correct.
    """
    counts = np.ones(mask.shape, np.bool_) if valid is None else valid
    missed = depth(truth & ~mask & counts)
    extra = depth(mask & ~truth & counts)
    for click in clicks:
        missed[round(click.y), round(click.x)] = 0
        extra[round(click.y), round(click.x)] = 0
    positive = bool(missed.max(initial=0) >= extra.max(initial=0))
    distances = missed if positive else extra
    if distances.max(initial=0) <= 0:
        return None
    y, x = np.unravel_index(int(distances.argmax()), distances.shape)
    return Click(float(y), float(x), positive)


def random_click(
    region: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    positive: bool,
    inner: float = 0.5,
) -> Click | None:
    """Return a random click well inside ``region``.

    Parameters
    ----------
    region : ndarray
        (H, W) bool.
    rng : Generator
        Where the randomness comes from.
    positive : bool
        Sign of the click.
    inner : float
        Only points at least this fraction of the greatest depth are taken; 1 is the
        deepest point.

    Returns
    -------
    Click or None
        None if the region is empty.
    """
    distances = depth(region)
    deepest = distances.max(initial=0)
    if deepest <= 0:
        return None
    candidates = np.flatnonzero(distances >= inner * deepest)
    y, x = np.unravel_index(int(rng.choice(candidates)), region.shape)
    return Click(float(y), float(x), positive)
