"""An object that is there already, to be corrected by clicks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.widgets.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels

_SAME = 0.99
"""IoU from which two masks count as the same: devices differ a little."""


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """An object in a Labels layer that clicks start from and replace.

    Parameters
    ----------
    target : Labels or None
        The layer it is in; None if that is gone.
    plane : Plane
        The plane of the layer that it is in.
    mask : ndarray
        (H, W) bool, all of the plane.
    window : Window
        The part of the plane with all of the mask in it.
    value : int
        Its value in the layer: the id of its class or its own.
    """

    target: "Labels | None"
    plane: Plane
    mask: NDArray[np.bool_]
    window: Window
    value: int

    @classmethod
    def of_mask(
        cls, target: "Labels", plane: Plane, mask: NDArray[np.bool_]
    ) -> "Refinement":
        """Return the object that a mask (H, W) marks in a plane of a layer.

        Raises
        ------
        ValueError
            If the mask is empty or does not fit the layer.
        """
        sides = tuple(target.data.shape[axis] for axis in plane.axes)
        if mask.shape != sides:
            raise ValueError(
                f"the mask has shape {mask.shape}, the plane of {target.name!r} "
                f"{sides}: choose the labels of this image"
            )
        window = bounding_window(mask)
        if window is None:
            raise ValueError("there is no object to refine: click on a label")
        values = plane.read(target.data, window)
        return cls(target, plane, mask, window, int(values[mask[window.slices]][0]))

    @property
    def part(self) -> MaskPart:
        """The mask in its window."""
        return MaskPart(self.window, self.mask[self.window.slices])

    def still_is(self, part: MaskPart | None) -> bool:
        """Return whether a mask is that of the object, but for a few pixels."""
        return part is not None and part.iou(self.part) >= _SAME

    @property
    def cut_out(self) -> NDArray[np.bool_]:
        """The mask in the window."""
        return self.mask[self.window.slices]

    def still_there(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window the object still has in its layer."""
        if self.target is None:
            return np.zeros((window.height, window.width), np.bool_)
        present = self.plane.read(self.target.data, window)
        there: NDArray[np.bool_] = self.mask[window.slices] & (present == self.value)
        return there
