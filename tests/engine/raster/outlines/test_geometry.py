import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.engine.raster.outlines.geometry import fitted, grown, simplified
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize, trace

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=10))
SQUARE = np.array([[1.0, 1], [1, 5], [5, 5], [5, 1]])


@given(mask=MASKS)
def test_what_is_right_stays_as_it_is(mask: np.ndarray) -> None:
    for polygon in trace(mask):
        (same,) = fitted(polygon, mask.shape)
        rings = zip(same.rings, polygon.rings, strict=True)
        assert all(np.array_equal(a, b) for a, b in rings)


def test_a_closing_vertex_goes() -> None:
    (polygon,) = fitted(Polygon(np.concatenate((SQUARE, SQUARE[:1]))), (6, 6))
    assert np.array_equal(polygon.exterior, SQUARE)


@pytest.mark.parametrize("seed", range(40))
def test_crossings_are_repaired_and_the_rest_is_clipped(seed: int) -> None:
    vertices = np.random.default_rng(seed).uniform(-4, 12, (6, 2))
    polygon = Polygon(vertices)
    parts = fitted(polygon, (8, 9))
    shapes = [shapely.Polygon(part.exterior, part.holes) for part in parts]
    assert all(shape.is_valid and shape.area > 0 for shape in shapes)
    for part in parts:
        assert len(part.exterior) >= 3
        assert part.exterior.min() >= 0
        assert (part.exterior.max(0) <= (8, 9)).all()
    ys, xs = np.mgrid[:8, :9] + 0.5
    near = shapely.Polygon(vertices).exterior.buffer(1e-6)
    clear = ~shapely.intersects(near, shapely.points(ys, xs))
    both = rasterize([polygon], (8, 9)), rasterize(parts, (8, 9))
    assert np.array_equal(both[0][clear], both[1][clear])


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        ([[0, 0], [1, 1]], "has 2 vertices: it needs three"),
        ([[0, 0], [1, 1], [0, 0]], "has 2 vertices: it needs three"),
        ([], "has 0 vertices: it needs three"),
        ([[0, 0], [1, np.nan], [2, 0]], "no number"),
        ([[0, 0], [1, 1], [2, 2]], "around x 1, y 1 has no area inside"),
        ([[20, 20], [20, 30], [30, 30]], "no area inside the image of 6 x 8 pixels"),
    ],
)
def test_what_cannot_be_repaired_is_refused(
    vertices: list[list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fitted(Polygon(np.array(vertices, float).reshape(-1, 2)), (8, 6))


def test_stairs_become_straight_and_little_is_lost() -> None:
    ys, xs = np.ogrid[:120, :120]
    ring = (ys - 60) ** 2 + (xs - 60) ** 2
    mask = (ring < 50**2) & (ring > 20**2)
    (exact,) = trace(mask)
    plain = simplified(exact, 1.0)
    assert plain.vertices < exact.vertices / 3
    assert iou(rasterize([plain], mask.shape), mask) > 0.97
    assert simplified(exact, 0) is exact


@given(mask=MASKS, tolerance=st.floats(0.1, 20))
def test_simple_polygons_stay_valid(mask: np.ndarray, tolerance: float) -> None:
    for polygon in trace(mask):
        plain = simplified(polygon, tolerance)
        assert 3 <= len(plain.exterior) <= len(polygon.exterior)
        assert shapely.Polygon(plain.exterior, plain.holes).is_valid


@pytest.mark.parametrize("tolerance", [-1, np.nan, np.inf])
def test_other_tolerances_are_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"tolerance .*use 0 pixels or more"):
        simplified(Polygon(SQUARE), tolerance)


def test_polygons_grow_together() -> None:
    apart = [Polygon(SQUARE), Polygon(SQUARE + np.array((0, 5)))]
    (both,) = grown(apart, 0.5)
    assert (
        rasterize([both], (10, 12)).sum()
        == rasterize(
            [Polygon(np.array([[0.5, 0.5], [0.5, 10.5], [5.5, 10.5], [5.5, 0.5]]))],
            (10, 12),
        ).sum()
    )
