import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from napari_edgeflow.engine.raster.outlines.geometry import fitted
from napari_edgeflow.engine.raster.outlines.polygons import (
    Polygon,
    rasterize,
    single_ring,
    trace,
)

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(mask=MASKS.filter(lambda mask: bool(mask.any())))
def test_one_ring_holds_the_same_pixels(mask: np.ndarray) -> None:
    polygons = trace(mask)
    joined = Polygon(single_ring(polygons))
    assert np.array_equal(rasterize([joined], mask.shape), mask)
    count = sum(len(polygon.rings) for polygon in polygons)
    vertices = sum(polygon.vertices for polygon in polygons)
    assert joined.vertices == vertices + 2 * (count - 1)
    # A repair takes the bridges away again.
    assert np.array_equal(rasterize(fitted(joined, mask.shape), mask.shape), mask)


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="an object has no outline"):
        single_ring([])
