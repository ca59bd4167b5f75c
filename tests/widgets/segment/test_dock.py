"""Automatic segmentation in a real viewer."""

import json
from typing import Any

import numpy as np
import pytest
from napari.utils.progress import progress
from tests.widgets.dock_person import two_squares
from tests.widgets.segment_person import (
    CAT,
    EXPECTED,
    PERSON,
    MakeSegmentPerson,
    classified,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.widgets.layers.labels import new_labels, write_scheme

VOC = ClassTable.voc()


def test_a_run_makes_a_layer_of_classes(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter()
    assert person.state == "CPU · ready"
    person.run()
    target = person.target
    assert target.name == "squares classes"
    assert target.data.dtype == np.uint8
    np.testing.assert_array_equal(target.data, EXPECTED)
    entry = target.metadata["napari_edgeflow"]
    metadata = person.viewer.layers["squares"].metadata["napari_edgeflow"]
    assert entry == {
        "kind": "semantic",
        "classes": VOC.to_records(),
        "image": metadata["image"],
    }
    for class_id in (CAT, PERSON):
        rgb = np.round(target.get_color(class_id)[:3] * 255)
        np.testing.assert_array_equal(rgb, VOC.get(class_id).colour)
    assert person.viewer.layers.selection.active is target
    assert person.state.startswith("CPU · ")
    assert person.state.endswith("s · 2 classes")
    target.undo()
    assert not target.data.any()
    target.redo()
    np.testing.assert_array_equal(target.data, EXPECTED)


def test_the_table_tells_what_was_found(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter()
    person.run()
    assert person.table() == [
        ["cat", "2,000", "10.4", "0.60"],
        ["person", "2,000", "10.4", "0.90"],
    ]
    assert not person.controls.table.item(0, 0).icon().isNull()


def test_only_the_classes_ticked_are_kept(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    classes = person.controls.classes
    assert classes.fold.text() == "all 20 …"
    classes.fold.click()
    classes.none.click()
    person.run()
    assert "tick at least one" in notices[-1]
    assert person.target is None
    classes.tick(CAT, True)
    assert classes.fold.text() == "1 of 20 …"
    person.run()
    np.testing.assert_array_equal(person.target.data, np.where(EXPECTED == CAT, CAT, 0))
    assert [row[0] for row in person.table()] == ["cat"]
    classes.none.click()
    classes.tick(3, True)
    person.controls.target.choose(None)
    layers = list(person.viewer.layers)
    person.run()
    assert "no object of the classes chosen was found" in person.state
    assert list(person.viewer.layers) == layers
    assert person.table() == []


def test_small_areas_are_left_out(make_segmenter: MakeSegmentPerson) -> None:
    image = two_squares()
    image[5:8, 5:8] = 230
    person = make_segmenter(image, show=False)
    person.controls.minimum.setValue(10)
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_objects_get_ids_rows_and_colours(make_segmenter: MakeSegmentPerson) -> None:
    image = two_squares()
    image[5:10, 100:110] = 230
    image[20:60, 80:90] = (230, 20, 20)
    person = make_segmenter(image, show=False)
    person.controls.kind.choose("object")
    person.run()
    target = person.target
    assert target.name == "squares objects"
    rows = target.features
    assert list(rows["index"]) == [1, 2, 3, 4]
    assert sorted(rows["class_name"]) == ["cat", "cat", "person", "person"]
    assert set(rows["clicks"]) == {"[]"}
    assert json.loads(rows["plane"][0]) == [None, None]
    labels = classified(image)[0]
    for index, class_id in zip(rows["index"], rows["class_id"], strict=True):
        assert set(labels[target.data == index]) == {class_id}
        rgb = np.round(target.get_color(index)[:3] * 255)
        np.testing.assert_array_equal(rgb, VOC.get(class_id).colour)
    assert person.state.endswith("4 objects, 2 classes")
    np.testing.assert_array_equal(target.data > 0, labels > 0)


def test_objects_go_on_after_the_highest_id(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(show=False)
    image = person.viewer.layers["squares"]
    layer = new_labels(image, LabelScheme("object", VOC))
    layer.data[0, 0] = 7
    layer.data[20:60, 30:70] = 6
    person.viewer.add_layer(layer)
    person.controls.target.choose(layer)
    assert not person.controls.kind.isEnabled()
    person.run()
    assert layer.data[0, 0] == 7
    assert (layer.data[20:60, 30:70] == 6).all(), "a label was written over"
    assert set(np.unique(layer.data)) == {0, 6, 7, 8, 9}
    assert list(layer.features["index"]) == [8, 9]
    person.controls.only_unlabelled.setChecked(False)
    person.run()
    assert set(np.unique(layer.data)) == {0, 7, 10, 11}
    layer.undo()
    assert set(np.unique(layer.data)) == {0, 6, 7, 8, 9}


@pytest.mark.parametrize("only_unlabelled", [True, False])
def test_labels_that_are_there(
    make_segmenter: MakeSegmentPerson, only_unlabelled: bool
) -> None:
    person = make_segmenter(show=False)
    before = np.zeros((120, 160), np.int32)
    before[:, :50] = 3
    layer = person.viewer.add_labels(before.copy(), name="mine")
    person.controls.target.choose(layer)
    person.controls.only_unlabelled.setChecked(only_unlabelled)
    person.run()
    over = (EXPECTED > 0) & ((before == 0) | (not only_unlabelled))
    np.testing.assert_array_equal(layer.data, np.where(over, EXPECTED, before))
    assert person.target is layer
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_another_run_replaces_the_result_but_nothing_else(
    make_segmenter: MakeSegmentPerson,
) -> None:
    person = make_segmenter(show=False)
    person.run()
    layer = person.target
    layer.data_setitem((np.array([0, 30]), np.array([0, 40])), 5)
    person.controls.classes.tick(PERSON, False)
    person.run()
    expected = np.where(EXPECTED == CAT, CAT, 0)
    expected[[0, 30], [0, 40]] = 5
    np.testing.assert_array_equal(layer.data, expected)
    person.run()
    assert "nothing new" in person.state
    person.controls.classes.all.click()
    person.run()
    expected = EXPECTED.copy()
    expected[[0, 30], [0, 40]] = 5
    np.testing.assert_array_equal(layer.data, expected)


def test_classes_are_known_by_their_names(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(show=False)
    image = person.viewer.layers["squares"]
    own = ClassTable(
        (LabelClass(1, "person", (9, 9, 9)), LabelClass(CAT, "nucleus", (1, 2, 3)))
    )
    layer = new_labels(image, LabelScheme("semantic", own))
    person.viewer.add_layer(layer)
    person.controls.target.choose(layer)
    person.run()
    assert (layer.data[EXPECTED == PERSON] == 1).all()
    assert (layer.data[EXPECTED == CAT] == 2).all()
    records = layer.metadata["napari_edgeflow"]["classes"]
    assert [(r["id"], r["name"]) for r in records] == [
        (1, "person"),
        (CAT, "nucleus"),
        (2, "cat"),
    ]
    write_scheme(layer, LabelScheme("semantic", own))


def test_confidence_comes_and_goes_without_a_run(
    make_segmenter: MakeSegmentPerson,
) -> None:
    person = make_segmenter(scale=(2, 3), translate=(5, 6))
    person.run()
    layers, switch = person.viewer.layers, person.controls.confidence
    calls = person.models.calls
    assert len(layers) == 2
    switch.click()
    shown = layers["squares confidence"]
    np.testing.assert_allclose(shown.data[EXPECTED == CAT], 0.6)
    assert tuple(shown.contrast_limits) == (0, 1)
    np.testing.assert_array_equal(shown.scale, (2, 3))
    np.testing.assert_array_equal(shown.translate, (5, 6))
    assert layers.selection.active is person.target
    colours = shown.colormap.map(np.array([0.0, 0.5, 1.0]))
    assert colours[0, 3] > colours[1, 3] > colours[2, 3] == 0
    person.wait()
    assert person.controls.image.layer.name == "squares"
    assert person.controls.image.count() == 1
    switch.click()
    assert shown not in layers
    switch.click()
    layers.remove("squares confidence")
    assert not switch.isChecked()
    switch.click()
    person.run()
    assert [x.name for x in layers].count("squares confidence") == 1
    layers.remove(person.target)
    person.wait()
    assert [x.name for x in layers] == ["squares"]
    assert person.models.calls == 2 * calls


def test_the_settings_reach_the_network(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(show=False)
    person.run()
    assert person.models.settings[-1].tile_size == 512
    assert not person.models.settings[-1].flip
    person.controls.tile_size.setCurrentIndex(0)
    person.controls.flip.setChecked(True)
    person.run()
    assert person.models.settings[-1].tile_size == 256
    assert person.models.settings[-1].flip


def test_progress_is_shown(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(show=False)
    bars: list[Any] = []
    watched: list[int] = []

    def watch(event: Any) -> None:
        for bar in event.added:
            bars.append(bar)
            bar.events.value.connect(lambda event: watched.append(event.value))

    progress._all_instances.events.changed.connect(watch)
    person.start()
    assert not person.controls.run.isEnabled()
    assert person.controls.cancel.isEnabled()
    person.qtbot.waitUntil(lambda: bool(bars))
    person.models.gate.set()
    person.wait()
    progress._all_instances.events.changed.disconnect(watch)
    assert person.controls.run.isEnabled()
    assert not person.controls.cancel.isEnabled()
    assert watched
    assert not progress._all_instances


def test_cancelling_changes_nothing(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(show=False)
    layer = person.viewer.add_labels(np.zeros((120, 160), np.uint8), name="mine")
    person.controls.target.choose(layer)
    person.start()
    person.controls.cancel.click()
    assert person.state == "Cancelling …"
    person.models.gate.set()
    person.wait()
    assert person.state == "Cancelled: the labels are as they were."
    assert person.models.calls == 1
    assert person.models.closed.is_set()
    assert not layer.data.any()
    assert layer.metadata == {}
    assert person.controls.run.isEnabled()
    person.run()
    np.testing.assert_array_equal(layer.data, EXPECTED)


def test_the_slice_that_is_shown(make_segmenter: MakeSegmentPerson) -> None:
    stack = np.stack([two_squares() // (z + 1) for z in range(3)])
    person = make_segmenter(stack)
    assert person.controls.planes.isVisible()
    person.viewer.dims.set_current_step(0, 0)
    person.controls.confidence.setChecked(True)
    person.run()
    target = person.target
    assert target.data.shape == (3, 120, 160)
    np.testing.assert_array_equal(target.data[0], EXPECTED)
    assert not target.data[1:].any()
    shown = person.viewer.layers["squares confidence"]
    assert shown.data.shape == (1, 120, 160)
    person.viewer.dims.set_current_step(0, 1)
    stack[1] = two_squares()
    person.run()
    np.testing.assert_array_equal(target.data[1], EXPECTED)
    np.testing.assert_array_equal(target.data[0], EXPECTED)
    shown = person.viewer.layers["squares confidence"]
    np.testing.assert_array_equal(shown.data_to_world((0, 0, 0)), (1, 0, 0))


@pytest.mark.parametrize("kind", ["semantic", "object"])
def test_all_slices(make_segmenter: MakeSegmentPerson, kind: Any) -> None:
    stack = np.stack([two_squares()] * 4)
    stack[2] = 0
    person = make_segmenter(stack, show=False)
    assert person.controls.planes.itemText(1) == "All 4"
    person.controls.planes.setCurrentIndex(1)
    person.controls.kind.choose(kind)
    person.controls.confidence.setChecked(True)
    states: list[str] = []
    person.dock.controller.state_changed.connect(states.append)
    person.run()
    assert "Segmenting slice 2 of 4: 66 %" in states
    target = person.target
    expected = np.stack([EXPECTED] * 4)
    expected[2] = 0
    np.testing.assert_array_equal(target.data > 0, expected > 0)
    assert person.viewer.layers["squares confidence"].data.shape == (4, 120, 160)
    assert [row[1] for row in person.table()] == ["6,000", "6,000"]
    if kind == "object":
        assert list(target.features["index"]) == [1, 2, 3, 4, 5, 6]
        planes = [json.loads(plane)[0] for plane in target.features["plane"]]
        assert planes == [0, 0, 1, 1, 3, 3]
    target.undo()
    assert not target.data.any()


def test_cancelling_between_slices(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(np.stack([two_squares()] * 50), show=False)
    person.controls.planes.setCurrentIndex(1)

    def cancel(state: str) -> None:
        if "slice 2 of" in state:
            person.controls.cancel.click()

    person.dock.controller.state_changed.connect(cancel)
    person.run()
    assert "Cancelled" in person.state
    assert person.models.calls < 150
    assert person.target is None


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_the_plane_shown_in_another_order(
    make_segmenter: MakeSegmentPerson, order: tuple[int, int, int]
) -> None:
    volume = np.full((60, 70, 80), 20, np.uint8)
    volume[10:40, 20:50, 30:60] = 230
    person = make_segmenter(volume)
    person.viewer.dims.order = order
    held = order[0]
    person.viewer.dims.set_current_step(held, 35)
    person.run()
    expected = np.where(volume > 128, PERSON, 0)
    at = [slice(None)] * 3
    at[held] = slice(35, 36)
    kept = np.zeros_like(expected)
    kept[tuple(at)] = expected[tuple(at)]
    np.testing.assert_array_equal(person.target.data, kept)
    person.controls.planes.setCurrentIndex(1)
    person.run()
    np.testing.assert_array_equal(person.target.data, expected)


def test_a_grey_image_has_no_slices(make_segmenter: MakeSegmentPerson) -> None:
    person = make_segmenter(two_squares()[..., 0])
    assert not person.controls.planes.isVisible()
    person.run()
    assert set(np.unique(person.target.data)) == {0, PERSON}
