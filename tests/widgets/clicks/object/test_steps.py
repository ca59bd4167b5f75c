"""Undo and redo across clicks, finished objects and what else is done to them."""

from typing import Any

import numpy as np
from qtpy.QtTest import QTest
from tests.widgets.dock_person import RED, WHITE, MakePerson, Person, two_squares

from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.workspace.workspace import Workspace


def add(person: Person, y: float, x: float) -> None:
    person.layers.points.add((y, x))
    person.wait()


def finish(person: Person) -> None:
    person.dock.controls.finish.click()
    person.wait()


def objects(person: Person) -> list[int]:
    return np.unique(person.target.data).tolist()[1:]


def open_objects(person: Person) -> ObjectsWidget:
    dock = ObjectsWidget(person.viewer)
    person.viewer.window.add_dock_widget(dock, name="Objects")
    wait_for(person, dock)
    return dock


def wait_for(person: Person, dock: ObjectsWidget) -> None:
    QTest.qWait(1)
    person.qtbot.waitUntil(lambda: not dock.busy, timeout=20_000)
    person.wait()


def test_undo_goes_back_through_finished_objects_click_by_click(
    make_person: MakePerson,
) -> None:
    person = make_person()
    person.dock.controls.kind.choose("object")
    person.click(*WHITE)
    person.click(25.0, 40.0)
    person.enter()
    white = person.target.data == 1
    person.click(*RED)
    person.enter()
    both = person.target.data.copy()
    rows = person.target.features.to_dict("records")

    person.undo()
    assert objects(person) == [1]
    [click] = person.dock.controller.clicks
    assert np.hypot(click.y - RED[0], click.x - RED[1]) < 1
    np.testing.assert_array_equal(person.mask, both == 2)
    person.undo()
    assert person.dock.controller.clicks == ()
    assert not person.mask.any()
    person.undo()
    assert objects(person) == []
    assert len(person.dock.controller.clicks) == 2
    np.testing.assert_array_equal(person.mask, white)
    person.undo()
    person.undo()
    person.undo()
    assert person.dock.controller.clicks == ()
    assert not person.dock.controls.undo.isEnabled()

    for _ in range(2):
        person.redo()
    np.testing.assert_array_equal(person.mask, white)
    person.redo()
    assert objects(person) == [1]
    assert person.dock.controller.clicks == ()
    person.redo()
    np.testing.assert_array_equal(person.target.data, both)
    assert person.target.features.to_dict("records") == rows
    assert not person.dock.controls.redo.isEnabled()


def test_other_clicks_end_what_could_be_redone(make_person: MakePerson) -> None:
    person = make_person(window=False)
    person.dock.controls.kind.choose("object")
    add(person, *WHITE)
    finish(person)
    person.dock.controller.undo()
    add(person, *RED)
    assert not person.dock.controls.redo.isEnabled()
    person.dock.controller.redo()
    person.wait()
    assert objects(person) == []
    finish(person)
    assert Workspace.of(person.viewer).history.redo_text == ""
    assert person.target.data[40, 55] == person.target.data[90, 115] == 1


def test_finished_classes_are_taken_back_too(make_person: MakePerson) -> None:
    person = make_person(window=False)
    person.dock.controls.classes.choose(8)
    add(person, *WHITE)
    finish(person)
    assert objects(person) == [8]
    person.dock.controls.classes.choose(3)
    person.dock.controls.undo.click()
    person.wait()
    assert objects(person) == []
    assert person.dock.controls.classes.current_id == 8
    assert person.mask.any()


def test_undo_goes_back_to_the_slice_of_the_object(make_person: MakePerson) -> None:
    stack = np.stack([two_squares(), two_squares()])[..., 0]
    person = make_person(stack, window=False)
    viewer: Any = person.viewer
    viewer.dims.set_point(0, 1)
    QTest.qWait(200)
    person.wait()
    person.layers.points.add((1, *WHITE))
    person.wait()
    finish(person)
    viewer.dims.set_point(0, 0)
    QTest.qWait(200)
    person.dock.controls.undo.click()
    person.wait()
    assert viewer.dims.current_step[0] == 1
    assert person.mask.any()
    finish(person)
    assert not person.target.data[0].any()


def test_what_is_done_to_objects_is_undone_in_its_turn(
    make_person: MakePerson,
) -> None:
    person = make_person(show=False)
    person.dock.controls.kind.choose("object")
    add(person, *WHITE)
    finish(person)
    dock = open_objects(person)
    dock.controller.select([1])
    dock.controls.buttons["Delete"].click()
    wait_for(person, dock)
    assert objects(person) == []
    person.dock.controls.undo.click()
    assert objects(person) == [1]
    assert person.dock.controller.clicks == ()
    person.dock.controls.undo.click()
    person.wait()
    assert objects(person) == []
    assert len(person.dock.controller.clicks) == 1


def test_an_object_whose_image_is_gone_is_only_taken_back(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    target = person.target
    person.viewer.add_image(np.zeros((50, 50)), name="other")
    person.viewer.layers.remove("squares")
    QTest.qWait(1)
    person.wait()
    person.dock.controls.undo.click()
    person.wait()
    assert not target.data.any()
    assert person.dock.controller.clicks == ()


def test_an_object_is_opened_again_with_its_clicks(make_person: MakePerson) -> None:
    person = make_person(show=False)
    person.dock.controls.kind.choose("object")
    person.dock.controls.classes.choose(8)
    add(person, *WHITE)
    add(person, 30.0, 40.0)
    finish(person)
    add(person, *RED)
    finish(person)
    person.dock.controls.classes.choose(3)
    before = person.target.data.copy()
    dock = open_objects(person)
    dock.controller.select([1])
    dock.controls.buttons["Open with clicks"].click()
    wait_for(person, dock)
    assert [(c.y, c.x) for c in person.dock.controller.clicks] == [WHITE, (30, 40)]
    assert person.dock.controls.classes.current_id == 8
    np.testing.assert_array_equal(person.mask, before == 1)
    add(person, *RED)
    finish(person)
    wait_for(person, dock)
    assert person.target.data[90, 115] == 1, "it covers the other one now"
    assert person.target.features["index"].tolist()[0] == 1
    person.dock.controls.undo.click()
    person.wait()
    np.testing.assert_array_equal(person.target.data, before)
    assert len(person.dock.controller.clicks) == 3


def test_an_object_that_was_edited_starts_from_its_pixels(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(show=False)
    person.dock.controls.kind.choose("object")
    add(person, *WHITE)
    finish(person)
    dock = open_objects(person)
    rows, columns = np.nonzero(person.target.data)
    half = columns < 50
    person.target.data_setitem((rows[half], columns[half]), 0)
    edited = person.target.data == 1
    dock.controller.select([1])
    dock.controls.buttons["Open with clicks"].click()
    wait_for(person, dock)
    assert person.dock.controller.clicks == ()
    np.testing.assert_array_equal(person.mask, edited)
    # One at a time.
    dock.controls.buttons["Open with clicks"].click()
    wait_for(person, dock)
    assert "in progress" in notices[-1]
