"""The object in progress: each edit gives the next one; nothing of it changes."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompts import Box, Brush, Prompt, Stroke
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.clicks.object.in_progress import (
    ObjectInProgress,
    ObjectMask,
    Origin,
)
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage

A, B, C = Click(1, 1), Click(2, 2, False), Click(3, 3)
FLAT, SLICE = Plane((None, None)), Plane((2, None, None))
PART = MaskPart(Window(1, 2, 5, 6), np.eye(4, dtype=bool))
DAB = np.zeros((6, 8), bool)
DAB[1:, :5] = True
PROMPTS: tuple[Prompt, ...] = (
    Box(Window(15, 25, 65, 85)),
    Click(25, 35),
    Brush(Window(2, 3, 8, 11), DAB, ~DAB),
    Stroke.along(np.array([(30.0, 40.0), (50.0, 70.0)]), positive=True, spacing=8),
)


def plane_image() -> PlaneImage:
    data = np.zeros((4, 10, 12), np.uint8)
    return PlaneImage(data, SLICE, False, (0.0, 255.0))


def begun() -> ObjectInProgress:
    return ObjectInProgress.begun(plane_image(), 3)


def through_json(kept: ObjectInProgress) -> ObjectInProgress:
    return ObjectInProgress.from_json(json.loads(json.dumps(kept.to_json())))


# ---- edits


def test_every_edit_can_be_undone_and_redone() -> None:
    now, states = begun(), [(), (A,), (A, B), (C, B), (B,), ()]
    for state in states:
        now = now.edited(state)
    for _ in range(2):
        for state in states[-2::-1]:
            assert now.can_undo
            now = now.undone()
            assert now.clicks == state
        assert not now.can_undo
        assert now.undone() is now
        for state in states[1:]:
            assert now.can_redo
            now = now.redone()
            assert now.clicks == state
        assert not now.can_redo
        assert now.redone() is now


def test_a_new_edit_cuts_what_was_undone() -> None:
    now = begun().edited([A]).edited([A, B]).undone().edited([A, C])
    assert not now.can_redo
    assert now.undone().clicks == (A,)


def test_the_same_prompts_again_are_no_edit() -> None:
    now = begun().edited([A])
    assert now.edited([A]) is now


def test_clearing_forgets_what_is_corrected_and_undo_brings_it_back() -> None:
    assert begun().cleared().can_undo is False
    kept = ObjectInProgress(SLICE, (), 3, origin=Origin(5, PART))
    now = kept.opened(plane_image(), None)
    assert now.is_active
    assert not now.can_undo
    cleared = now.edited([A]).cleared()
    assert not cleared.is_active
    before = cleared.undone()
    assert (before.origin, before.clicks) == (now.origin, (A,))
    first = before.undone()
    assert (first.origin, first.clicks) == (now.origin, ())


def test_the_class_is_no_edit() -> None:
    now = replace(begun().edited([A]).edited([A, B]), class_id=9)
    assert now.undone().class_id == 9
    assert replace(now.undone(), class_id=4).redone().class_id == 4


def test_edits_forget_the_mask_and_what_waits_for_it() -> None:
    mask = ObjectMask("cpu", 1.0, PART)
    now = replace(begun().edited([A]).masked(mask), finishing=True)
    assert now.mask is mask
    for after in (now.edited([A, B]), now.undone(), now.cleared()):
        assert after.mask is None
        assert not after.finishing
    assert now.edited([A, B]).undone().mask is None


# ---- points


def test_points_become_clicks_of_the_plane() -> None:
    assert begun().with_points(np.zeros((0, 3)), np.zeros(0, bool)).clicks == ()
    points = np.array([[2, 3.5, 4.0], [2.2, 0.0, 11.0]])
    now = begun().with_points(points, np.array([True, False]))
    assert now.clicks == (Click(3.5, 4.0), Click(0.0, 11.0, False))


@pytest.mark.parametrize(
    ("point", "message"),
    [((1, 3, 4), "slice 2 of axis 0"), ((2, 10, 4), "outside the image of 10 x 12")],
)
def test_points_in_another_plane_or_outside_are_refused(
    point: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        begun().with_points(np.array([point], float), np.array([True]))


def test_prompts_outside_of_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match="reaches beyond the image of 10 x 12"):
        begun().edited([Box(Window(0, 0, 11, 5))])


# ---- time


def test_seconds_count_from_the_first_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    now = begun()
    clock.now = 104.0
    assert now.seconds == 0
    now = now.edited([A])
    assert now.seconds == 4
    kept = now.at_rest()
    clock.now = 1000.0
    assert kept.seconds == 4
    again = kept.opened(plane_image(), None)
    clock.now = 1003.0
    assert again.seconds == 7


# ---- what is there already


def test_prompts_that_were_kept_come_back_one_by_one() -> None:
    kept = begun().edited([A]).edited([A, C]).at_rest()
    now = kept.opened(plane_image(), None)
    assert now.clicks == (A, C)
    assert now.undone().clicks == (A,)
    assert now.undone().undone().clicks == ()
    assert not now.undone().undone().can_undo


def test_prompts_that_gave_an_object_start_from_nothing() -> None:
    kept = ObjectInProgress(SLICE, (A, C), 3, origin=Origin(5, PART), replays=True)
    now = kept.opened(plane_image(), None)
    assert now.origin is not None
    assert now.start is None
    first = now.undone()
    assert first.clicks == (A,)
    assert not first.can_undo, "there is nothing to see before the first one"


@pytest.mark.parametrize("same", [True, False])
def test_prompts_in_doubt_count_if_they_give_the_same_mask(same: bool) -> None:
    kept = ObjectInProgress(
        SLICE, (A, C), 3, origin=Origin(5, PART), replays=True, in_doubt=True
    )
    part = PART if same else MaskPart(PART.window, ~PART.mask)
    now = kept.opened(plane_image(), None).masked(ObjectMask("cpu", 0.0, part))
    assert not now.in_doubt
    if same:
        assert now.clicks == (A, C)
        assert now.mask is not None
    else:
        assert now.clicks == ()
        assert now.start is now.origin
        assert now.mask is None
        assert not now.can_undo


def labels_of(value: int) -> Any:
    data = np.zeros((4, 10, 12), np.uint8)
    data[2][PART.window.slices][PART.mask] = value
    return SimpleNamespace(data=data, name="labels")


def test_what_is_corrected_is_found_in_its_layer() -> None:
    layer = labels_of(5)
    found = Origin(5, PART).found_in(layer, SLICE, (10, 12))
    assert found.target is layer
    assert Origin(6, PART).found_in(layer, SLICE, (10, 12)).target is None
    assert Origin(5, PART).found_in(None, SLICE, (10, 12)).target is None


def test_what_is_left_of_what_is_corrected() -> None:
    layer = labels_of(5)
    origin = Origin(5, PART, layer)
    layer.data[2, 1, 2] = 7
    expected = np.pad(PART.mask, 1)
    expected[1, 1] = False
    there = origin.still_there(SLICE, Window(0, 1, 6, 7))
    np.testing.assert_array_equal(there, expected)
    assert not Origin(5, PART).still_there(SLICE, Window(0, 1, 6, 7)).any()


def test_masks_that_do_not_fit_are_refused() -> None:
    layer = SimpleNamespace(data=np.zeros((10, 12), np.uint8), name="labels")
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(10, 12\)"):
        Origin.of_mask(layer, FLAT, np.ones((2, 2), bool))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no object"):
        Origin.of_mask(layer, FLAT, np.zeros((10, 12), bool))  # type: ignore[arg-type]


# ---- what others keep of it


def test_a_draft_comes_back_from_json() -> None:
    view = Window(0, 0, 50, 60)
    kept = ObjectInProgress(
        SLICE, PROMPTS, 7, 12.5, view=view, origin=Origin(3, PART), replays=True
    )
    again = through_json(kept)
    assert (again.plane, again.class_id, again.seconds) == (SLICE, 7, 12.5)
    assert (again.view, again.replays) == (view, True)
    assert again.prompts[:2] == PROMPTS[:2]
    assert again.prompts[3] == PROMPTS[3]
    assert again.origin is not None
    assert again.origin.value == 3
    np.testing.assert_array_equal(again.origin.part.mask, PART.mask)


def test_the_names_in_a_draft() -> None:
    plain = begun().edited([A]).at_rest().to_json()
    assert plain == {
        "plane": [2, None, None],
        "prompts": [{"y": 1, "x": 1, "positive": True}],
        "class_id": 3,
        "seconds": pytest.approx(0, abs=1),
        "view": None,
        "origin_id": None,
        "origin_window": None,
        "origin_mask": None,
        "replays": False,
    }


def test_a_damaged_draft_is_refused() -> None:
    record = ObjectInProgress(FLAT, PROMPTS, 7).to_json()
    for key, value in (("plane", None), ("prompts", [{}]), ("origin_window", [1])):
        with pytest.raises(ValueError, match=r"damaged|incomplete"):
            ObjectInProgress.from_json({**record, key: value})


@pytest.mark.parametrize(
    ("prompts", "source"),
    [
        (PROMPTS, "box"),
        (PROMPTS[1:], "click"),
        (PROMPTS[3:], "click"),
        (PROMPTS[2:3], "brush"),
        ((), "click"),
    ],
)
def test_the_row_of_a_finished_object(prompts: tuple[Prompt, ...], source: str) -> None:
    entry = ClassTable.voc().get(8)
    view = Window(0, 0, 5, 6)
    kept = ObjectInProgress(SLICE, prompts, 8, 2.5, view=view)
    record = kept.record(4, entry)
    assert (record.object_id, record.class_id, record.class_name) == (4, 8, "cat")
    assert (record.source, record.plane, record.view) == (source, SLICE, view)
    assert record.clicks == kept.clicks
    assert record.said == prompts
    assert record.seconds == (2.5 if prompts else 0)


def test_at_rest_it_holds_no_layers_and_no_image() -> None:
    layer = labels_of(5)
    kept = ObjectInProgress(SLICE, (A,), 3, origin=Origin(5, PART))
    now = kept.opened(plane_image(), layer).edited([A, C])
    rest = now.at_rest()
    assert rest.image is None
    assert rest.origin is not None
    assert rest.origin.target is None
    assert not rest.can_undo
    assert rest.nbytes == PART.mask.nbytes
    assert now.origin is not None
    assert now.origin.target is layer
