from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompt_records import (
    prompt_records,
    prompts_of_records,
)
from napari_edgeflow.engine.interaction.prompts import (
    MAX_STROKE_CLICKS,
    Box,
    Brush,
    Prompt,
    Stroke,
    brushed,
    clicks_of,
    with_clicks,
)
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart

A, B, C = Click(1, 1), Click(2, 2, False), Click(3, 3)
BOX = Box(Window(0, 0, 4, 4))
DAB = np.ones((4, 4), bool)


def square() -> np.ndarray:
    image = np.zeros((64, 64), np.uint8)
    image[16:40, 16:40] = 255
    return image


def paint(window: Window, inside: bool) -> Brush:
    full = np.ones((window.height, window.width), bool)
    return Brush(window, full & inside, full & (not inside))


@pytest.fixture
def segmenter(bright: Any) -> ClickSegmenter:
    segmenter = ClickSegmenter(bright)
    segmenter.set_image(square())
    return segmenter


# ---- boxes


def test_a_box_gives_a_mask_and_clicks_correct_it(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    probabilities = segmenter.add_box((14, 14, 42, 42))
    assert probabilities.shape == (64, 64)
    (_, maps) = bright.calls[-1]
    assert len(bright.calls) == 1
    assert maps[0].any(), "there is no click in the middle"
    assert maps[1].any(), "there are no clicks beside the corners"
    assert maps[2].any(), "the ellipse is not told"
    assert segmenter.clicks == ()
    truth = square() > 0
    assert (segmenter.mask() ^ truth).sum() < 0.1 * truth.sum()
    segmenter.add_click((20, 20), positive=False)
    assert not segmenter.mask()[20, 20]
    assert segmenter.clicks == (Click(20, 20, False),)
    segmenter.undo()
    np.testing.assert_array_equal(segmenter.prediction.full(), probabilities)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((0, 0, 65, 10), "beyond the image of 64 x 64"),
        ((-1, 0, 5, 5), "beyond the image"),
        ((5, 5, 5, 9), "no pixels"),
    ],
)
def test_boxes_that_are_none(
    segmenter: ClickSegmenter, corners: tuple[int, int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        segmenter.add_box(corners)
    assert segmenter.prompts == ()


def test_a_box_between_corners_is_whole_pixels_within_the_image() -> None:
    box = Box.between((30.2, 50.0), (-7, 10.6), (40, 60))
    assert box.corners == (0, 11, 31, 51)
    with pytest.raises(ValueError, match="outside"):
        Box.between((-9, 5), (-3, 20), (40, 60))


# ---- strokes


def test_a_stroke_is_one_run_of_the_network(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_prompts([Click(28, 28)])
    runs = len(bright.calls)
    line = np.array([[18.0, 18.0], [18, 38], [38, 38]])
    stroke = Stroke.along(line, positive=True, spacing=4)
    segmenter.set_prompts([Click(28, 28), stroke])
    assert len(bright.calls) == runs + 1
    assert len(segmenter.clicks) == 1 + len(stroke.clicks)


def test_clicks_along_a_stroke_keep_their_distance_and_are_few() -> None:
    line = np.array([[0.0, 0.0], [0, 3], [0, 10], [10, 10]])
    stroke = Stroke.along(line, positive=False, spacing=5)
    at = [(c.y, c.x) for c in stroke.clicks]
    np.testing.assert_allclose(at, [(0, 0), (0, 5), (0, 10), (5, 10), (10, 10)])
    assert not any(c.positive for c in stroke.clicks)
    assert len(Stroke.along(line, True, 0.1).clicks) == MAX_STROKE_CLICKS
    (only,) = Stroke.along(line[:2], True, 50).clicks
    assert (only.y, only.x) == (0, 1.5)
    assert Stroke.along(line[:1], True, 5).clicks == (Click(0, 0),)


# ---- the brush


def test_what_is_brushed_stays_whatever_the_network_says(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    inside, outside = Window(44, 44, 52, 52), Window(16, 16, 24, 24)
    prompts: list[Prompt] = [Click(28, 28), paint(inside, True), paint(outside, False)]
    segmenter.set_prompts(prompts)
    runs = len(bright.calls)
    scores = segmenter.prediction.scores
    for _ in range(2):
        mask = segmenter.mask()
        assert mask[inside.slices].all()
        assert not mask[outside.slices].any()
        assert mask[30, 30]
        segmenter.add_click((30, 30))
    assert segmenter.prediction.scores is not scores
    assert len(bright.calls) == runs + 2
    assert segmenter.prediction.window.bottom >= 52, "the network must see what is in"
    edge = bright.calls[-1][1][2]
    assert (edge[edge.shape[0] * 3 // 4 :] > 0).any(), "the edge is not that brushed"


def test_brushing_alone_is_enough_and_runs_no_network(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_prompts([paint(Window(3, 4, 9, 8), True)])
    part = segmenter.cut_out()
    assert part is not None
    assert part.window == Window(3, 4, 9, 8)
    assert part.mask.all()
    assert bright.calls == []
    segmenter.set_prompts([paint(Window(3, 4, 9, 8), False)])
    assert segmenter.cut_out() is None


def test_undo_of_every_prompt_gives_the_earlier_mask(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    line = np.array([[20.0, 20.0], [35, 35]])
    prompts = (
        Box(Window(14, 14, 42, 42)),
        Click(30, 30),
        paint(Window(50, 50, 60, 60), True),
        Stroke.along(line, False, 5),
        paint(Window(55, 50, 60, 60), False),
        Click(20, 38),
    )
    masks = []
    for count in range(len(prompts) + 1):
        segmenter.set_prompts(prompts[:count])
        masks.append(segmenter.mask())
    runs = len(bright.calls)
    for count in range(len(prompts), -1, -1):
        segmenter.set_prompts(prompts[:count])
        np.testing.assert_array_equal(segmenter.mask(), masks[count])
    assert len(bright.calls) == runs
    fresh = ClickSegmenter(bright)
    fresh.set_image(square())
    fresh.set_prompts(prompts)
    np.testing.assert_array_equal(fresh.mask(), masks[-1])


@given(st.lists(st.tuples(*[st.integers(0, 8)] * 2, st.booleans()), max_size=6))
def test_of_several_strokes_of_the_brush_the_last_counts(
    strokes: list[tuple[int, int, bool]],
) -> None:
    expected = np.random.default_rng(0).random((12, 12)) < 0.5
    part = MaskPart(Window(0, 0, 12, 12), expected.copy())
    brushes = [paint(Window(y, x, y + 4, x + 4), sign) for y, x, sign in strokes]
    for y, x, sign in strokes:
        expected[y : y + 4, x : x + 4] = sign
    brush = brushed(brushes)
    result = part if brush is None else brush.painted(part)
    np.testing.assert_array_equal(result.mask, expected)


# ---- points that are moved, deleted and added


def test_clicks_are_moved_deleted_and_added_among_other_prompts() -> None:
    stroke, brush = Stroke((B, C)), Brush(BOX.window, DAB, ~DAB)
    prompts = (BOX, A, stroke, brush, C)
    assert clicks_of(prompts) == (A, B, C, C)
    moved = Click(5, 5)
    assert with_clicks(prompts, (A, moved, C, C)) == (
        BOX,
        A,
        Stroke((moved, C)),
        brush,
        C,
    )
    assert with_clicks(prompts, (A, B, C, C, moved)) == (*prompts, moved)
    assert with_clicks(prompts, (A, C, C)) == (BOX, A, Stroke((C,)), brush, C)
    assert with_clicks(prompts, ()) == (BOX, brush)


# ---- as JSON


@given(arrays(bool, (5, 7)), arrays(bool, (5, 7)))
def test_prompts_come_back_from_their_records(
    inside: np.ndarray, outside: np.ndarray
) -> None:
    brush = Brush(Window(3, 4, 8, 11), inside, outside)
    *others, again = prompts_of_records(
        prompt_records([A, BOX, Stroke((B, C)), brush]),
    )
    assert others == [A, BOX, Stroke((B, C))]
    assert isinstance(again, Brush)
    assert again.window == brush.window
    np.testing.assert_array_equal(again.inside, inside)
    np.testing.assert_array_equal(again.outside, outside)


@pytest.mark.parametrize(
    "record",
    [
        {"y": 1},
        {"box": [1, 2]},
        {"brush": [0, 0, 2, 2], "inside": "zz", "outside": "zz"},
        {"stroke": 3},
    ],
)
def test_damaged_records_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"incomplete|damaged"):
        prompts_of_records([record])
