"""The outline of an object as a person edits it: plain rings, some of them holes.

Drawing programs know no polygons with holes. Here each ring is a shape of its own, and
shapes are painted from the largest to the smallest: a part adds its pixels, a hole
takes them away. So a part in a hole of another part stays, as maps have islands in
lakes, and rings may overlap while they are edited.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.engine.raster.outlines.geometry import (
    area,
    crosses_itself,
    fitted,
    simplified,
)
from napari_edgeflow.engine.raster.outlines.polygons import (
    Polygon,
    Ring,
    rasterize,
    trace,
)

TOLERANCE = 1.0
"""Pixels an outline may move at first: it straightens the stairs of slanted edges."""

_MOST_VERTICES = 600
"""More than a person wants to look through; a larger tolerance is offered then."""

_ELLIPSE = 48
"""Vertices of an ellipse."""

_TOLERANCES = (TOLERANCE, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class OutlineShape:
    """One ring of an outline.

    Parameters
    ----------
    ring : ndarray
        (N, 2) float64; see
        :data:`~napari_edgeflow.engine.raster.outlines.polygons.Ring`.
    is_hole : bool
        Whether it takes pixels away.
    """

    ring: Ring
    is_hole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The shapes of an object, and what they cost.

    Parameters
    ----------
    shapes : tuple of OutlineShape
        The parts and holes.
    tolerance : float
        How many pixels an outline may have moved.
    overlap : float
        IoU of what the shapes enclose and the object.
    """

    shapes: tuple[OutlineShape, ...]
    tolerance: float
    overlap: float

    @property
    def vertices(self) -> int:
        """How many vertices all shapes have."""
        return sum(len(shape.ring) for shape in self.shapes)


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """What the shapes of an outline enclose.

    Parameters
    ----------
    part : MaskPart
        The pixels, at least one, in the smallest window.
    repairs : tuple of str
        What was wrong with the shapes and how it was understood, as sentences.
    """

    part: MaskPart
    repairs: tuple[str, ...] = ()


def outline_of(mask: NDArray[np.bool_], tolerance: float | None = None) -> Outline:
    """Return the shapes that run around a mask.

    Parameters
    ----------
    mask : ndarray
        (H, W) bool.
    tolerance : float, optional
        How many pixels an outline may move for fewer vertices; 0 gives back exactly
        the mask. Default: 1, or more for outlines of very many vertices.

    Raises
    ------
    ValueError
        If the mask is empty or the tolerance is negative.
    """
    window = bounding_window(mask)
    if window is None:
        raise ValueError("the object has no pixels here: choose another one")
    part = mask[window.slices]
    traced = trace(part)
    tolerances = _TOLERANCES if tolerance is None else (tolerance,)
    for chosen in tolerances:
        polygons = [simplified(polygon, chosen) for polygon in traced]
        if sum(polygon.vertices for polygon in polygons) <= _MOST_VERTICES:
            break
    shapes = tuple(_shapes(polygons))
    overlap = _overlap(shapes, part) if chosen else 1.0
    return Outline(moved(shapes, window.top, window.left), chosen, overlap)


def fill(shapes: Sequence[OutlineShape], shape: tuple[int, int]) -> Filled:
    """Return the pixels that an outline encloses.

    Parameters
    ----------
    shapes : sequence of OutlineShape
        They may cross themselves and each other, and stick out of the image.
    shape : tuple of int
        (H, W) of the image.

    Raises
    ------
    ValueError
        If there is no part, if a shape has no area inside the image, or if no pixel
        is left.
    """
    if all(one.is_hole for one in shapes):
        raise ValueError(
            "the outline has no part left: draw a polygon, or cancel and delete the "
            "object"
        )
    sound = [(fitted(Polygon(one.ring), shape), one.is_hole) for one in shapes]
    sound.sort(key=lambda one: (-area(one[0]), one[1]))
    around = _window(polygon for polygons, _ in sound for polygon in polygons)
    mask = np.zeros((around.height, around.width), np.bool_)
    for polygons, is_hole in sound:
        for polygon in polygons:
            _paint(mask, polygon.moved(-around.top, -around.left), not is_hole)
    part = MaskPart(around, mask).tight()
    if part is None:
        raise ValueError(
            "the outline holds no pixel: enlarge it, or cancel and delete the object"
        )
    return Filled(part, _repairs(shapes, shape))


def refitted(
    shapes: Sequence[OutlineShape], shape: tuple[int, int], tolerance: float
) -> Outline:
    """Return an outline that was edited, with more or fewer vertices.

    Its parts and holes lie in an image of ``shape``; for the tolerance see
    :func:`outline_of`, for errors :func:`fill`.
    """
    filled = fill(shapes, shape)
    outline = outline_of(filled.part.mask, tolerance)
    window = filled.part.window
    return Outline(
        moved(outline.shapes, window.top, window.left), tolerance, outline.overlap
    )


def moved(
    shapes: Iterable[OutlineShape], y: float, x: float
) -> tuple[OutlineShape, ...]:
    """Return shapes moved down by y and right by x."""
    step = np.array((y, x))
    return tuple(OutlineShape(one.ring + step, one.is_hole) for one in shapes)


def ellipse_ring(corners: NDArray[np.float64]) -> Ring:
    """Return an ellipse as a ring, given by the (4, 2) corners of its box."""
    centre = corners.mean(0)
    along, across = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    turns = np.linspace(0, 2 * np.pi, _ELLIPSE, endpoint=False)[:, None]
    ring: Ring = centre + np.cos(turns) * along + np.sin(turns) * across
    return ring


def _shapes(polygons: Iterable[Polygon]) -> Iterator[OutlineShape]:
    for polygon in polygons:
        yield OutlineShape(polygon.exterior)
        for hole in polygon.holes:
            yield OutlineShape(hole, is_hole=True)


def _overlap(shapes: Sequence[OutlineShape], mask: NDArray[np.bool_]) -> float:
    """Return the IoU of what shapes enclose and a mask (h, w)."""
    # A simplified sliver may hold no pixel any more.
    try:
        filled = fill(shapes, mask.shape)
    except ValueError:
        return 0.0
    return filled.part.iou(MaskPart.whole(mask))


def _paint(mask: NDArray[np.bool_], polygon: Polygon, value: bool) -> None:
    """Set the pixels in a polygon that lies inside the mask, in its window only."""
    window = _window([polygon])
    moved_there = polygon.moved(-window.top, -window.left)
    inside = rasterize([moved_there], (window.height, window.width))
    mask[window.slices][inside] = value


def _window(polygons: Iterable[Polygon]) -> Window:
    """Return the pixels around polygons."""
    rings = np.concatenate([polygon.exterior for polygon in polygons])
    top, left = np.floor(rings.min(0)).astype(int).tolist()
    bottom, right = np.ceil(rings.max(0)).astype(int).tolist()
    return Window(top, left, bottom, right)


def _repairs(shapes: Sequence[OutlineShape], shape: tuple[int, int]) -> tuple[str, ...]:
    """Return what was wrong with shapes and how it was understood."""
    repairs = []
    if any(crosses_itself(Polygon(one.ring)) for one in shapes):
        repairs.append(
            "A polygon crosses itself: what it goes round twice counts as outside."
        )
    if any((one.ring < 0).any() or (one.ring > shape).any() for one in shapes):
        repairs.append("What lies outside the image was cut off.")
    return tuple(repairs)
