"""The objects of an image: their pixels, and their outlines as they were drawn."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.geometry import fitted
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize, trace

MAX_OBJECT_ID = 2**32 - 1
"""The highest id of an object that label images hold."""

_MOST_PIXELS = 2**31 - 1
"""Of an image of labels: a file may say any size, and have nothing to show for it."""


def check_drawable(shape: tuple[int, int]) -> None:
    """Raise ValueError if an image (H, W) is too large for its labels to be drawn."""
    if prod(shape) > _MOST_PIXELS:
        raise ValueError(
            f"{shape[1]} x {shape[0]} pixels are more than labels can be drawn on "
            f"({_MOST_PIXELS}): is that the size of the image?"
        )


def numbers(values: Any) -> NDArray[np.float64]:
    """Return what a file says as numbers; ValueError if it is something else."""
    try:
        return np.array(values, np.float64)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"it holds what is no number ({error})") from error


def kept_parts(
    parts: Iterable[Any], outline: Callable[[Any], Polygon], shape: tuple[int, int]
) -> tuple[list[Polygon], list[str]]:
    """Return the outlines of an object's parts, and what is wrong with those left out.

    Parameters
    ----------
    parts : iterable
        As a file has them.
    outline : callable
        Makes a polygon of one; ValueError if it is none.
    shape : tuple of int
        (H, W) of the image, inside of which a part has an area.
    """
    kept, problems = list[Polygon](), list[str]()
    for part in parts:
        try:
            kept += fitted(outline(part), shape)
        except ValueError as error:
            problems.append(str(error))
    return kept, problems


def free_id(wanted: object, taken: Collection[int]) -> int:
    """Return the id that a file gives an object, else one that is not taken."""
    if isinstance(wanted, int) and 0 < wanted <= MAX_OBJECT_ID and wanted not in taken:
        return int(wanted)
    following = max(taken, default=0) + 1
    if following <= MAX_OBJECT_ID:
        return following
    return next(i for i in range(1, len(taken) + 2) if i not in taken)


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
        """Return the object of polygons, repaired and clipped to an image (H, W).

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
    check_drawable((around.height, around.width))
    mask = rasterize(moved, (around.height, around.width))
    return _tight(MaskPart(around, mask))
