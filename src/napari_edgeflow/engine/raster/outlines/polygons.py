"""Masks to polygons with holes, and back, without losing a pixel.

Positions are (y, x) from the upper left corner of the image: the pixel in row r and
column c covers r to r + 1 and c to c + 1, as in COCO, labelme and QuPath. napari puts
the centres of pixels at whole numbers: subtract 0.5 to show a polygon there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

_BAND = 1 << 22
"""Pixels that are filled at a time, which takes eight bytes for each."""

Ring = NDArray[np.float64]
"""(N, 2) float64: (y, x) of each vertex; the last is joined to the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An outline and the outlines of the holes in it.

    Parameters
    ----------
    exterior : ndarray
        (N, 2) float64, see :data:`Ring`.
    holes : tuple of ndarray
        The same for each hole.
    """

    exterior: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior and the holes."""
        return self.exterior, *self.holes

    @property
    def vertices(self) -> int:
        """How many vertices all rings have."""
        return sum(len(ring) for ring in self.rings)

    def moved(self, y: float, x: float) -> "Polygon":
        """Return the polygon moved down by y and right by x."""
        exterior, *holes = (ring + np.array((y, x)) for ring in self.rings)
        return Polygon(exterior, tuple(holes))


def trace(mask: NDArray[np.bool_]) -> tuple[Polygon, ...]:
    """Return the polygons that run along the edges of a mask's pixels.

    Pixels that touch at a corner only are parts of their own, and no ring meets
    itself, so that every polygon is valid in the sense of the OGC (as GDAL's
    ``polygonize`` does). :func:`rasterize` gives back the mask exactly.

    Parameters
    ----------
    mask : ndarray
        (H, W) bool.

    Returns
    -------
    tuple of Polygon
        One for each part, in the order of their first pixels; vertices where the
        outline turns only.
    """
    parts, count = ndimage.label(mask)
    exteriors: list[Ring | None] = [None] * count
    holes: list[list[Ring]] = [[] for _ in range(count)]
    for ring in _rings(mask):
        part = int(parts[_pixel_beside(ring)]) - 1
        vertices = ring.astype(np.float64)
        if _signed_area(ring) > 0:
            exteriors[part] = vertices
        else:
            holes[part].append(vertices)
    pairs = zip(exteriors, holes, strict=True)
    return tuple(Polygon(e, tuple(h)) for e, h in pairs if e is not None)


def rasterize(polygons: Iterable[Polygon], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie in a polygon.

    Parameters
    ----------
    polygons : iterable of Polygon
        What sticks out of the image is cut off. Where a polygon crosses itself, what
        is enclosed twice is outside (the even-odd rule).
    shape : tuple of int
        (H, W).

    Returns
    -------
    ndarray
        (H, W) bool.
    """
    mask = np.zeros(shape, np.bool_)
    for polygon in polygons:
        low = np.floor(polygon.exterior.min(0)).clip(0, shape).astype(int)
        high = np.ceil(polygon.exterior.max(0)).clip(0, shape).astype(int)
        if (high > low).all():
            (top, left), (bottom, right) = low.tolist(), high.tolist()
            inside = polygon.moved(-top, -left).rings
            window = mask[top:bottom, left:right]
            window |= _filled(inside, (bottom - top, right - left))
    return mask


class _Corners(NamedTuple):
    """Where outlines turn, row by row; two of them where two outlines meet."""

    y: NDArray[np.intp]
    x: NDArray[np.intp]
    runs_right: NDArray[np.bool_]
    """Whether the mask lies below the horizontal edge that each corner is on."""
    across: NDArray[np.intp]
    """The corner at the other end of the vertical edge."""


def _corners(mask: NDArray[np.bool_]) -> _Corners:
    padded = np.pad(mask, 1)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    is_odd = upper_left ^ upper_right ^ lower_left ^ lower_right
    meets = (upper_left == lower_right) & (upper_right == lower_left)
    meets &= upper_left != upper_right
    y, x = np.nonzero(is_odd | meets)
    copies = 1 + meets[y, x]
    falling = (meets & upper_left)[y, x].repeat(copies)
    second = np.zeros(int(copies.sum()), np.bool_)
    second[np.cumsum(copies)[copies == 2] - 1] = True
    y, x = y.repeat(copies), x.repeat(copies)
    # In a row, edges lie between corners 0 and 1, 2 and 3, and so on. In a column too,
    # once two corners in one place are in the order that keeps the pixels apart.
    order = np.lexsort((second ^ ~falling, y, x))
    across = np.empty_like(order)
    across[order[0::2]], across[order[1::2]] = order[1::2], order[0::2]
    runs_right = lower_right[y[0::2], x[0::2]].repeat(2)
    return _Corners(y, x, runs_right, across)


def _rings(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the outlines, with the mask to the right of each edge."""
    corners = _corners(mask)
    across, runs_right = corners.across.tolist(), corners.runs_right.tolist()
    points = np.stack((corners.y, corners.x), 1)
    seen = [False] * len(across)
    rings = []
    for first in range(0, len(across), 2):
        start = first if runs_right[first] else first + 1
        ring: list[int] = []
        while not seen[start]:
            end = start ^ 1
            seen[start] = seen[end] = True
            ring += (start, end)
            start = across[end]
        if ring:
            rings += _parted(points[ring])
    return rings


def _parted(ring: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return a ring as rings that pass no vertex twice."""
    codes: list[int] = (ring[:, 0] * (int(ring[:, 1].max()) + 1) + ring[:, 1]).tolist()
    if len(set(codes)) == len(codes):
        return [ring]
    rings, path, place = [], list[int](), dict[int, int]()
    for i, code in enumerate(codes):
        if code in place:
            loop = path[place[code] :]
            del path[place[code] :]
            rings.append(ring[loop])
            for passed in loop:
                del place[codes[passed]]
        place[code] = len(path)
        path.append(i)
    return [*rings, ring[path]]


def _pixel_beside(ring: NDArray[np.intp]) -> tuple[int, int]:
    """Return a pixel of the mask that a ring runs along."""
    (y0, x0), (y1, x1), (_, x2) = ring[:3].tolist()
    if y0 != y1:
        y0, x0, x1 = y1, x1, x2
    return (y0, x0) if x1 > x0 else (y0 - 1, x1)


def _signed_area(ring: NDArray[np.intp]) -> int:
    """Return twice the area, negative where the ring goes round a hole."""
    y, x = ring.T
    following_y, following_x = np.roll(y, -1), np.roll(x, -1)
    return int((x * following_y - following_x * y).sum())


def _filled(rings: Sequence[Ring], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels that lie in an odd number of rings."""
    height, width = shape
    starts = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, 0) for ring in rings])
    # From top to bottom: an edge that is walked there and back cancels exactly.
    is_upward = starts[:, :1] > ends[:, :1]
    upper, lower = np.where(is_upward, ends, starts), np.where(is_upward, starts, ends)
    inside = np.empty(shape, np.bool_)
    step = max(_BAND // (width + 1), 1)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        inside[top:bottom] = _filled_rows(upper, lower, top, bottom, width)
    return inside


def _filled_rows(
    upper: Ring, lower: Ring, top: int, bottom: int, width: int
) -> NDArray[np.bool_]:
    """Return the pixels of some rows with an odd number of edges to their left.

    ``upper`` and ``lower`` are the ends of the edges.
    """
    first = np.ceil(upper[:, 0] - 0.5).clip(top, bottom).astype(np.intp)
    last = np.ceil(lower[:, 0] - 0.5).clip(top, bottom).astype(np.intp)
    counts = last - first
    edge = np.arange(len(upper)).repeat(counts)
    row = np.arange(len(edge)) - (counts.cumsum() - counts - first).repeat(counts)
    y0, x0, y1, x1 = *upper[edge].T, *lower[edge].T
    x = x0 + (row + 0.5 - y0) / (y1 - y0) * (x1 - x0)
    column = np.ceil(x - 0.5).clip(0, width).astype(np.intp)
    places, count = (row - top) * (width + 1) + column, (bottom - top) * (width + 1)
    crossings = np.bincount(places, minlength=count).reshape(-1, width + 1)
    inside: NDArray[np.bool_] = crossings.cumsum(1) % 2 == 1
    return inside[:, :width]


def single_ring(polygons: Sequence[Polygon]) -> Ring:
    """Return all outlines and holes as one ring, for formats that know no more.

    Each further ring is entered and left at its vertex that is nearest to the ring so
    far. By the even-odd rule the pixels stay the same, see :func:`rasterize`.

    Returns
    -------
    ndarray
        (N, 2) float64; see :data:`Ring`.

    Raises
    ------
    ValueError
        If there is no polygon.
    """
    rings = [ring for polygon in polygons for ring in polygon.rings]
    if not rings:
        raise ValueError("an object has no outline: leave it out")
    joined = rings[0]
    for ring in rings[1:]:
        joined = _bridged(joined, ring)
    return joined


def _bridged(ring: Ring, other: Ring) -> Ring:
    distances, nearest = cKDTree(ring).query(other)
    entry = int(np.argmin(distances))
    exit_from = int(np.asarray(nearest)[entry])
    turned = np.roll(other, -entry, 0)
    return np.concatenate((ring[: exit_from + 1], turned, turned[:1], ring[exit_from:]))
