"""A mask in a window of an image."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window


@dataclass(frozen=True, slots=True, eq=False)
class MaskPart:
    """A mask (h, w) bool in a window of an image, outside of which it is empty."""

    window: Window
    mask: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def whole(cls, mask: NDArray[np.bool_]) -> "MaskPart":
        """Return a mask (H, W) whose window is all of the image."""
        return cls(Window(0, 0, *mask.shape), mask)

    @property
    def pixels(self) -> int:
        """How many pixels the mask has."""
        return int(np.count_nonzero(self.mask))

    def tight(self) -> "MaskPart | None":
        """Return the same mask in the smallest window; None if it is empty.

        Nothing of the larger array is kept.
        """
        inside = bounding_window(self.mask)
        if inside is None:
            return None
        window = inside.moved(self.window.top, self.window.left)
        return MaskPart(window, self.mask[inside.slices].copy())

    def over(self, window: Window) -> "MaskPart":
        """Return the same mask in a copy over another window that holds this one."""
        mask = np.zeros((window.height, window.width), np.bool_)
        mask[self.window.within(window)] = self.mask
        return MaskPart(window, mask)

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask in an image of ``shape``: (H, W) bool."""
        return self.over(Window(0, 0, *shape)).mask

    def common(self, other: "MaskPart") -> int:
        """Return how many pixels are in both."""
        if not self.window.meets(other.window):
            return 0
        both = self.window.intersection(other.window)
        mine, theirs = (x.mask[both.within(x.window)] for x in (self, other))
        return int(np.count_nonzero(mine & theirs))

    def iou(self, other: "MaskPart") -> float:
        """Return how much of both is common to both; 1 for two empty masks."""
        common = self.common(other)
        either = self.pixels + other.pixels - common
        return common / either if either else 1.0
