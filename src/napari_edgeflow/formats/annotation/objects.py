"""The objects of an image: their pixels, and their outlines as they were drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.geometry import fitted
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize, trace


@dataclass(frozen=True, slots=True, eq=False)
class LabelledObject:
    """One object of an image.

    Parameters
    ----------
    id : int
        1 or more, its value in an image of objects.
    class_id : int
        The id of its class.
    region : MaskPart
        Its pixels, at least one, in the smallest window.
    drawn : tuple of Polygon
        Its outline where it came as polygons; they agree with the region.
    is_crowd : bool
        Whether it stands for a group of objects, as COCO's iscrowd.
    """

    id: int
    class_id: int
    region: MaskPart
    drawn: tuple[Polygon, ...] = ()
    is_crowd: bool = False

    @classmethod
    def from_mask(
        cls, object_id: int, class_id: int, mask: NDArray[np.bool_]
    ) -> "LabelledObject":
        """Return the object of a mask (H, W) of the image.

        Raises
        ------
        ValueError
            If the mask is empty.
        """
        return cls(object_id, class_id, _tight(MaskPart.whole(mask)))

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
        window = self.region.window
        outlines = trace(self.region.mask)
        return tuple(part.moved(window.top, window.left) for part in outlines)


def _tight(part: MaskPart) -> MaskPart:
    tight = part.tight()
    if tight is None:
        raise ValueError("an object has no pixel: leave it out")
    return tight


def _region_of(drawn: tuple[Polygon, ...], shape: tuple[int, int]) -> MaskPart:
    if not drawn:
        raise ValueError("an object has no outline: leave it out")
    low = np.floor(np.min([part.exterior.min(0) for part in drawn], 0))
    high = np.ceil(np.max([part.exterior.max(0) for part in drawn], 0))
    (top, left), (bottom, right) = low.astype(int).tolist(), high.astype(int).tolist()
    bottom, right = min(bottom, shape[0]), min(right, shape[1])
    moved = [part.moved(-top, -left) for part in drawn]
    around = Window(top, left, bottom, right)
    mask = rasterize(moved, (around.height, around.width))
    return _tight(MaskPart(around, mask))
