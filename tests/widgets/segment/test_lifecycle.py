"""What can happen to layers, models and windows while a run goes on."""

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils._proxies import PublicOnlyProxy
from napari.utils.progress import progress
from qtpy.QtTest import QTest
from tests.widgets.dock_person import two_squares
from tests.widgets.segment_person import (
    EXPECTED,
    FakeSemanticModels,
    MakeSegmentPerson,
    SegmentPerson,
)

from napari_edgeflow.engine.labels.classes import METADATA
from napari_edgeflow.widgets.segment import work as segment_work
from napari_edgeflow.widgets.segment.dock import SegmentWidget
from napari_edgeflow.widgets.workspace.workspace import Workspace


def own_layer(person: SegmentPerson) -> Any:
    layer = person.viewer.add_labels(np.zeros((120, 160), np.uint8), name="mine")
    person.controls.target.choose(layer)
    return layer


def test_deleting_the_image_stops_the_run(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.start()
    person.viewer.layers.remove("squares")
    assert notices == [
        "The segmentation stopped, since its image 'squares' was closed."
    ]
    assert person.state == "Stopped."
    assert not person.dock.controller.running
    person.models.gate.set()
    person.wait()
    assert not layer.data.any()
    assert person.models.calls == 1
    assert len(notices) == 1
    assert not progress._all_instances
    person.viewer.add_image(two_squares(), name="next")
    person.wait()
    person.run()
    np.testing.assert_array_equal(layer.data, EXPECTED)


def test_deleting_the_target_stops_the_run(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.start()
    person.viewer.layers.remove(layer)
    assert notices == [
        "The segmentation stopped, since its labels 'mine' were deleted."
    ]
    person.models.gate.set()
    person.wait()
    assert not layer.data.any()
    person.run()
    assert isinstance(person.target, Labels)


def test_deleting_the_new_layer_while_it_is_written(
    make_segmenter: MakeSegmentPerson, notices: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("napari_edgeflow.widgets.workspace.label_writer._PART", 160)
    monkeypatch.setattr("napari_edgeflow.widgets.qt.turns._TURN_S", 0.0)
    person = make_segmenter(show=False)
    person.run(wait=False)
    person.qtbot.waitUntil(lambda: len(person.viewer.layers) == 2)
    person.qtbot.waitUntil(person.viewer.layers[1].data.any)
    person.viewer.layers.pop()
    person.wait()
    assert "were deleted" in notices[-1]
    assert person.state == "Stopped."
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_exchanging_the_pixels_stops_the_run(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    person.start()
    person.viewer.layers["squares"].data = np.zeros((30, 40, 3), np.uint8)
    assert "exchanged" in notices[-1]
    person.models.gate.set()
    person.wait()
    assert person.target is None
    person.viewer.layers["squares"].data = two_squares()
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_renaming_hiding_and_reordering_during_a_run(
    make_segmenter: MakeSegmentPerson,
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.controls.confidence.setChecked(True)
    person.start()
    for name in ("squares", "mine"):
        person.viewer.layers[name].visible = False
        person.viewer.layers[name].name = f"my {name}"
    person.viewer.layers.reverse()
    person.controls.minimum.setValue(10_000)
    person.controls.target.choose(None)
    person.models.gate.set()
    person.wait()
    np.testing.assert_array_equal(layer.data, EXPECTED)
    assert person.target is layer
    assert "my squares confidence" in person.viewer.layers


def test_deleting_everything_at_once(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    person.controls.confidence.setChecked(True)
    person.run()
    person.start()
    person.viewer.layers.clear()
    person.models.gate.set()
    person.wait()
    assert len(person.viewer.layers) == 0
    assert len(notices) == 1
    person.run()
    assert "no image" in notices[-1]


def test_the_labels_painted_during_a_run_are_kept(
    make_segmenter: MakeSegmentPerson,
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.start()
    layer.data_setitem((np.array([30]), np.array([40])), 5)
    person.models.gate.set()
    person.wait()
    assert layer.data[30, 40] == 5
    layer.undo()
    layer.undo()
    assert not layer.data.any()


def test_the_model_is_loaded_when_the_dock_opens(
    make_segmenter: MakeSegmentPerson,
) -> None:
    person = make_segmenter(show=False)
    assert person.models.loaded == [("deeplabv3plus-lite0-voc", "auto")]
    person.run()
    person.run()
    assert len(person.models.loaded) == 1
    assert all(name.startswith("napari-edgeflow") for name in person.models.threads)


def test_a_run_before_the_model_is_there_waits_for_it(
    make_napari_viewer: Any, qtbot: Any, semantic_models: FakeSemanticModels
) -> None:
    ready = threading.Event()

    def slow(model: str, device: str) -> Any:
        assert ready.wait(20)
        return semantic_models(model, device)

    viewer = make_napari_viewer(show=False)
    viewer.add_image(two_squares(), name="squares")
    dock = SegmentWidget(viewer, slow)
    viewer.window.add_dock_widget(dock)
    person = SegmentPerson(viewer, dock, semantic_models, qtbot)
    assert "Loading" in person.state
    person.run(wait=False)
    ready.set()
    person.wait()
    np.testing.assert_array_equal(person.target.data, EXPECTED)
    assert len(semantic_models.loaded) == 1
    assert person.controls.classes.fold.text() == "all 20 …"


def test_a_broken_model_is_refused_and_the_one_before_stays(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    model = person.controls.model
    before = model.chosen
    model.open_checkpoint("broken")
    person.wait()
    assert notices == ["broken is not a checkpoint of ours: choose another"]
    assert model.chosen == model.currentText() == before
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)
    model.open_checkpoint("/somewhere/mine/model.safetensors")
    person.wait()
    assert model.currentText() == "mine"
    assert person.models.loaded[-1] == ("/somewhere/mine", "auto")


def test_without_any_model_the_dock_lives_on(
    make_segmenter: MakeSegmentPerson,
    semantic_models: FakeSemanticModels,
    notices: list[str],
) -> None:
    semantic_models.broken.add("deeplabv3plus-lite0-voc")
    person = make_segmenter(show=False)
    assert len(notices) == 1
    person.controls.minimum.setValue(5)
    person.wait()
    assert len(notices) == 1, "every change tried to load it again"
    person.run()
    assert len(notices) == 2
    assert person.controls.run.isEnabled()
    semantic_models.broken.clear()
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_devices_that_are_not_there_go(
    make_segmenter: MakeSegmentPerson, notices: list[str], monkeypatch: Any
) -> None:
    def choose(device: str) -> str:
        if device == "mps":
            raise ValueError("device 'mps' is not available here: choose cuda or cpu")
        return "cuda" if device == "auto" else device

    monkeypatch.setattr(segment_work, "choose_device", choose)
    person = make_segmenter(show=False)
    device = person.controls.device
    items = [device.itemText(row) for row in range(device.count())]
    assert items == ["Automatic", "GPU (CUDA)", "CPU"]
    device.addItem("GPU (Metal)", "mps")
    device.setCurrentIndex(device.findData("mps"))
    person.wait()
    assert notices == ["device 'mps' is not available here: choose cuda or cpu"]
    assert device.findData("mps") < 0
    device.setCurrentIndex(device.findData("cpu"))
    person.wait()
    assert person.models.loaded[-1] == ("deeplabv3plus-lite0-voc", "cpu")


@pytest.mark.parametrize("error", [ValueError("too odd"), RuntimeError("too full")])
def test_an_error_is_shown_once(
    make_segmenter: MakeSegmentPerson, notices: list[str], error: Exception
) -> None:
    person = make_segmenter(show=False)
    person.models.error = error
    person.run()
    assert notices == [str(error)]
    assert person.target is None
    assert person.controls.run.isEnabled()
    person.models.error = None
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_what_a_person_should_know_is_said(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    person.models.notices = ["out of GPU memory: going on with smaller tiles"]
    person.run()
    assert notices == ["out of GPU memory: going on with smaller tiles"]


def test_targets_that_cannot_be_written_to_are_refused_at_once(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    other = person.viewer.add_labels(np.zeros((20, 30), np.uint8), name="other")
    person.controls.target.choose(other)
    person.run()
    assert "(20, 30)" in notices[-1]
    assert person.models.calls == 0
    person.controls.target.choose(None)
    person.viewer.dims.ndisplay = 3
    person.run()
    assert "2D" in notices[-1]


def test_ids_that_do_not_fit_are_refused(
    make_segmenter: MakeSegmentPerson, notices: list[str]
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    layer.data[0, 0] = 254
    person.controls.kind.choose("object")
    person.run()
    assert "up to 255, not 256" in notices[-1]
    assert np.count_nonzero(layer.data) == 1
    # What the person chose is kept with the layer, and nothing of the run.
    assert layer.metadata == {METADATA: {"values": "object"}}
    assert person.controls.run.isEnabled()


def test_closing_the_dock_during_a_run(
    make_segmenter: MakeSegmentPerson, our_threads: Callable[[], object]
) -> None:
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.start()
    models, viewer, qtbot = person.models, person.viewer, person.qtbot
    viewer.window.remove_dock_widget(person.dock)
    del person
    gc.collect()
    models.gate.set()
    qtbot.waitUntil(lambda: not our_threads())
    QTest.qWait(50)
    assert models.calls == 1
    assert not layer.data.any()
    assert not progress._all_instances
    viewer.layers["squares"].name = "other"
    viewer.layers.clear()


def test_closing_the_dock_while_the_labels_are_written(
    make_segmenter: MakeSegmentPerson, monkeypatch: Any
) -> None:
    monkeypatch.setattr("napari_edgeflow.widgets.workspace.label_writer._PART", 160)
    monkeypatch.setattr("napari_edgeflow.widgets.qt.turns._TURN_S", 0.0)
    person = make_segmenter(show=False)
    layer = own_layer(person)
    person.run(wait=False)
    person.qtbot.waitUntil(layer.data.any)
    person.viewer.window.remove_dock_widget(person.dock)
    assert not layer.data.any()
    assert not Workspace.of(person.viewer).history.can_undo
    layer.undo()
    layer.redo()
    assert not layer.data.any()


@pytest.mark.parametrize("show", [False, True])
def test_closing_the_viewer_during_a_run(
    make_segmenter: MakeSegmentPerson, show: bool, our_threads: Callable[[], object]
) -> None:
    person = make_segmenter(show=show)
    person.start()
    models, viewer, qtbot = person.models, person.viewer, person.qtbot
    viewer.close()
    del person, viewer
    gc.collect()
    QTest.qWait(50)
    models.gate.set()
    QTest.qWait(100)
    gc.collect()
    qtbot.waitUntil(lambda: not our_threads())
    assert not progress._all_instances


def test_the_dock_works_behind_naparis_proxy(
    make_napari_viewer: Any, qtbot: Any, semantic_models: FakeSemanticModels
) -> None:
    viewer = make_napari_viewer(show=False)
    viewer.add_image(two_squares(), name="squares")
    dock = SegmentWidget(PublicOnlyProxy(viewer), semantic_models)
    viewer.window.add_dock_widget(dock)
    person = SegmentPerson(viewer, dock, semantic_models, qtbot)
    person.wait()
    person.run()
    np.testing.assert_array_equal(person.target.data, EXPECTED)


def test_lazy_and_multiscale_images(make_segmenter: MakeSegmentPerson) -> None:
    dask = pytest.importorskip("dask.array")
    stack = dask.from_array(np.stack([two_squares()[..., 0]] * 3), chunks=(1, 60, 80))
    person = make_segmenter(stack, show=False)
    person.run()
    assert person.target.data.any(axis=(1, 2)).sum() == 1
    large = two_squares((240, 320))
    person.viewer.add_image([large, large[::2, ::2]], name="levels", multiscale=True)
    person.controls.image.choose(person.viewer.layers["levels"])
    person.controls.target.choose(None)
    person.run()
    assert person.target.data.shape == (240, 320)
