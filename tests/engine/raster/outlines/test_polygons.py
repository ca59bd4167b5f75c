import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize, trace

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


@settings(max_examples=400)
@given(mask=MASKS)
def test_every_pixel_comes_back(mask: np.ndarray) -> None:
    assert np.array_equal(rasterize(trace(mask), mask.shape), mask)


@settings(max_examples=300)
@given(mask=MASKS)
def test_polygons_are_valid_and_as_large_as_the_mask(mask: np.ndarray) -> None:
    polygons = [shapely.Polygon(p.exterior, p.holes) for p in trace(mask)]
    assert all(polygon.is_valid for polygon in polygons)
    assert sum(polygon.area for polygon in polygons) == mask.sum()
    assert len(polygons) == ndimage.label(mask)[1]
    rings = [ring for polygon in trace(mask) for ring in polygon.rings]
    for ring in rings:
        steps = np.roll(ring, -1, 0) - ring
        assert (np.count_nonzero(steps, 1) == 1).all()
        assert len(np.unique(ring, axis=0)) == len(ring)


def test_a_hole_with_an_island_that_holds_another() -> None:
    mask = np.zeros((9, 9), bool)
    mask[:] = True
    mask[1:8, 1:8] = False
    mask[2:7, 2:7] = True
    mask[4, 4] = False
    outer, inner = trace(mask)
    assert (len(outer.holes), len(inner.holes)) == (1, 1)
    assert outer.exterior.tolist() == [[0, 0], [0, 9], [9, 9], [9, 0]]
    assert outer.vertices == 8
    assert np.array_equal(rasterize([outer, inner], mask.shape), mask)


def test_diagonal_pixels_are_parts_of_their_own() -> None:
    for mask in (np.eye(3, dtype=bool), np.eye(3, dtype=bool)[::-1]):
        assert [p.vertices for p in trace(mask)] == [4, 4, 4]
    # A ring that is closed by a corner only.
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)
    (polygon,) = trace(ring)
    assert len(polygon.holes) == 1


def test_nothing_has_no_polygons() -> None:
    assert trace(np.zeros((3, 4), bool)) == ()
    assert not rasterize((), (3, 4)).any()


@given(mask=MASKS, y=st.integers(-15, 15), x=st.integers(-15, 15))
def test_what_sticks_out_is_cut_off(mask: np.ndarray, y: int, x: int) -> None:
    height, width = mask.shape
    large = np.zeros((height + 60, width + 60), bool)
    large[30 + y : 30 + y + height, 30 + x : 30 + x + width] = mask
    moved = [polygon.moved(y, x) for polygon in trace(mask)]
    inside = large[30 : 30 + height, 30 : 30 + width]
    assert np.array_equal(rasterize(moved, mask.shape), inside)


@pytest.mark.parametrize("seed", range(30))
def test_centres_decide_as_shapely_says(seed: int) -> None:
    vertices = np.random.default_rng(seed).uniform(-3, 13, (7, 2))
    mask = rasterize([Polygon(vertices)], (10, 10))
    shape = shapely.make_valid(shapely.Polygon(vertices))
    ys, xs = np.mgrid[:10, :10] + 0.5
    points = shapely.points(ys, xs)
    on_edge = shapely.distance(shapely.Polygon(vertices).exterior, points) < 1e-6
    assert np.array_equal(mask[~on_edge], shapely.contains(shape, points)[~on_edge])


def test_a_bow_tie_has_two_halves() -> None:
    mask = rasterize([Polygon(np.array([[0.0, 0], [8, 8], [0, 8], [8, 0]]))], (8, 8))
    assert mask[4, 0]
    assert mask[4, 7]
    assert not mask[0, 4]
    assert not mask[7, 4]


@pytest.mark.parametrize("noisy", [False, True])
def test_large_masks_take_moments(noisy: bool) -> None:
    rng = np.random.default_rng(0)
    ys, xs = np.ogrid[:1500, :2000]
    mask = (ys - 700) ** 2 + (xs - 900) ** 2 < 650**2
    if noisy:
        mask = mask & (rng.random(mask.shape) < 0.98)
    start = time.perf_counter()
    polygons = trace(mask)
    assert np.array_equal(rasterize(polygons, mask.shape), mask)
    # Takes 0.1 to 0.6 s on a free core; the bound only catches what grows faster
    # than the outline.
    assert time.perf_counter() - start < 15
