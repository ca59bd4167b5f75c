"""Masks made tidy: components, holes, outline, size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.masks import components, components_by_size

_TILE = 128
"""Side of what is worked on at a time; most of a large mask has no outline in it."""

_BLUR_REACH = 2.5
"""How far blurring looks, in units of its radius."""


@dataclass(frozen=True, slots=True)
class TidySettings:
    """What is done to a mask, in this order; nothing by default.

    Parameters
    ----------
    fill_holes : bool
        Whether holes become part of it.
    smooth : float
        How far the outline is smoothed, in pixels.
    grow : int
        By how many pixels it grows; it shrinks if negative.
    min_area : int
        Components of fewer pixels go.
    largest : bool
        Whether only its largest component stays.

    Raises
    ------
    ValueError
        If a length or area is negative.
    """

    fill_holes: bool = False
    smooth: float = 0.0
    grow: int = 0
    min_area: int = 0
    largest: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.smooth < 0 or self.min_area < 0:
            raise ValueError(
                f"smoothing by {self.smooth:g} pixels, parts of {self.min_area} "
                "pixels: use 0 or more"
            )

    @property
    def is_off(self) -> bool:
        """Whether nothing is done."""
        return self == TidySettings()


def tidied(
    part: MaskPart, settings: TidySettings, shape: tuple[int, int]
) -> MaskPart | None:
    """Return a mask made tidy, in the smallest window; None if nothing is left.

    Only the window of the mask is worked on. What touches the border of the image is
    taken to go on beyond it.
    """
    if settings.is_off:
        return part.tight()
    room = max(settings.grow, 0) + 1
    part = part.over(_widened(part.window, room, shape))
    mask = part.mask
    if settings.fill_holes:
        mask = without_holes(mask)
    if settings.smooth > 0:
        mask = smoothed(mask, settings.smooth)
    if settings.grow:
        mask = _grown(mask, settings.grow)
    if settings.min_area > 1:
        mask = without_small_components(mask, settings.min_area)
    if settings.largest:
        mask = components_by_size(mask) == 1
    return MaskPart(part.window, mask).tight()


def without_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask (h, w) without holes; what is open to the border is none."""
    holes, count = ndimage.label(~mask)
    is_open = np.zeros(count + 1, np.bool_)
    for border in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        is_open[border] = True
    # Label 0 is the mask itself.
    is_open[0] = False
    return ~is_open[holes]


def smoothed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return a mask (h, w) with a smoother outline.

    What is thinner or smaller than about the radius, in pixels, is lost.
    """

    def smooth(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
        blurred = ndimage.gaussian_filter(
            part.astype(np.float32), radius, truncate=_BLUR_REACH
        )
        result: NDArray[np.bool_] = blurred >= 0.5
        return result

    return _near_outline(mask, int(np.ceil(_BLUR_REACH * radius)) + 1, smooth)


def _grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return a mask (h, w) grown by a number of pixels, or shrunk if negative."""

    def grow(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
        outwards = pixels >= 0
        distances = ndimage.distance_transform_edt(~part if outwards else part)
        result: NDArray[np.bool_] = (
            distances <= pixels if outwards else distances > -pixels
        )
        return result

    return _near_outline(mask, abs(pixels) + 1, grow)


def _near_outline(
    mask: NDArray[np.bool_],
    reach: int,
    change: Callable[[NDArray[np.bool_]], NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Return a mask (h, w) changed tile by tile, where it is not all one value.

    Parameters
    ----------
    mask : ndarray
        (h, w) bool; it is taken to go on beyond its border as it is there.
    reach : int
        How far away pixels have a say in what becomes of one.
    change : callable
        Takes a tile with ``reach`` pixels more on each side, and returns the same.
    """
    padded, result = np.pad(mask, reach, mode="edge"), mask.copy()
    for top in range(0, mask.shape[0], _TILE):
        for left in range(0, mask.shape[1], _TILE):
            tile = result[top : top + _TILE, left : left + _TILE]
            height, width = tile.shape
            part = padded[
                top : top + height + 2 * reach, left : left + width + 2 * reach
            ]
            if part.any() and not part.all():
                tile[:] = change(part)[reach : reach + height, reach : reach + width]
    return result


def without_small_components(mask: NDArray[np.bool_], area: int) -> NDArray[np.bool_]:
    """Return a mask (h, w) without its components of fewer pixels than ``area``."""
    found = components(mask)
    keep = np.bincount(found.ravel()) >= area
    keep[0] = False
    result: NDArray[np.bool_] = keep[found]
    return result


def _widened(window: Window, room: int, shape: tuple[int, int]) -> Window:
    return Window(
        max(window.top - room, 0),
        max(window.left - room, 0),
        min(window.bottom + room, shape[0]),
        min(window.right + room, shape[1]),
    )
