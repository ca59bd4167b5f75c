"""What is done to polygons as shapes: repaired, clipped, simplified, grown.

The geometry is shapely's, which has GEOS inside.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.outlines.polygons import Polygon, Ring

_FARTHEST = 1e9
"""Pixels from the corner of the image beyond which nobody draws; squares of much more
are no numbers any longer."""


def fitted(polygon: Polygon, shape: tuple[int, int]) -> tuple[Polygon, ...]:
    """Return a polygon without crossings, inside the image.

    Parameters
    ----------
    polygon : Polygon
        It may cross itself and stick out of the image.
    shape : tuple of int
        (H, W) of the image.

    Returns
    -------
    tuple of Polygon
        The polygon itself if nothing was wrong with it, but for a last vertex that
        repeats the first. What is enclosed twice is outside (the even-odd rule).

    Raises
    ------
    ValueError
        If a ring has less than three vertices or one at infinity, if it cannot be
        repaired, or if no area lies inside the image.
    """
    opened = Polygon(_opened(polygon.exterior), tuple(map(_opened, polygon.holes)))
    try:
        exact = _to_shapely(opened)
        frame = shapely.box(0, 0, *shape)
        if exact.is_valid and frame.covers(exact):
            return (opened,)
        parts = tuple(_from_shapely(_enclosed_once(opened).intersection(frame)))
    except (shapely.errors.ShapelyError, OverflowError) as error:
        raise ValueError(
            f"a polygon around {_place(opened)} cannot be repaired ({error}): draw it "
            "again"
        ) from error
    if not parts:
        raise ValueError(
            f"a polygon around {_place(opened)} has no area inside the image of "
            f"{shape[1]} x {shape[0]} pixels: draw it again"
        )
    return parts


def simplified(polygon: Polygon, tolerance: float) -> Polygon:
    """Return a polygon with fewer vertices (Douglas-Peucker).

    Parameters
    ----------
    polygon : Polygon
        Without crossings; it stays so.
    tolerance : float
        How many pixels an outline may move; 0.75 straightens the stairs of a slanted
        edge.

    Raises
    ------
    ValueError
        If the tolerance is negative or no number.
    """
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance {tolerance}: use 0 pixels or more, such as 0.75")
    if not tolerance:
        return polygon
    shape = _to_shapely(polygon).simplify(tolerance, preserve_topology=True)
    return next(_from_shapely(shape), polygon)


def crosses_itself(polygon: Polygon) -> bool:
    """Return whether outlines meet themselves or each other."""
    return not _to_shapely(polygon).is_valid


def area(polygons: Iterable[Polygon]) -> float:
    """Return the area of polygons without crossings, in pixels."""
    return sum(float(_to_shapely(polygon).area) for polygon in polygons)


def grown(polygons: Iterable[Polygon], distance: float) -> tuple[Polygon, ...]:
    """Return polygons whose outlines are moved outwards, united where they touch.

    The polygons have no crossings; the distance is in pixels, and corners stay corners.
    """
    union = shapely.union_all([_to_shapely(polygon) for polygon in polygons])
    return tuple(_from_shapely(union.buffer(distance, join_style="mitre")))


def _opened(ring: Ring) -> Ring:
    """Return a ring without a last vertex that repeats the first."""
    points = np.asarray(ring, np.float64).reshape(-1, 2)
    if len(points) > 1 and np.array_equal(points[0], points[-1]):
        points = points[:-1]
    if len(points) < 3:
        raise ValueError(
            f"a polygon has {len(points)} vertices: it needs three or more"
        )
    if not np.isfinite(points).all() or np.abs(points).max() > _FARTHEST:
        raise ValueError(
            "a polygon has a vertex that is no number, or far from any image: draw it "
            "again"
        )
    return points


def _enclosed_once(polygon: Polygon) -> Any:
    """Return what lies in an odd number of rings.

    shapely's ``make_valid`` also fills what is enclosed by edges that are walked there
    and back, such as the bridges between the parts of YOLO's polygons.
    """
    lines = [shapely.LinearRing(ring) for ring in polygon.rings]
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
    points = shapely.get_coordinates(shapely.point_on_surface(faces))
    inside = [_is_inside(polygon.rings, point) for point in points]
    return shapely.union_all(faces[np.array(inside, np.bool_)])


def _is_inside(rings: Iterable[Ring], point: NDArray[np.float64]) -> bool:
    """Return whether a line from the point outwards crosses an odd number of edges."""
    crossings = 0
    for ring in rings:
        (y0, x0), (y1, x1) = ring.T, np.roll(ring, -1, 0).T
        meets = (y0 > point[0]) != (y1 > point[0])
        y0, x0, y1, x1 = y0[meets], x0[meets], y1[meets], x1[meets]
        x = x0 + (point[0] - y0) / (y1 - y0) * (x1 - x0)
        crossings += int(np.count_nonzero(x > point[1]))
    return crossings % 2 == 1


def _to_shapely(polygon: Polygon) -> Any:
    return shapely.Polygon(polygon.exterior, polygon.holes)


def _from_shapely(shape: Any) -> Iterator[Polygon]:
    """Yield what has an area; lines and points, left over by a repair, have none."""
    for part in shapely.get_parts(shape):
        if part.geom_type == "MultiPolygon":
            yield from _from_shapely(part)
        elif part.geom_type == "Polygon" and part.area > 0:
            exterior, *holes = (
                np.asarray(ring.coords, np.float64)[:-1]
                for ring in (part.exterior, *part.interiors)
            )
            yield Polygon(exterior, tuple(holes))


def _place(polygon: Polygon) -> str:
    y, x = polygon.exterior.mean(0)
    return f"x {x:.0f}, y {y:.0f}"
