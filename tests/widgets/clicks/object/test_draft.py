"""The object in progress outlives the program, and finished ones are opened again."""

import json
from typing import Any

import numpy as np
import pytest
from tests.widgets.dock_person import RED, WHITE, MakePerson, Person

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress
from napari_edgeflow.widgets.layers.planes import Plane

FLAT = Plane((None, None))


def through_json(draft: ObjectInProgress) -> ObjectInProgress:
    return ObjectInProgress.from_json(json.loads(json.dumps(draft.to_json())))


def new_program(person: Person) -> None:
    """Forget all but what is in the viewer's image, as a new start does."""
    person.dock.controller.clear()
    person.dock.controller.forget()
    person.wait()


def test_a_killed_object_is_taken_up_again(make_person: MakePerson) -> None:
    person = make_person(window=False)
    controller = person.dock.controller
    assert controller.draft() is None
    told: list[ObjectInProgress | None] = []
    controller.draft_changed.connect(lambda: told.append(controller.draft()))
    person.dock.controls.classes.choose(15)
    for point in (WHITE, RED):
        person.layers.points.add(point)
        person.wait()
    assert [len(d.prompts) for d in told if d is not None][-2:] == [1, 2]
    person.dock.controls.classes.choose(8)
    draft, mask = told[-1], person.mask
    assert draft is not None
    assert draft.class_id == 8
    new_program(person)
    assert not person.mask.any()
    assert told[-1] is None
    person.dock.controls.classes.choose(1)
    person.dock.resume(person.viewer.layers["squares"], None, through_json(draft))
    person.wait()
    np.testing.assert_array_equal(person.mask, mask)
    assert len(person.layers.points.data) == 2
    assert person.dock.controls.classes.current_id == 8
    person.dock.controls.undo.click()
    person.wait()
    assert person.signs == [True]
    assert not person.mask[90, 115]


def finished(person: Person) -> Any:
    person.dock.controls.kind.choose("object")
    for point in (WHITE, RED):
        person.layers.points.add(point)
    person.wait()
    mask = person.mask
    person.dock.controls.finish.click()
    person.wait()
    return person.target, mask


def reopen(person: Person, layer: Any, mask: Any, prompts: Any) -> None:
    image = person.viewer.layers["squares"]
    person.dock.correct(image, layer, FLAT, mask, 1, prompts, seconds=30)
    person.wait()


def test_a_finished_object_is_opened_again_with_its_clicks(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    layer, mask = finished(person)
    reopen(person, layer, mask, [Click(*WHITE), Click(*RED)])
    np.testing.assert_array_equal(person.mask, mask)
    assert person.signs == [True, True]
    draft = person.dock.controller.draft()
    assert draft is not None
    assert draft.seconds >= 30
    person.dock.controls.undo.click()
    person.wait()
    assert not person.mask[90, 115]
    assert person.mask[40, 55]
    assert not person.dock.controls.undo.isEnabled()
    person.dock.controls.finish.click()
    person.wait()
    assert set(np.unique(layer.data)) == {0, 1}
    assert not layer.data[90, 115]


def test_an_object_that_was_edited_since_starts_from_its_mask(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    layer, mask = finished(person)
    edited = mask.copy()
    edited[30:60, 30:80] = False
    rows, columns = np.nonzero(mask & ~edited)
    layer.data_setitem((rows, columns), 0)
    reopen(person, layer, edited, [Click(*WHITE), Click(*RED)])
    np.testing.assert_array_equal(person.mask, edited)
    assert person.signs == []
    person.layers.points.add((100.0, 20.0))
    person.wait()
    assert person.mask[100, 20]


def test_a_draft_of_a_correction_replaces_its_object(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer, mask = finished(person)
    person.dock.correct(person.viewer.layers["squares"], layer, FLAT, mask, 1)
    person.wait()
    person.layers.points.add((100.0, 20.0))
    person.wait()
    draft, corrected = person.dock.controller.draft(), person.mask
    assert draft is not None
    new_program(person)
    image = person.viewer.layers["squares"]
    person.dock.resume(image, layer, through_json(draft))
    person.wait()
    np.testing.assert_array_equal(person.mask, corrected)
    person.dock.controls.finish.click()
    person.wait()
    assert set(np.unique(layer.data)) == {0, 1}
    np.testing.assert_array_equal(layer.data == 1, corrected)


def test_a_draft_of_another_plane_is_refused(make_person: MakePerson) -> None:
    person = make_person(np.zeros((3, 20, 30), np.uint8), window=False)
    image = person.viewer.layers["squares"]
    draft = ObjectInProgress(Plane((2, None, None)), (Click(5, 5),), 1)
    with pytest.raises(ValueError, match="slice 2 of axis 0 is not shown"):
        person.dock.resume(image, None, draft)
    person.viewer.dims.set_point(0, 2)
    beyond = ObjectInProgress(Plane((2, None, None)), (Click(50, 5),), 1)
    with pytest.raises(ValueError, match="outside the image"):
        person.dock.resume(image, None, beyond)
    person.dock.resume(image, None, draft)
    person.wait()
    assert person.signs == [True]
