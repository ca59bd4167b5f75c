"""A mask in a window of an image."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window


@dataclass(frozen=True, slots=True, eq=False)
class MaskPart:
    """A mask that is empty outside of a window.

    Parameters
    ----------
    window : Window
        Where ``mask`` lies in the image.
    mask : ndarray
        (h, w) bool.
    """

    window: Window
    mask: NDArray[np.bool_] = field(repr=False)

    def tight(self) -> "MaskPart | None":
        """Return the same mask in the smallest window; None if it is empty.

        Nothing of the larger array is kept.
        """
        box = bounding_window(self.mask)
        if box is None:
            return None
        inside = Window(*box)
        window = inside.moved(self.window.top, self.window.left)
        return MaskPart(window, self.mask[inside.slices].copy())

    def over(self, window: Window) -> "MaskPart":
        """Return the same mask in a copy over another window that holds this one."""
        mask = np.zeros((window.height, window.width), np.bool_)
        mask[self.window.within(window)] = self.mask
        return MaskPart(window, mask)

    def iou(self, other: "MaskPart") -> float:
        """Return how much of both is common to both; 1 for two empty masks."""
        window = self.window.union(other.window)
        mine, theirs = self.over(window).mask, other.over(window).mask
        either = int((mine | theirs).sum())
        return int((mine & theirs).sum()) / either if either else 1.0
