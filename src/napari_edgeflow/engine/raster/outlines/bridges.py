"""One ring for a shape of several: bridges of no width, walked there and back."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from napari_edgeflow.engine.raster.outlines.polygons import Polygon, Ring


def single_ring(polygons: Sequence[Polygon]) -> Ring:
    """Return all outlines and holes as one ring, for formats that know no more.

    Each further ring is entered and left at its vertex that is nearest to the ring so
    far. By the even-odd rule the pixels stay the same, see
    :func:`napari_edgeflow.engine.raster.outlines.polygons.rasterize`.

    Parameters
    ----------
    polygons : sequence of Polygon
        At least one.

    Returns
    -------
    ndarray
        (N, 2) float64; see
        :data:`~napari_edgeflow.engine.raster.outlines.polygons.Ring`.

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
