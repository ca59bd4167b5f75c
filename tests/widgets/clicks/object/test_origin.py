"""Correcting an object that is in a Labels layer already."""

import json
from typing import Any

import numpy as np
import pytest
from tests.widgets.dock_person import RED, RIGHT, WHITE, MakePerson, Person, two_squares

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.widgets.layers.labels import add_labels
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.workspace import Workspace

VOC = ClassTable.voc()
FLAT = Plane((None, None))

OLD = np.zeros((120, 160), bool)
OLD[20:40, 10:50] = True
"""The upper left of the white square, and ground on its left."""


def labels_of(person: Person, kind: Any = "semantic", value: int = 15) -> Any:
    image = person.viewer.layers["squares"]
    layer = add_labels(person.viewer, image, LabelScheme(kind, VOC))
    layer.data_setitem(np.nonzero(OLD), value)
    layer.data_setitem((np.array([100, 101]), np.array([5, 5])), 3)
    return layer


def correct(person: Person, layer: Any, class_id: int = 15) -> None:
    image = person.viewer.layers["squares"]
    person.dock.correct(image, layer, FLAT, OLD, class_id)
    person.wait()


def add(person: Person, *point: float, positive: bool = True) -> None:
    person.dock.controls.positive.setChecked(positive)
    person.dock.controls.negative.setChecked(not positive)
    person.layers.points.add(point)
    person.wait()


def test_the_object_is_taken_over_and_replaced(make_person: MakePerson) -> None:
    person = make_person()
    layer = labels_of(person)
    before = layer.data.copy()
    correct(person, layer)
    np.testing.assert_array_equal(person.mask, OLD)
    controls = person.dock.controls
    assert controls.target.layer is layer
    assert controls.classes.current_id == 15
    assert "Enter" in controls.hint.text()
    assert controls.clear.isEnabled()
    assert not controls.undo.isEnabled()
    assert not layer.visible, "the old shape would hide what is taken away"
    assert person.viewer.layers.selection.active is person.layers.points
    person.click(*WHITE)
    person.click(30, 15, button=RIGHT)
    new = person.mask
    assert new[50, 70]
    assert not new[30, 15]
    person.enter()
    assert layer.visible
    expected = np.where(new, 15, np.where(OLD, 0, before))
    np.testing.assert_array_equal(layer.data, expected)
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    person.click(*RED)
    person.enter()
    np.testing.assert_array_equal(layer.data[OLD], 15, "it was replaced once more")


def test_undo_goes_back_to_the_mask_it_started_from(make_person: MakePerson) -> None:
    person = make_person(window=False)
    correct(person, labels_of(person))
    masks = [person.mask]
    for point in (WHITE, RED):
        add(person, *point)
        masks.append(person.mask)
    for mask in masks[-2::-1]:
        person.dock.controller.undo()
        person.wait()
        np.testing.assert_array_equal(person.mask, mask)
    np.testing.assert_array_equal(person.mask, OLD)
    assert not person.dock.controls.undo.isEnabled()
    for mask in masks[1:]:
        person.dock.controller.redo()
        person.wait()
        np.testing.assert_array_equal(person.mask, mask)


def test_clear_lets_go_of_it_and_undo_brings_it_back(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = labels_of(person)
    before = layer.data.copy()
    correct(person, layer)
    add(person, *WHITE)
    mask = person.mask
    person.dock.controls.clear.click()
    person.wait()
    assert not person.mask.any()
    assert layer.visible
    person.dock.controller.undo()
    person.wait()
    np.testing.assert_array_equal(person.mask, mask)
    assert not layer.visible
    person.dock.controls.clear.click()
    add(person, *RED)
    assert not person.mask[OLD].any(), "the cleared mask came back"
    person.dock.controls.finish.click()
    person.wait()
    np.testing.assert_array_equal(layer.data[OLD], before[OLD])
    assert layer.data[90, 115] == 15


def test_an_object_keeps_its_id_and_its_row_is_exchanged(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    layer = labels_of(person, "object", value=2)
    records = [
        ObjectRecord(i, c, VOC.get(c).name, (), 0.0, FLAT)
        for i, c in ((2, 15), (3, 7), (4, 7))
    ]
    Workspace.of(person.viewer).history.apply(layer, "import", [], records)
    correct(person, layer)
    assert person.dock.controls.settings().kind == "object"
    add(person, *WHITE)
    person.dock.controls.classes.choose(8)
    new = person.mask
    person.dock.controls.finish.click()
    person.wait()
    np.testing.assert_array_equal(layer.data == 2, new)
    assert layer.data.max() == 3
    rows = layer.features
    assert rows["index"].tolist() == [2, 3, 4]
    assert rows["class_name"].tolist() == ["cat", "car", "car"]
    assert len(json.loads(rows["clicks"][0])) == 1
    rgb = np.round(layer.get_color(2)[:3] * 255)
    np.testing.assert_array_equal(rgb, VOC.get(8).colour)
    add(person, *RED)
    person.dock.controls.finish.click()
    person.wait()
    assert layer.data[90, 115] == 4


def test_finishing_at_once_changes_only_the_class(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = labels_of(person)
    correct(person, layer)
    person.dock.controls.classes.choose(4)
    person.dock.controls.finish.click()
    person.wait()
    np.testing.assert_array_equal(layer.data == 4, OLD)
    assert not (layer.data == 15).any()


def test_labels_of_others_are_kept(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = labels_of(person)
    layer.data_setitem(np.nonzero(np.pad(np.ones((9, 9), bool), 50)), 7)
    person.dock.controls.keep_existing.setChecked(True)
    correct(person, layer)
    add(person, *WHITE)
    layer.data_setitem((np.array([22]), np.array([12])), 9)
    person.dock.controls.finish.click()
    person.wait()
    assert (layer.data[50:59, 50:59] == 7).all()
    assert layer.data[40, 55] == 15
    assert layer.data[22, 12] == 9, "painted over meanwhile"


def test_an_object_in_progress_is_not_lost(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = labels_of(person)
    add(person, *RED)
    mask = person.mask
    with pytest.raises(ValueError, match="in progress"):
        correct(person, layer)
    np.testing.assert_array_equal(person.mask, mask)
    assert layer.visible


def test_masks_that_do_not_fit_are_refused(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = labels_of(person)
    image = person.viewer.layers["squares"]
    with pytest.raises(ValueError, match="no class 99"):
        person.dock.correct(image, layer, FLAT, OLD, 99)
    person.viewer.layers.remove(layer)
    with pytest.raises(ValueError, match="are gone"):
        person.dock.correct(image, layer, FLAT, OLD, 15)
    assert not person.mask.any()


def test_the_plane_must_be_the_one_that_is_shown(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(np.stack([two_squares()[..., 0]] * 3), window=False)
    person.viewer.dims.set_current_step(0, 1)
    image = person.viewer.layers["squares"]
    layer = add_labels(person.viewer, image, LabelScheme("semantic", VOC))
    for z in (0, 1):
        layer.data[z][OLD] = 15
    with pytest.raises(ValueError, match="slice 0 of axis 0 is not shown"):
        person.dock.correct(image, layer, Plane((0, None, None)), OLD, 15)
    person.dock.correct(image, layer, Plane((1, None, None)), OLD, 15)
    person.wait()
    np.testing.assert_array_equal(person.mask, OLD)
    person.viewer.dims.set_current_step(0, 2)
    assert "slice 1 of axis 0" in person.dock.controls.hint.text()
    add(person, 2, *RED)
    assert "slice 1 of axis 0" in notices[-1]
    np.testing.assert_array_equal(person.mask, OLD)
    person.viewer.dims.set_current_step(0, 1)
    add(person, 1, *WHITE)
    new = person.mask
    person.dock.controls.finish.click()
    person.wait()
    np.testing.assert_array_equal(layer.data[1] > 0, new)
    np.testing.assert_array_equal(layer.data[0] > 0, OLD)


@pytest.mark.parametrize("which", ["image", "labels", "dock"])
def test_what_goes_meanwhile(
    make_person: MakePerson, notices: list[str], which: str
) -> None:
    person = make_person(show=False)
    layer = labels_of(person)
    correct(person, layer)
    add(person, *WHITE)
    if which == "dock":
        person.viewer.window.remove_dock_widget(person.dock)
    else:
        person.viewer.layers.remove("squares" if which == "image" else layer)
        person.wait()
    if which == "labels":
        person.dock.controls.finish.click()
        person.wait()
        assert person.target is not layer
        assert person.target.data[40, 55] == 15
    else:
        assert layer.visible
        np.testing.assert_array_equal(layer.data == 15, OLD)
