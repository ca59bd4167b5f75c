"""Masks as shapes that a person edits, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.engine.raster.outlines.outline import (
    Filled,
    OutlineShape,
    fill,
    moved,
    outline_of,
    refitted,
)


def square(top: float, left: float, bottom: float, right: float) -> NDArray[np.float64]:
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)], float)


def whole(filled: Filled, shape: tuple[int, int]) -> NDArray[np.bool_]:
    return filled.part.full(shape)


def disk(radius: float, side: int = 80) -> NDArray[np.bool_]:
    y, x = np.ogrid[:side, :side]
    return np.hypot(y - side / 2, x - side / 2) < radius


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_comes_back_exactly_at_tolerance_0(mask: NDArray[np.bool_]) -> None:
    if not mask.any():
        return
    outline = outline_of(mask, 0)
    assert outline.overlap == 1
    assert np.array_equal(whole(fill(outline.shapes, mask.shape), mask.shape), mask)


def test_islands_in_lakes_on_islands_come_back_exactly() -> None:
    mask = disk(35) & ~disk(28) | (disk(20) & ~disk(12)) | disk(5)
    mask[2:6, 2:6] = True
    outline = outline_of(mask, 0)
    assert [one.is_hole for one in outline.shapes].count(True) == 2
    assert len(outline.shapes) == 6
    assert np.array_equal(whole(fill(outline.shapes, mask.shape), mask.shape), mask)


def test_fewer_vertices_cost_the_overlap_that_is_told() -> None:
    mask = disk(30)
    exact, loose = outline_of(mask, 0), outline_of(mask, 3)
    assert loose.vertices < exact.vertices / 4
    again = whole(fill(loose.shapes, mask.shape), mask.shape)
    assert 0.9 < loose.overlap < 1
    assert loose.overlap == iou(again, mask)


def test_an_outline_of_very_many_vertices_starts_with_a_larger_tolerance() -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).random((300, 300)), 1.5)
    assert outline_of(disk(30)).tolerance == 1
    assert outline_of(noise > 0.5).tolerance > 1


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        outline_of(disk(0))


def test_shapes_are_painted_from_the_largest_to_the_smallest() -> None:
    island = OutlineShape(square(8, 8, 12, 12))
    lake = OutlineShape(square(5, 5, 15, 15), is_hole=True)
    land = OutlineShape(square(0, 0, 20, 20))
    for shapes in ((island, lake, land), (land, lake, island)):
        assert whole(fill(shapes, (20, 20)), (20, 20)).sum() == 400 - 100 + 16


def test_a_hole_that_leaves_its_part_takes_nothing_else() -> None:
    part = OutlineShape(square(0, 0, 10, 10))
    hole = OutlineShape(square(6, 6, 14, 14), is_hole=True)
    filled = fill((part, hole), (20, 20))
    assert filled.part.mask.sum() == 100 - 16
    assert (filled.part.window.bottom, filled.part.window.right) == (10, 10)


def test_what_sticks_out_of_the_image_is_cut_off() -> None:
    filled = fill((OutlineShape(square(-5, -5, 4, 4)),), (10, 10))
    assert filled.part.mask.sum() == 16
    assert "outside the image" in filled.repairs[0]


def test_a_polygon_that_crosses_itself_is_repaired() -> None:
    bow_tie = np.array([(0, 0), (10, 10), (0, 10), (10, 0)], float)
    filled = fill((OutlineShape(bow_tie),), (10, 10))
    assert 40 <= filled.part.mask.sum() <= 60
    assert "crosses itself" in filled.repairs[0]


def test_sound_shapes_need_no_repair() -> None:
    assert fill((OutlineShape(square(0, 0, 10, 10)),), (10, 10)).repairs == ()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ((), "no part left"),
        ((OutlineShape(square(0, 0, 5, 5), is_hole=True),), "no part left"),
        ((OutlineShape(square(50, 50, 60, 60)),), "no area inside the image"),
        ((OutlineShape(square(0, 0, 5, 5)[:2]),), "2 vertices"),
        ((OutlineShape(square(1.1, 1.1, 1.3, 1.3)),), "holds no pixel"),
        ((OutlineShape(square(0, 0, 5, np.nan)),), "no number"),
    ],
)
def test_what_cannot_be_filled_is_refused(
    shapes: tuple[OutlineShape, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fill(shapes, (20, 20))


def test_an_edited_outline_gets_another_tolerance_and_stays_in_place() -> None:
    shapes = moved(outline_of(disk(30), 0).shapes, 7, -2)
    before = fill(shapes, (90, 90))
    again = refitted(shapes, (90, 90), 2)
    after = fill(again.shapes, (90, 90))
    assert again.vertices < sum(len(one.ring) for one in shapes)
    assert iou(whole(before, (90, 90)), whole(after, (90, 90))) > 0.95
