"""From an object in the result to the dock that corrects it."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.widgets.dock_person import (
    GROUND,
    RED,
    RIGHT,
    WHITE,
    FakeModels,
    Person,
    two_squares,
)
from tests.widgets.segment_person import (
    CAT,
    EXPECTED,
    PERSON,
    MakeSegmentPerson,
    SegmentPerson,
)

from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.layers.helpers import is_helper


@pytest.fixture
def clicker(models: FakeModels) -> Any:
    """Open the click dock beside the other one."""

    def make(person: SegmentPerson) -> Person:
        dock = ClickWidget(person.viewer, models)
        person.viewer.window.add_dock_widget(dock, name="Click to label", tabify=True)
        other = Person(person.viewer, dock, models, person.qtbot, person.canvas)
        other.wait()
        return other

    return make


def pick(person: SegmentPerson, clicker: Person, *point: float) -> None:
    """Press the button and click on a pixel of the image."""
    person.controls.correct.click()
    assert person.controls.correct.isChecked()
    QTest.qWait(20)
    QTest.mouseClick(person.canvas, Qt.MouseButton.LeftButton, pos=clicker.place(point))
    person.wait()
    clicker.wait()


def test_an_object_is_picked_by_a_click_and_corrected(
    make_segmenter: MakeSegmentPerson, clicker: Any
) -> None:
    image = two_squares()
    image[5:10, 100:110] = 230
    person = make_segmenter(image)
    click = clicker(person)
    person.run()
    target = person.target
    before = target.data.copy()
    callbacks = list(person.viewer.mouse_drag_callbacks)
    pick(person, click, *WHITE)
    assert not person.controls.correct.isChecked()
    assert person.viewer.mouse_drag_callbacks == callbacks
    np.testing.assert_array_equal(target.data, before)
    expected = np.zeros((120, 160), bool)
    expected[20:60, 30:80] = True
    np.testing.assert_array_equal(click.mask, expected)
    controls = click.dock.controls
    assert controls.image.layer is person.controls.image.layer
    assert controls.target.layer is target
    assert controls.classes.current_id == PERSON
    click.click(*RED)
    click.click(25, 35, button=RIGHT)
    new = click.mask
    assert new[90, 115]
    assert not new[25, 35]
    click.enter()
    kept = np.where(expected, 0, before)
    np.testing.assert_array_equal(target.data, np.where(new, PERSON, kept))
    assert target.data[7, 105] == PERSON, "another object of the class was changed"
    target.undo()
    np.testing.assert_array_equal(target.data, before)


def test_an_object_keeps_its_id(
    make_segmenter: MakeSegmentPerson, clicker: Any
) -> None:
    person = make_segmenter()
    click = clicker(person)
    person.controls.kind.choose("object")
    person.run()
    target = person.target
    assert list(target.features["index"]) == [1, 2]
    value = int(target.data[90, 115])
    pick(person, click, *RED)
    assert click.dock.controls.classes.current_id == CAT
    click.click(*WHITE)
    new = click.mask
    click.enter()
    np.testing.assert_array_equal(target.data == value, new)
    assert list(target.features["index"]) == [1, 2]


def test_the_click_dock_is_opened_if_need_be(
    make_segmenter: MakeSegmentPerson, models: FakeModels
) -> None:
    person = make_segmenter()
    person.run()
    image = person.viewer.layers["squares"]
    person.controls.correct.click()
    camera = person.viewer.scene.camera
    canvas = person.canvas
    y, x = image.data_to_world(RED)
    place = canvas.rect().center()
    place.setX(round((x - camera.center[-1]) * camera.zoom + canvas.width() / 2))
    place.setY(round((y - camera.center[-2]) * camera.zoom + canvas.height() / 2))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    person.wait()
    docks = person.viewer.window.dock_widgets.values()
    (dock,) = (dock for dock in docks if isinstance(dock, ClickWidget))
    click = Person(person.viewer, dock, models, person.qtbot, canvas)
    click.wait()
    np.testing.assert_array_equal(click.mask, EXPECTED == CAT)
    preview = dock.controller.layers.preview
    assert is_helper(preview)
    assert person.controls.target.findText("Preview") < 0


def test_clicks_beside_an_object_pick_nothing(
    make_segmenter: MakeSegmentPerson, clicker: Any
) -> None:
    person = make_segmenter()
    click = clicker(person)
    person.run()
    center = person.viewer.scene.camera.center
    for point in (GROUND, (-5, 50)):
        pick(person, click, *point) if not person.controls.correct.isChecked() else (
            QTest.mouseClick(
                person.canvas, Qt.MouseButton.LeftButton, pos=click.place(point)
            )
        )
        assert "click on an object" in person.state
        assert person.controls.correct.isChecked()
    assert person.viewer.scene.camera.center == center
    person.controls.correct.click()
    assert not person.controls.correct.isChecked()
    assert not person.dock.picker.armed
    assert not click.mask.any()


def test_there_must_be_labels_to_correct(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    person.controls.correct.click()
    assert "no labels to correct" in notices[-1]
    assert not person.controls.correct.isChecked()
    other = person.viewer.add_labels(np.zeros((5, 5), np.uint8), name="other")
    person.controls.target.choose(other)
    person.controls.correct.click()
    assert "(5, 5)" in notices[-1]
    assert not person.dock.picker.armed


def test_a_busy_click_dock_refuses(
    make_segmenter: MakeSegmentPerson, clicker: Any, notices: list[str]
) -> None:
    person = make_segmenter()
    click = clicker(person)
    person.run()
    click.dock.controller.layers.points.add(RED)
    click.wait()
    mask = click.mask
    pick(person, click, *WHITE)
    assert "in progress" in notices[-1]
    np.testing.assert_array_equal(click.mask, mask)


def test_a_plane_of_a_stack(make_segmenter: MakeSegmentPerson, clicker: Any) -> None:
    person = make_segmenter(np.stack([two_squares()] * 3))
    click = clicker(person)
    person.viewer.dims.set_current_step(0, 2)
    person.controls.planes.setCurrentIndex(1)
    person.run()
    pick(person, click, 2, *RED)
    np.testing.assert_array_equal(click.mask, EXPECTED == CAT)
    click.click(2, *WHITE)
    click.enter()
    assert person.target.data[2, 40, 55] == CAT
    np.testing.assert_array_equal(person.target.data[1], EXPECTED)


@pytest.mark.parametrize("which", ["image", "labels", "dock"])
def test_what_goes_while_armed(make_segmenter: MakeSegmentPerson, which: str) -> None:
    person = make_segmenter()
    person.run()
    person.controls.correct.click()
    callbacks = person.viewer.mouse_drag_callbacks
    count = len(callbacks)
    if which == "dock":
        person.viewer.window.remove_dock_widget(person.dock)
    else:
        layer = person.target if which == "labels" else person.viewer.layers["squares"]
        person.viewer.layers.remove(layer)
        QTest.mouseClick(person.canvas, Qt.MouseButton.LeftButton)
        person.wait()
        assert "gone" in person.state
    assert len(callbacks) == count - 1
