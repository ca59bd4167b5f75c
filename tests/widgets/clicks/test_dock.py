"""The click dock in a real viewer, used by mouse and keyboard."""

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.widgets.dock_person import GROUND, RED, RIGHT, WHITE, MakePerson, two_squares

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.workspace.workspace import Workspace


def test_a_click_shows_the_mask_and_enter_keeps_it(make_person: MakePerson) -> None:
    person = make_person()
    person.dock.controls.classes.choose(15)
    person.click(*WHITE)
    expected = np.zeros((120, 160), bool)
    expected[20:60, 30:80] = True
    assert (person.mask == expected).mean() > 0.98
    mask = person.mask
    person.enter()
    target = person.target
    assert target.name == "squares classes"
    np.testing.assert_array_equal(target.data, np.where(mask, 15, 0))
    assert not person.mask.any()
    assert len(person.layers.points.data) == 0
    assert target.metadata["napari_edgeflow"]["kind"] == "semantic"
    voc = ClassTable.voc()
    rgb = np.round(target.get_color(15)[:3] * 255)
    np.testing.assert_array_equal(rgb, voc.get(15).colour)
    target.undo()
    assert not target.data.any()
    target.redo()
    np.testing.assert_array_equal(target.data > 0, mask)


def test_left_is_positive_and_right_is_negative(make_person: MakePerson) -> None:
    person = make_person()
    zoom = person.viewer.scene.camera.zoom
    person.click(*WHITE)
    person.click(*RED)
    assert person.mask[90, 115]
    person.click(90, 125, button=RIGHT)
    assert person.signs == [True, True, False]
    points = person.layers.points
    green, red = points.face_color[0], points.face_color[2]
    assert green[1] > green[0]
    assert red[0] > red[1]
    assert not person.mask[90, 125]
    assert person.viewer.scene.camera.zoom == zoom


def test_the_polarity_buttons_swap_the_mouse_buttons(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    person.dock.controls.negative.click()
    person.click(50, 70)
    person.click(25, 35, button=RIGHT)
    assert person.signs == [True, False, True]


def test_undo_and_redo_by_keys_give_the_same_masks_back(
    make_person: MakePerson,
) -> None:
    person = make_person()
    masks = [person.mask]
    for point, button in ((WHITE, None), (RED, None), ((90, 125), RIGHT)):
        person.click(*point, **({"button": button} if button else {}))
        masks.append(person.mask)
    calls = person.models.network.calls
    for mask in masks[-2::-1]:
        person.undo()
        np.testing.assert_array_equal(person.mask, mask)
    assert len(person.layers.points.data) == 0
    person.undo()
    for mask in masks[1:]:
        person.redo()
        np.testing.assert_array_equal(person.mask, mask)
    assert person.models.network.calls == calls, "known results were computed again"
    assert person.signs == [True, True, False]
    np.testing.assert_array_equal(
        person.layers.points.features["positive"], [True, True, False]
    )


def test_undo_while_the_pointer_is_over_the_point(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    person.click(*RED)
    person.undo()
    person.click(*GROUND)
    assert [round(c.x) for c in person.dock.controller.clicks] == [55, 30]


def test_moving_a_point_runs_the_model_and_can_be_undone(
    make_person: MakePerson,
) -> None:
    person = make_person()
    person.click(*WHITE)
    white = person.mask
    person.layers.points.mode = "select"
    person.drag(WHITE, RED)
    (click,) = person.dock.controller.clicks
    assert (click.y, click.x) == pytest.approx(RED, abs=1)
    assert person.mask[90, 115]
    assert not person.mask[40, 55]
    person.undo()
    np.testing.assert_array_equal(person.mask, white)


def test_deleting_a_point_runs_the_model_and_can_be_undone(
    make_person: MakePerson,
) -> None:
    person = make_person()
    person.click(*WHITE)
    white = person.mask
    person.click(*RED)
    person.layers.points.mode = "select"
    person.click(*RED)
    person.key(Qt.Key.Key_Delete)
    np.testing.assert_array_equal(person.mask, white)
    person.undo()
    assert person.mask[90, 115]
    person.layers.points.selected_data = {0, 1}
    person.layers.points.remove_selected()
    person.wait()
    assert not person.mask.any()
    person.undo()
    assert person.signs == [True, True]


def test_clear_can_be_undone(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    white = person.mask
    person.dock.controls.clear.click()
    person.wait()
    assert not person.mask.any()
    assert len(person.layers.points.data) == 0
    person.dock.controls.undo.click()
    person.wait()
    np.testing.assert_array_equal(person.mask, white)


def test_objects_get_ids_rows_and_the_colour_of_their_class(
    make_person: MakePerson,
) -> None:
    person = make_person()
    person.dock.controls.kind.choose("object")
    for point, class_id in ((WHITE, 8), (RED, 15)):
        person.dock.controls.classes.choose(class_id)
        person.click(*point)
        person.enter()
    target = person.target
    assert target.data[40, 55] == 1
    assert target.data[90, 115] == 2
    features = target.features
    assert list(features["index"]) == [1, 2]
    assert list(features["class_id"]) == [8, 15]
    assert list(features["class_name"]) == ["cat", "person"]
    assert (features["seconds"] >= 0).all()
    (click,) = json.loads(features["clicks"][1])
    assert click["y"] == pytest.approx(90, abs=1)
    assert click["positive"]
    voc = ClassTable.voc()
    for object_id, class_id in ((1, 8), (2, 15)):
        rgb = np.round(target.get_color(object_id)[:3] * 255)
        np.testing.assert_array_equal(rgb, voc.get(class_id).colour)


def test_never_overwrite_keeps_labels(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person()
    classes = person.dock.controls.classes
    classes.choose(3)
    person.click(*WHITE)
    person.enter()
    person.dock.controls.keep_existing.setChecked(True)
    classes.choose(4)
    person.click(*WHITE)
    person.enter()
    assert set(np.unique(person.target.data)) == {0, 3}
    assert "have a label already" in notices[-1]
    assert person.signs == [True], "the object in progress was lost"
    person.click(*RED)
    person.enter()
    assert person.target.data[40, 55] == 3
    assert person.target.data[90, 115] == 4


def test_finishing_without_a_mask_says_so_and_changes_nothing(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person()
    person.enter()
    assert "no mask" in notices[-1]
    person.click(*WHITE, button=RIGHT)
    assert not person.mask.any()
    layers = list(person.viewer.layers)
    person.enter()
    assert "mask is empty" in notices[-1]
    assert list(person.viewer.layers) == layers


def test_finishing_waits_for_the_latest_click(make_person: MakePerson) -> None:
    person = make_person()
    gate = person.models.network.gate
    person.click(*WHITE)
    gate.clear()
    person.click(*RED, wait=False)
    person.dock.controls.finish.click()
    assert person.target is None
    gate.set()
    person.wait()
    assert person.target.data[90, 115] == 1


def test_the_dock_shows_device_time_and_what_to_do(make_person: MakePerson) -> None:
    person = make_person()
    controls = person.dock.controls
    assert controls.state.text() == "CPU · ready"
    assert "Click on an object" in controls.hint.text()
    assert not controls.undo.isEnabled()
    person.click(*WHITE)
    assert controls.state.text().startswith("CPU · last click ")
    assert "Enter" in controls.hint.text()
    shortcuts = Workspace.of(person.viewer).shortcuts
    shortcuts.assign("finish", "J")
    assert "press J to keep it" in controls.hint.text()
    shortcuts.assign("finish", "")
    assert f"press “{controls.finish.text()}” to keep" in controls.hint.text()
    assert controls.undo.isEnabled()
    person.viewer.layers.selection.active = person.viewer.layers["squares"]
    assert "Select the layer" in controls.hint.text()


def test_clicks_on_the_dock_leave_the_keys_to_the_canvas(
    make_person: MakePerson,
) -> None:
    person = make_person()
    person.canvas.setFocus()
    person.click(*WHITE)
    controls = person.dock.controls
    for button in (controls.negative, controls.positive, controls.undo):
        person.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not controls.focusWidget()
    person.wait()
    person.redo()
    assert person.signs == [True]


def test_a_plane_of_a_stack(make_person: MakePerson, notices: list[str]) -> None:
    stack = np.stack([two_squares()[..., 0]] * 5)
    person = make_person(stack, scale=(4, 1, 1))
    person.viewer.dims.set_current_step(0, 3)
    person.click(3, *WHITE)
    assert person.mask[40, 55]
    person.viewer.dims.set_current_step(0, 1)
    person.click(1, *RED)
    assert "slice 3 of axis 0" in notices[-1]
    assert "slice 3 of axis 0" in person.dock.controls.hint.text()
    assert len(person.layers.points.data) == 1
    person.enter()
    target = person.target
    assert target.data.shape == (5, 120, 160)
    assert target.data.any(axis=(1, 2)).tolist() == [False, False, False, True, False]
    person.qtbot.wait(200)
    person.wait()
    person.click(1, *RED)
    person.enter()
    assert target.data.any(axis=(1, 2)).tolist() == [False, True, False, True, False]
    assert target.data[3, 40, 55] == 1
    target.undo()
    assert target.data.any(axis=(1, 2)).tolist() == [False, False, False, True, False]


def test_another_plane_after_clearing(make_person: MakePerson) -> None:
    stack = np.stack([two_squares()[..., 0]] * 3)
    person = make_person(stack)
    person.viewer.dims.set_current_step(0, 0)
    person.click(0, *WHITE)
    person.dock.controls.clear.click()
    person.viewer.dims.set_current_step(0, 2)
    person.click(2, *RED)
    assert person.mask[90, 115]
    assert person.dock.controller.clicks[0].y == pytest.approx(90, abs=1)
    person.enter()
    assert person.target.data.any(axis=(1, 2)).tolist() == [False, False, True]


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (1, 2, 0)])
def test_other_planes_of_a_volume(
    make_person: MakePerson, order: tuple[int, int, int]
) -> None:
    volume = np.full((60, 70, 80), 20, np.uint8)
    volume[10:40, 20:50, 30:60] = 230
    person = make_person(volume)
    person.viewer.dims.order = order
    held = order[0]
    centre = (25, 35, 45)
    person.viewer.dims.set_current_step(held, centre[held])
    person.viewer.reset_view()
    person.qtbot.wait(200)
    person.wait()
    person.click(*centre)
    person.enter()
    expected = np.zeros_like(volume)
    index = [slice(10, 40), slice(20, 50), slice(30, 60)]
    index[held] = slice(centre[held], centre[held] + 1)
    expected[tuple(index)] = 1
    difference = expected != person.target.data
    assert difference.sum() < 150
    assert not np.delete(person.target.data, centre[held], axis=held).any()


def test_volumes_shown_in_3d_are_refused(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(np.stack([two_squares()[..., 0]] * 3), window=False)
    person.viewer.dims.ndisplay = 3
    assert "2D" in person.dock.controls.hint.text()
    person.layers.points.add((1, *WHITE))
    person.wait()
    assert "2D" in notices[-1]
    assert len(person.layers.points.data) == 0
    person.viewer.dims.ndisplay = 2
    assert "Click on" in person.dock.controls.hint.text()


def test_a_scaled_moved_and_rotated_image(make_person: MakePerson) -> None:
    person = make_person(
        two_squares(), scale=(2.5, 0.5), translate=(30, -40), rotate=30
    )
    person.click(*WHITE)
    (click,) = person.dock.controller.clicks
    assert (click.y, click.x) == pytest.approx(WHITE, abs=1)
    person.enter()
    image, target = person.viewer.layers["squares"], person.target
    for point in ((0, 0), (100, 30)):
        np.testing.assert_allclose(
            target.data_to_world(point), image.data_to_world(point)
        )
    assert target.data[40, 55] == 1
    image.rotate = 10
    image.translate = (5, 5)
    for layer in (person.layers.points, person.layers.preview):
        np.testing.assert_allclose(
            layer.data_to_world((3, 4)), image.data_to_world((3, 4))
        )


def test_a_click_outside_the_image_is_refused(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person()
    person.click(*WHITE)
    person.click(-3, 50)
    assert "outside the image" in notices[-1]
    assert len(person.layers.points.data) == 1
    assert person.signs == [True]


def test_a_first_click_looks_where_the_person_looks(make_person: MakePerson) -> None:
    person = make_person(two_squares((1000, 1200)))
    camera = person.viewer.scene.camera
    camera.zoom *= 6
    camera.center = (0, *WHITE)
    person.qtbot.wait(100)
    person.click(*WHITE)
    view = person.dock.controller.draft().view
    assert view is not None
    assert view.height < 300
    assert view.top <= 40 <= view.bottom


def test_points_keep_their_size_on_the_screen(make_person: MakePerson) -> None:
    person = make_person()
    person.click(*WHITE)
    points, camera = person.layers.points, person.viewer.scene.camera
    before = points.size[0] * camera.zoom
    camera.zoom *= 3
    assert points.size[0] * camera.zoom == pytest.approx(before)
