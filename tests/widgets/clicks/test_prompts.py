"""Boxes, scribbles and the brush in a real viewer, by the mouse."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.widgets.dock_person import GROUND, RED, RIGHT, WHITE, MakePerson, Person

from napari_edgeflow.engine.interaction.prompts import Box, Brush, Stroke
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart

SHIFT, CONTROL = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
CORNERS = ((15.0, 25.0), (65.0, 85.0))
"""Around the white square."""


def prompts(person: Person) -> tuple[Any, ...]:
    draft = person.dock.controller.draft()
    return () if draft is None else draft.prompts


def band(person: Person) -> set[int]:
    """The values drawn over the mask."""
    return set(np.unique(person.layers.preview.data)) - {0, 1}


def test_a_box_gives_the_mask_and_a_click_corrects_it(make_person: MakePerson) -> None:
    person = make_person()
    camera = person.viewer.scene.camera
    before = camera.center, camera.zoom
    seen: list[set[int]] = []
    person.drag(*CORNERS, modifier=SHIFT, during=lambda: seen.append(band(person)))
    assert seen == [{2}], "no rubber band was drawn"
    assert band(person) == set()
    assert (camera.center, camera.zoom) == before
    (box,) = prompts(person)
    assert isinstance(box, Box)
    np.testing.assert_allclose(box.corners, (15, 25, 66, 86), atol=2)
    mask = person.mask
    assert mask[40, 55]
    assert len(person.layers.points.data) == 0
    person.click(50, 70, button=RIGHT)
    assert not person.mask[50, 70]
    person.undo()
    np.testing.assert_array_equal(person.mask, mask)
    person.undo()
    assert not person.mask.any()
    person.redo()
    np.testing.assert_array_equal(person.mask, mask)
    person.dock.controls.kind.choose("object")
    person.enter()
    assert list(person.target.features["source"]) == ["box"]
    assert prompts(person) == ()


def test_a_scribble_is_one_step_and_one_run(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    calls, mask = person.models.network.calls, person.mask
    seen: list[set[int]] = []
    line = ((75.0, 95.0), (100.0, 100.0), (100.0, 130.0))
    person.drag(*line, modifier=CONTROL, during=lambda: seen.append(band(person)))
    assert seen == [{3}]
    assert band(person) == set()
    assert person.models.network.calls == calls + 1
    stroke = prompts(person)[-1]
    assert isinstance(stroke, Stroke)
    assert 2 <= len(stroke.clicks) <= 12
    assert len(person.layers.points.data) == 1 + len(stroke.clicks)
    assert person.mask[90, 115]
    person.undo()
    np.testing.assert_array_equal(person.mask, mask)
    person.drag((30.0, 40.0), (30.0, 70.0), button=RIGHT, modifier=CONTROL)
    assert not any(person.signs[1:])
    assert not person.mask[30, 40]


def test_the_buttons_choose_what_dragging_does(make_person: MakePerson) -> None:
    person = make_person()
    tools = person.dock.controls.tools
    person.drag(*CORNERS)
    assert prompts(person) == (), "dragging moves the view"
    person.viewer.reset_view()
    tools.choose("box")
    person.drag(*CORNERS)
    assert isinstance(prompts(person)[-1], Box)
    person.click(50, 70, button=RIGHT)
    assert person.signs == [False]
    tools.choose("stroke")
    person.drag((30.0, 40.0), (30.0, 70.0))
    assert isinstance(prompts(person)[-1], Stroke)


def test_what_is_brushed_stays_after_clicks(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    white = person.mask
    person.dock.controls.tools.choose("brush")
    preview = person.layers.preview
    assert person.viewer.layers.selection.active is preview
    assert preview.mode == "paint"
    preview.brush_size = 8
    person.drag((100.0, 20.0), (100.0, 60.0))
    painted = person.mask
    assert painted[100, 20:60].all()
    assert isinstance(prompts(person)[-1], Brush)
    preview.mode = "erase"
    person.drag((30.0, 40.0), (30.0, 70.0))
    erased = person.mask
    assert not erased[30, 40:70].any()
    person.dock.controls.tools.choose("click")
    person.click(*RED)
    assert person.mask[90, 115]
    assert person.mask[100, 20:60].all()
    assert not person.mask[30, 40:70].any()
    for mask in (erased, painted, white):
        person.undo()
        np.testing.assert_array_equal(person.mask, mask)


def test_the_brush_undoes_by_keys_and_is_enough_for_an_object(
    make_person: MakePerson,
) -> None:
    person = make_person()
    calls = person.models.network.calls
    person.dock.controls.tools.choose("brush")
    person.layers.preview.brush_size = 10
    person.drag((100.0, 20.0), (100.0, 60.0))
    mask = person.mask
    person.undo()
    assert not person.mask.any()
    person.redo()
    np.testing.assert_array_equal(person.mask, mask)
    assert person.viewer.layers.selection.active is person.layers.preview
    person.dock.controls.kind.choose("object")
    person.enter()
    np.testing.assert_array_equal(person.target.data > 0, mask)
    assert list(person.target.features["source"]) == ["brush"]
    assert person.models.network.calls == calls


def test_what_is_painted_over_a_mask_is_what_differs(make_person: MakePerson) -> None:
    person = make_person(show=False)
    random = np.random.default_rng(0)
    before = np.zeros((120, 160), np.bool_)
    before[20:60, 30:90] = random.random((40, 60)) < 0.5
    part = MaskPart(Window(20, 30, 60, 90), before[20:60, 30:90])
    person.layers.mask.show(part)
    now = before.copy()
    now[5:80, 50:120] = random.random((75, 70)) < 0.5
    changed, preview = np.nonzero(np.ones_like(now)), person.layers.preview
    with preview.block_history():
        preview.data_setitem(changed, now[changed].astype(np.uint8))
    brush = prompts(person)[-1]
    assert isinstance(brush, Brush)
    inside, outside = (np.zeros_like(now) for _ in range(2))
    inside[brush.window.slices], outside[brush.window.slices] = (
        brush.inside,
        brush.outside,
    )
    np.testing.assert_array_equal(inside, now & ~before)
    np.testing.assert_array_equal(outside, before & ~now)


def test_a_mask_that_comes_while_one_paints_waits(make_person: MakePerson) -> None:
    person = make_person()
    network = person.models.network
    network.gate.clear()
    person.click(*WHITE, wait=False)
    person.dock.controls.tools.choose("brush")
    person.layers.preview.brush_size = 8

    def mask_comes() -> None:
        network.gate.set()
        person.wait()

    person.drag((100.0, 20.0), (100.0, 60.0), during=mask_comes)
    assert person.mask[100, 20:60].all(), "the mask wiped what was being painted"
    assert person.mask[40, 55]


def test_a_rectangle_of_a_shapes_layer(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(window=False, scale=(2, 2))
    controller = person.dock.controller
    controller.use_rectangle()
    assert "draw one in a Shapes layer" in notices[-1]
    corners = 2 * np.array([CORNERS[0], CORNERS[1]])
    person.viewer.add_shapes([corners, corners / 4], shape_type="rectangle")
    person.viewer.layers[-1].selected_data = {0}
    person.qtbot.waitUntil(
        lambda: person.dock.controls.tools.rectangle.isVisibleTo(
            person.dock.controls.tools
        )
    )
    person.dock.controls.tools.rectangle.click()
    person.wait()
    (box,) = prompts(person)
    assert box.corners == (15, 25, 66, 86)
    assert person.mask[40, 55]


def test_drawing_beside_the_image_or_in_another_plane_is_refused(
    make_person: MakePerson, notices: list[str]
) -> None:
    image = np.zeros((3, 60, 80), np.uint8)
    person = make_person(image, window=False)
    layers = person.layers
    drawn = layers.clicks.drawn
    drawn.emit("box", np.array([(-20.0, -20.0), (-5.0, 30.0)]), True)
    assert "outside of the image" in notices[-1]
    assert prompts(person) == ()
    drawn.emit("box", np.array([(5.0, 5.0), (25.0, 30.0)]), True)
    person.wait()
    person.viewer.dims.set_point(0, 2)
    drawn.emit("stroke", np.array([GROUND]) / 4, True)
    assert "is in slice" in notices[-1]
    assert len(prompts(person)) == 1


@pytest.mark.parametrize("name", ["largest", "fill_holes"])
def test_the_mask_follows_the_tidy_tab(make_person: MakePerson, name: str) -> None:
    image = np.full((60, 80, 3), 20, np.uint8)
    image[10:40, 10:40] = 230
    image[20:25, 20:25] = 20
    image[50:54, 60:64] = 230
    person = make_person(image, window=False)
    person.layers.points.add((15.0, 15.0))
    person.wait()
    plain, tidy = person.mask, person.dock.controls.tidy
    assert plain[52, 62]
    assert not plain[22, 22]
    tabs = person.dock.controls._tabs
    assert tabs.tabText(1) == "Tidy"
    getattr(tidy, name).setChecked(True)
    person.wait()
    assert tabs.tabText(1) == "Tidy (on)"
    assert person.mask[52, 62] == (name == "fill_holes")
    assert person.mask[22, 22] == (name == "fill_holes")
    tidy.grow.setValue(2)
    person.wait()
    assert person.mask[8, 20]
    shown = person.mask
    person.dock.controls.finish.click()
    person.wait()
    np.testing.assert_array_equal(person.target.data > 0, shown)
    person.layers.points.add((15.0, 15.0))
    person.wait()
    np.testing.assert_array_equal(person.mask, shown)
    tidy.reset()
    person.wait()
    np.testing.assert_array_equal(person.mask, plain)
