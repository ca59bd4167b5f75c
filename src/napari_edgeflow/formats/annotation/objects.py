"""The objects of an image: their pixels, and their outlines as they were drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.engine.raster.outlines.geometry import fitted
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize, trace


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The pixels of an object, cropped to the smallest window.

    Parameters
    ----------
    top, left : int
        Position of the crop in the image.
    mask : ndarray
        (h, w) bool; each of its edges has a pixel of the object.
    """

    top: int
    left: int
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, mask: NDArray[np.bool_], top: int = 0, left: int = 0) -> "Region":
        """Return the region of a mask that lies at ``top`` and ``left``.

        Raises
        ------
        ValueError
            If the mask is empty.
        """
        window = bounding_window(mask)
        if window is None:
            raise ValueError("an object has no pixel: leave it out")
        crop = mask[window[0] : window[2], window[1] : window[3]]
        return cls(top + window[0], left + window[1], crop.astype(np.bool_))

    @property
    def window(self) -> Window:
        """The window of the image that the crop covers."""
        height, width = self.mask.shape
        return Window(self.top, self.left, self.top + height, self.left + width)

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return int(np.count_nonzero(self.mask))

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask in an image of ``shape``: (H, W) bool."""
        result = np.zeros(shape, np.bool_)
        result[self.window.slices] = self.mask
        return result


@dataclass(frozen=True, slots=True, eq=False)
class LabelledObject:
    """One object of an image.

    Parameters
    ----------
    id : int
        1 or more, its value in an image of objects.
    class_id : int
        The id of its class.
    region : Region
        Its pixels.
    drawn : tuple of Polygon
        Its outline where it came as polygons; they agree with the region.
    is_crowd : bool
        Whether it stands for a group of objects, as COCO's iscrowd.
    """

    id: int
    class_id: int
    region: Region
    drawn: tuple[Polygon, ...] = ()
    is_crowd: bool = False

    @classmethod
    def from_polygons(
        cls,
        object_id: int,
        class_id: int,
        polygons: Iterable[Polygon],
        shape: tuple[int, int],
    ) -> "LabelledObject":
        """Return the object of polygons, repaired and clipped to the image.

        Parameters
        ----------
        object_id, class_id : int
            See the class.
        polygons : iterable of Polygon
            The parts of the object.
        shape : tuple of int
            (H, W) of the image.

        Raises
        ------
        ValueError
            If a polygon cannot be repaired, or none holds the centre of a pixel.
        """
        drawn = tuple(part for whole in polygons for part in fitted(whole, shape))
        return cls(object_id, class_id, _region_of(drawn, shape), drawn)

    def polygons(self) -> tuple[Polygon, ...]:
        """Return the outline as it was drawn, else along the edges of the pixels."""
        if self.drawn:
            return self.drawn
        top, left = self.region.top, self.region.left
        return tuple(part.moved(top, left) for part in trace(self.region.mask))


def _region_of(drawn: tuple[Polygon, ...], shape: tuple[int, int]) -> Region:
    if not drawn:
        raise ValueError("an object has no outline: leave it out")
    low = np.floor(np.min([part.exterior.min(0) for part in drawn], 0))
    high = np.ceil(np.max([part.exterior.max(0) for part in drawn], 0))
    (top, left), (bottom, right) = low.astype(int).tolist(), high.astype(int).tolist()
    bottom, right = min(bottom, shape[0]), min(right, shape[1])
    moved = [part.moved(-top, -left) for part in drawn]
    return Region.of(rasterize(moved, (bottom - top, right - left)), top, left)
