"""What can happen to layers, models and windows while a person clicks."""

import gc
import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.utils._proxies import PublicOnlyProxy
from napari.utils.colormaps import CyclicLabelColormap
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from tests.widgets.dock_person import (
    RED,
    WHITE,
    FakeModels,
    MakePerson,
    Person,
    two_squares,
)

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace


def add(person: Person, *point: float, wait: bool = True) -> None:
    """Click without a canvas, which is faster."""
    person.layers.points.add(point)
    if wait:
        person.wait()


def finish(person: Person) -> None:
    person.dock.controls.finish.click()
    person.wait()


def test_renaming_hiding_and_reordering_layers(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layers = person.viewer.layers
    add(person, *WHITE)
    finish(person)
    target = person.target
    add(person, *RED)
    for name in ("squares", "Preview", "Clicks", "squares classes"):
        layers[name].visible = False
        layers[name].name = f"my {name}"
    layers.reverse()
    person.wait()
    assert person.dock.controls.image.currentText() == "my squares"
    assert person.dock.controls.target.currentText() == "my squares classes"
    person.dock.controller.undo()
    person.dock.controller.redo()
    person.wait()
    finish(person)
    assert person.target is target
    assert target.data[40, 55] == 1
    assert target.data[90, 115] == 1


def test_deleting_the_preview_brings_it_back(make_person: MakePerson) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    mask = person.mask
    person.viewer.layers.remove(person.layers.preview)
    person.wait()
    assert person.layers.preview in person.viewer.layers
    assert person.viewer.layers.selection.active is person.layers.points
    np.testing.assert_array_equal(person.mask, mask)


def test_deleting_the_points_deletes_the_clicks(make_person: MakePerson) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    add(person, *RED)
    person.viewer.layers.remove(person.layers.points)
    person.wait()
    points = person.layers.points
    assert points in person.viewer.layers
    assert len(points.data) == 0
    assert not person.mask.any()
    assert person.target.data[40, 55] == 1
    person.dock.controller.undo()
    person.wait()
    assert person.mask[90, 115]
    add(person, *WHITE)
    assert person.signs == [True, True]


def test_deleting_the_image_ends_the_object(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    target = person.target
    finished = target.data.copy()
    add(person, *RED)
    person.viewer.layers["squares"].name = "renamed"
    person.viewer.layers.remove("renamed")
    person.wait()
    assert "ended" in notices[-1]
    assert "'renamed'" in notices[-1]
    assert list(person.viewer.layers) == [target]
    np.testing.assert_array_equal(target.data, finished)
    assert "Open an image" in person.dock.controls.hint.text()
    finish(person)
    person.viewer.add_image(np.zeros((50, 60), np.uint8), name="next")
    person.wait()
    add(person, 20, 30)
    assert person.mask.shape == (50, 60)


def test_deleting_the_target_keeps_the_object(make_person: MakePerson) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    add(person, *RED)
    person.viewer.layers.remove(person.target)
    person.wait()
    assert person.target is None
    finish(person)
    assert person.target.data[90, 115] == 1


def test_deleting_everything_at_once(make_person: MakePerson) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    person.viewer.layers.clear()
    person.wait()
    assert len(person.viewer.layers) == 0


def test_exchanging_the_pixels_ends_the_object(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    person.viewer.layers["squares"].data = np.zeros((30, 40, 3), np.uint8)
    person.wait()
    assert "exchanged" in notices[-1]
    add(person, 10, 10)
    assert person.mask.shape == (30, 40)


def test_choosing_another_image_starts_anew(make_person: MakePerson) -> None:
    person = make_person(window=False)
    first = person.dock.controls.image.layer
    person.viewer.add_image(np.zeros((50, 60), np.uint8), name="second")
    person.wait()
    assert person.dock.controls.image.layer is first
    person.dock.controls.image.choose(person.viewer.layers["second"])
    person.wait()
    add(person, 20, 30)
    assert person.mask.shape == (50, 60)
    names = [layer.name for layer in person.viewer.layers]
    assert names.count("Clicks") == names.count("Preview") == 1


def test_a_target_of_another_shape_is_refused(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(window=False)
    other = person.viewer.add_labels(np.zeros((20, 30), np.uint8), name="other")
    person.dock.controls.target.choose(other)
    add(person, *WHITE)
    finish(person)
    assert "(20, 30)" in notices[-1]
    assert "(120, 160)" in notices[-1]
    assert not other.data.any()
    assert person.signs == [True]


@pytest.mark.parametrize("kind", ["object", "semantic"])
def test_labels_that_were_there_are_continued(
    make_person: MakePerson, kind: Any
) -> None:
    person = make_person(window=False)
    data = np.zeros((120, 160), np.int32)
    data[5:10, 5:10] = 7
    mine = person.viewer.add_labels(data, name="mine")
    person.dock.controls.target.choose(mine)
    person.dock.controls.kind.choose(kind)
    person.dock.controls.classes.choose(15)
    add(person, *WHITE)
    finish(person)
    assert mine.data[7, 7] == 7
    assert mine.data[40, 55] == (8 if kind == "object" else 15)
    assert isinstance(mine.colormap, CyclicLabelColormap) == (kind == "object")
    assert mine.metadata["napari_edgeflow"]["kind"] == kind


def test_a_layer_of_ours_brings_its_classes_and_kind(make_person: MakePerson) -> None:
    person = make_person(window=False)
    controls = person.dock.controls
    controls.kind.choose("object")
    controls.classes.add_class()
    add(person, *WHITE)
    finish(person)
    controls.target.choose(None)
    controls.kind.choose("semantic")
    controls.classes.remove_class()
    assert len(controls.classes.classes) == 20
    controls.target.choose(person.viewer.layers["squares objects"])
    assert len(controls.classes.classes) == 21
    assert controls.settings().kind == "object"
    assert not controls.kind.isEnabled()


def test_a_changed_class_colour_is_seen_everywhere(make_person: MakePerson) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    add(person, *RED)
    person.dock.controls.classes.set_colour(QColor(0, 0, 255))
    for layer in (person.target, person.layers.preview):
        np.testing.assert_array_equal(layer.get_color(1), (0, 0, 1, 1))
    records = person.target.metadata["napari_edgeflow"]["classes"]
    assert records[0]["colour"] == [0, 0, 255]


def test_the_threshold_changes_the_mask_without_the_network(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    person.models.network.sureness = 0.7
    add(person, *WHITE)
    mask, calls = person.mask, person.models.network.calls
    assert mask.sum() > 1900
    person.dock.controls.threshold.setValue(0.9)
    person.wait()
    assert person.mask.sum() < 1000
    person.dock.controls.threshold.setValue(0.5)
    person.wait()
    np.testing.assert_array_equal(person.mask, mask)
    assert person.models.network.calls == calls


def test_a_checkpoint_is_opened_by_a_dialog(
    make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person(window=False)
    model = person.dock.controls.model
    before, last = model.chosen, model.count() - 1
    answers = ["", "/somewhere/mine.safetensors"]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answers.pop(0), ""))
    model.setCurrentIndex(last)
    model.activated.emit(last)
    assert model.chosen == model.currentText() == before
    model.activated.emit(last)
    person.wait()
    assert model.currentText() == "mine"
    assert person.models.loaded[-1] == "/somewhere/mine.safetensors"


def test_the_model_is_loaded_before_there_is_an_image(
    make_napari_viewer: Any, qtbot: Any, models: FakeModels
) -> None:
    viewer = make_napari_viewer(show=False)
    dock = ClickWidget(viewer, models)
    viewer.window.add_dock_widget(dock)
    person = Person(viewer, dock, models, qtbot)
    person.wait()
    assert models.loaded == ["edgeflow-lite"]
    assert "Open an image" in dock.controls.hint.text()
    viewer.add_image(two_squares(), name="squares")
    person.wait()
    add(person, *WHITE)
    assert person.mask[40, 55]
    assert models.loaded == ["edgeflow-lite"]


def test_a_click_before_the_model_is_there_is_not_lost(
    make_napari_viewer: Any, qtbot: Any, models: FakeModels
) -> None:
    ready = threading.Event()

    def slow(model: str) -> Any:
        assert ready.wait(20)
        return models(model)

    viewer = make_napari_viewer(show=False)
    viewer.add_image(two_squares(), name="squares")
    dock = ClickWidget(viewer, slow)
    viewer.window.add_dock_widget(dock)
    person = Person(viewer, dock, models, qtbot)
    add(person, *WHITE, wait=False)
    add(person, *RED, wait=False)
    assert "working" in dock.controls.state.text()
    ready.set()
    person.wait()
    assert person.mask[40, 55]
    assert person.mask[90, 115]
    assert models.threads
    assert all(name.startswith("napari-edgeflow") for name in models.threads)


def test_only_the_latest_of_many_clicks_is_computed(make_person: MakePerson) -> None:
    person = make_person(window=False)
    network = person.models.network
    network.gate.clear()
    for x in range(35, 75, 5):
        add(person, 40, x, wait=False)
    person.dock.controller.clear()
    add(person, *RED, wait=False)
    network.gate.set()
    person.wait()
    assert person.mask[90, 115]
    assert not person.mask[40, 55]
    assert network.calls <= 4


def test_a_broken_model_is_refused_and_the_one_before_stays(
    make_person: MakePerson, notices: list[str]
) -> None:
    person = make_person(window=False)
    model = person.dock.controls.model
    before = model.chosen
    add(person, *WHITE)
    mask = person.mask
    model.open_checkpoint("broken")
    person.wait()
    assert "not a checkpoint" in notices[-1]
    assert model.chosen == before
    assert model.currentText() == before
    assert model.findData("broken") < 0
    np.testing.assert_array_equal(person.mask, mask)
    model.open_checkpoint("/tmp/other.safetensors")
    person.wait()
    assert model.currentText() == "other"
    np.testing.assert_array_equal(person.mask, mask)


def test_without_any_model_clicks_wait_for_one(
    make_person: MakePerson, notices: list[str], models: FakeModels
) -> None:
    models.broken.add("edgeflow-lite")
    person = make_person(window=False)
    add(person, *WHITE)
    assert "not a checkpoint" in notices[-1]
    assert person.signs == [True]
    person.dock.controls.model.open_checkpoint("good.safetensors")
    person.wait()
    assert person.mask[40, 55]


@pytest.mark.parametrize("error", [ValueError("too odd"), RuntimeError("too full")])
def test_an_error_in_the_network_is_shown_and_loses_nothing(
    make_person: MakePerson,
    notices: list[str],
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    person.models.network.error = error
    add(person, *RED)
    assert str(error) in notices[-1]
    assert person.signs == [True, True]
    finish(person)
    assert person.target is None
    person.models.network.error = None
    finish(person)
    assert person.target.data[90, 115] == 1


def test_lazy_and_multiscale_images(make_person: MakePerson) -> None:
    dask = pytest.importorskip("dask.array")
    read: set[int] = set()

    class Planes:
        """Stands for a file of planes; remembers which were read."""

        shape, dtype, ndim = (6, 64, 64), np.dtype(np.uint8), 3

        def __getitem__(self, key: Any) -> Any:
            read.update(np.atleast_1d(np.arange(6)[key[0]]).tolist())
            planes = np.arange(6, dtype=np.uint8)[:, None, None] * 40
            return np.broadcast_to(planes, self.shape)[key]

    stack = dask.from_array(Planes(), chunks=(1, 64, 64), meta=np.zeros(0, "u1"))
    person = make_person(stack, window=False, contrast_limits=(0, 255))
    person.viewer.dims.set_current_step(0, 4)
    add(person, 4, 20, 20)
    assert person.mask[20, 20]
    assert not read & {1, 3, 5}
    finish(person)
    assert person.target.data[4].any()

    levels = [np.zeros((400, 300), np.uint8), np.zeros((200, 150), np.uint8)]
    person.viewer.add_image(levels, name="levels", multiscale=True)
    person.dock.controls.image.choose(person.viewer.layers["levels"])
    person.dock.controls.target.choose(None)
    person.wait()
    add(person, 300, 200)
    finish(person)
    assert person.target.data.shape == (400, 300)


def test_closing_the_dock_removes_its_layers_and_its_thread(
    make_person: MakePerson, our_threads: Callable[[], object]
) -> None:
    person = make_person(show=False)
    add(person, *WHITE)
    finish(person)
    names = {layer.name for layer in person.viewer.layers}
    assert {"Clicks", "Preview"} < names
    person.viewer.window.remove_dock_widget(person.dock)
    assert [x.name for x in person.viewer.layers] == ["squares", "squares classes"]
    person.qtbot.waitUntil(lambda: not our_threads())
    person.viewer.layers["squares"].name = "other"
    person.viewer.layers.pop()
    QTest.qWait(10)


def test_closing_the_dock_right_after_its_image_leaves_nothing(
    make_person: MakePerson,
) -> None:
    person = make_person(show=False)
    viewer, dock = person.viewer, weakref.ref(person.dock)
    viewer.add_image(two_squares(), name="another")
    viewer.layers.remove("squares")
    # No turn in between: the lists of layers are yet to follow.
    viewer.window.remove_dock_widget(person.dock)
    del person
    QTest.qWait(200)
    assert [layer.name for layer in viewer.layers] == ["another"]
    gc.collect()
    assert dock() is None, "something of the viewer holds the dock and its timers"


def test_closing_the_dock_during_inference(
    make_person: MakePerson, our_threads: Callable[[], object]
) -> None:
    person = make_person(show=False)
    network = person.models.network
    network.gate.clear()
    network.entered.clear()
    add(person, *WHITE, wait=False)
    assert network.entered.wait(10)
    person.viewer.window.remove_dock_widget(person.dock)
    viewer, qtbot = person.viewer, person.qtbot
    del person
    gc.collect()
    network.gate.set()
    qtbot.waitUntil(lambda: not our_threads())
    QTest.qWait(50)
    assert [layer.name for layer in viewer.layers] == ["squares"]


@pytest.mark.parametrize("show", [False, True])
def test_closing_the_viewer_during_inference(
    make_person: MakePerson, show: bool, our_threads: Callable[[], object]
) -> None:
    person = make_person(show=show)
    network = person.models.network
    network.gate.clear()
    network.entered.clear()
    add(person, *WHITE, wait=False)
    assert network.entered.wait(10)
    viewer, qtbot = person.viewer, person.qtbot
    viewer.close()
    del person, viewer
    gc.collect()
    QTest.qWait(50)
    network.gate.set()
    QTest.qWait(100)
    gc.collect()
    qtbot.waitUntil(lambda: not our_threads())


def test_the_dock_works_behind_naparis_proxy(
    make_napari_viewer: Any, qtbot: Any, models: FakeModels
) -> None:
    viewer = make_napari_viewer(show=False)
    viewer.add_image(two_squares(), name="squares")
    dock = ClickWidget(PublicOnlyProxy(viewer), models)
    viewer.window.add_dock_widget(dock)
    person = Person(viewer, dock, models, qtbot)
    person.wait()
    add(person, *WHITE)
    finish(person)
    assert isinstance(person.target, Labels)
    assert person.target.data[40, 55] == 1


def test_two_docks_in_turn(make_person: MakePerson, models: FakeModels) -> None:
    person = make_person(show=False)
    person.viewer.window.remove_dock_widget(person.dock)
    dock = ClickWidget(person.viewer, models)
    person.viewer.window.add_dock_widget(dock)
    person.dock = dock
    person.wait()
    add(person, *WHITE)
    assert person.mask[40, 55]


def test_another_image_keeps_our_layers(make_person: MakePerson) -> None:
    person = make_person(window=False)
    ours = person.layers.points, person.layers.preview
    add(person, *WHITE)
    second = Image(
        np.zeros((50, 60), np.uint8), name="second", scale=(2, 2), translate=(5, 0)
    )
    # Where a project puts its next image; one above ours has new ones on top of it.
    person.viewer.layers.insert(1, second)
    person.dock.controls.image.choose(second)
    person.wait()
    assert (person.layers.points, person.layers.preview) == ours
    assert [layer.name for layer in person.viewer.layers][-3:] == [
        "second",
        "Preview",
        "Clicks",
    ]
    assert not person.mask.any()
    assert len(ours[0].data) == 0
    for layer in ours:
        assert tuple(layer.scale) == (2, 2)
        assert tuple(layer.translate) == (5, 0)
    add(person, 20, 30)
    assert person.mask.shape == (50, 60)
    stack = person.viewer.add_image(np.zeros((3, 50, 60), np.uint8), name="stack")
    person.dock.controls.image.choose(stack)
    person.wait()
    assert person.layers.points.ndim == 3
    assert not {*ours} & {*person.viewer.layers}


def test_a_stroke_under_way_stays_on_its_image(make_person: MakePerson) -> None:
    person = make_person(window=False)
    preview = person.layers.preview
    preview.mode = "paint"
    press = SimpleNamespace(type="mouse_press")
    stroke = person.layers.mask._on_press(preview, press)
    next(stroke)
    second = person.viewer.add_image(two_squares(), name="second")
    with preview.block_history():
        preview.paint((10, 10), 1, refresh=False)
        person.dock.controls.image.choose(second)
    person.wait()
    assert person.layers.preview is not preview
    assert not person.layers.preview.data.any()


@pytest.mark.parametrize("prepared", [True, False])
def test_the_preview_takes_paint_only_in_its_own_plane(
    make_person: MakePerson, prepared: bool
) -> None:
    person = make_person(np.stack([two_squares()[..., 0]] * 3), window=False)
    person.viewer.dims.set_current_step(0, 1)
    QTest.qWait(200)
    person.wait()
    if prepared:
        person.layers.points.add((1, *WHITE))
        person.wait()
    person.dock.controls.tools.choose("brush")
    preview = person.layers.preview
    preview.mode = "erase"
    person.viewer.dims.set_current_step(0, 2)
    assert not preview.editable
    assert preview.mode == "pan_zoom"
    hint = person.dock.controls.hint.text
    assert not prepared or "is in slice 1 of axis 0" in hint()
    person.viewer.dims.set_current_step(0, 1)
    assert preview.editable
    assert preview.mode == "erase"
    assert "Paint or erase" in hint()
    person.viewer.dims.set_current_step(0, 0)
    QTest.qWait(200)
    person.wait()
    assert preview.editable != prepared, "it lies in the other plane now"


def test_a_stroke_begun_while_an_object_is_written_ends(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    target, history = person.target, Workspace.of(person.viewer).history
    window, plane = Window(0, 0, 5, 9), Plane((None, None))
    changes = [
        PixelChange(plane, window.moved(row, 0), np.ones((5, 9), bool), 7)
        for row in (100, 106)
    ]
    writing = history.applying(target, "write", changes)
    next(writing)
    stroke = target.block_history()
    stroke.__enter__()
    target.data_setitem((np.array([1, 2]), np.array([1, 1])), 9)
    for _ in writing:
        pass
    stroke.__exit__(None, None, None)
    assert target.data[1, 1] == 9
    assert target.data[106, 3] == 7
    target.data_setitem((np.array([1]), np.array([5])), 8)
    target.undo()
    assert target.data[1, 5] == 0, "the next edit waits for a stroke that is over"
    assert target.data[1, 1] == 9


def test_labels_of_another_shape_are_left_with_the_image(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    controls = person.dock.controls
    add(person, *WHITE)
    finish(person)
    first, target = controls.image.layer, person.target
    second = person.viewer.add_image(np.full((50, 60), 9, np.uint8), name="second")
    controls.image.choose(second)
    person.wait()
    assert person.target is None
    add(person, 20, 30)
    finish(person)
    assert person.target.name == "second classes"
    controls.image.choose(first)
    person.wait()
    assert person.target is target


def test_labels_of_the_same_shape_are_kept_for_the_next_channel(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    add(person, *WHITE)
    finish(person)
    target = person.target
    channel = person.viewer.add_image(np.zeros((120, 160), np.uint8), name="channel")
    person.dock.controls.image.choose(channel)
    person.wait()
    assert person.target is target


def test_another_image_can_be_clicked_on_at_once(make_person: MakePerson) -> None:
    person = make_person(window=False)
    second = person.viewer.add_image(np.zeros((50, 60), np.uint8), name="second")
    assert person.viewer.layers.selection.active is second
    person.dock.controls.image.choose(second)
    person.wait()
    assert person.viewer.layers.selection.active is person.layers.points
    assert person.layers.points.mode == "add"
