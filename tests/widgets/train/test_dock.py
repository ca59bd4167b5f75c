"""The dock for training, and what can happen to it while a training runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import segmentation_models_pytorch as smp
import torch
from napari.layers import Image, Labels
from qtpy.QtTest import QTest
from tests.engine.colour_network import colour_facts
from tests.widgets.dock_person import FakeModels, two_squares
from tests.widgets.segment_person import FakeSemanticModels
from tests.widgets.train.train_person import MakeTrainPerson, TrainPerson, command

from napari_edgeflow.cli.training import plan_in
from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.checkpoints.registry import models_folder, trained_models
from napari_edgeflow.engine.checkpoints.semantic import write_semantic
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.training.plan import DataSource
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.fields.models import ModelCombo
from napari_edgeflow.widgets.layers.labels import write_scheme
from napari_edgeflow.widgets.segment.dock import SegmentWidget
from napari_edgeflow.widgets.train import process as train_process
from napari_edgeflow.widgets.train.dock import TrainWidget
from napari_edgeflow.widgets.train.progress import TrainProgress


def truth() -> np.ndarray:
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 30:80] = 1
    labels[70:110, 90:140] = 2
    return labels


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training leaves: the smallest network there is."""
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    torch.manual_seed(0)
    network = smp.DeepLabV3Plus(
        "tu-test_efficientnet",
        encoder_weights=None,
        decoder_channels=16,
        decoder_atrous_rates=(2, 4, 6),
        classes=4,
    )
    write_semantic(network, colour_facts(), folder, {})
    return folder


@pytest.fixture
def make_trainer(
    make_napari_viewer: Callable[..., Any], qtbot: Any, model: Path
) -> MakeTrainPerson:
    """Open a viewer with a large enough labelled image, and the dock."""

    def make(manner: str = "wait", labels: Any = None) -> TrainPerson:
        viewer = make_napari_viewer()
        viewer.add_image(np.tile(two_squares(), (2, 2, 1)), name="squares")
        values = np.tile(truth(), (2, 2)) if labels is None else labels
        viewer.add_labels(values, name="truth")
        person = TrainPerson(viewer, None, qtbot)  # type: ignore[arg-type]
        person.dock = TrainWidget(viewer, command(manner, model), person.ask)
        viewer.window.add_dock_widget(person.dock, name="Train")
        person.settle()
        return person

    return make


def names(combo: ModelCombo) -> list[str]:
    return [combo.itemText(at) for at in range(combo.count())]


def test_what_there_is_to_learn_is_shown(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer()
    controls = person.dock.controls
    assert controls.summary.text() == "1 labelled image, 2 classes"
    table = controls.classes
    rows = [
        [table.item(row, column).text() for column in range(3)]
        for row in range(table.rowCount())
    ]
    assert rows == [["class 1", "8,000", "10.4%"], ["class 2", "8,000", "10.4%"]]
    assert person.warning == ""
    controls.zero.setCurrentIndex(1)
    person.settle()
    assert table.item(0, 2).text() == "50.0%"
    layer = person.viewer.layers["truth"]
    layer.data_setitem((np.array([0]), np.array([0])), 3)
    person.wait(lambda: "class 3 (0.01%)" in person.warning)


def test_labels_in_one_piece_each_are_taken_for_objects(
    make_trainer: MakeTrainPerson,
) -> None:
    nuclei = np.zeros((240, 320), np.uint16)
    for number in range(6):
        nuclei[20:40, 40 * number + 5 : 40 * number + 25] = number + 1
    person = make_trainer(labels=nuclei)
    person.settle()
    (pair,) = person.dock.controls.pairs.pairs
    assert pair.kind == "object"
    assert person.dock.controls.summary.text() == "1 labelled image, 1 class"


def test_bad_data_is_told_before_anything_starts(
    make_trainer: MakeTrainPerson, notices: list[str]
) -> None:
    person = make_trainer(labels=np.zeros((240, 320), np.uint8))
    assert "Nothing is labelled yet" in person.warning
    person.dock.start.click()
    person.settle()
    assert "Nothing is labelled yet" in notices[-1]
    pairs = person.dock.controls.pairs
    small = person.viewer.add_labels(np.ones((3, 4), int), name="small")
    pairs.add_pair(person.viewer.layers["squares"], small)
    person.settle()
    assert "'small' has the shape (3, 4), its image 'squares' (240, 320)" in (
        person.warning
    )
    person.viewer.layers.remove("small")
    person.viewer.layers.remove("truth")
    person.settle()
    assert pairs.table.rowCount() == 0
    person.dock.start.click()
    assert "nothing to learn from" in notices[-1]
    assert not models_folder().exists()


def test_a_training_from_start_to_end(
    make_trainer: MakeTrainPerson, notices: list[str]
) -> None:
    person = make_trainer("go")
    dock, controls = person.dock, person.dock.controls
    controls.epochs.setValue(3)
    assert controls.choice().plan.minutes is None
    controls.minutes.setValue(20)
    dock.start.click()
    assert not dock.start.isEnabled()
    person.settle()
    output = models_folder() / "model-1"
    assert sorted(p.name for p in (output / "data/classes").iterdir()) == [
        "images", "labels", "labels.txt",
    ]  # fmt: skip
    arguments = json.loads((output / "arguments.json").read_text())
    assert arguments == ["train", "folder", str(output), "--report", "jsonl"]
    plan = plan_in(output)
    assert plan.sources == (DataSource(output / "data/classes", "pairs"),)
    assert (plan.task, plan.epochs, plan.minutes) == ("semantic", 3, 20)
    assert (plan.init, plan.network) == ("deeplabv3plus-lite0-voc", None)
    progress = dock.progress
    training, validation = progress.loss.plot.curves
    assert [y for _, y in training.points] == [1 / 2, 1 / 3, 1 / 4]
    assert validation.points[-1] == (3, 0.5)
    (score,) = progress.score.plot.curves
    assert [y for _, y in score.points] == pytest.approx([0.2, 0.4, 0.6])
    assert progress.classes.values == {
        "background": 0.9, "nucleus": pytest.approx(0.7), "rare": None,
    }  # fmt: skip
    assert progress.bar.value() == 1000
    assert "training on 8 images" in progress.messages.text()
    assert "Best mean IoU: 0.600" in person.state
    assert notices == [person.state]
    assert [found.name for found in trained_models()] == ["model-1"]
    assert "model-1" in names(controls.semantic)
    assert controls.name.text() == "model-2"
    assert dock.start.isEnabled()


def test_a_new_model_is_in_the_other_docks_at_once(
    make_trainer: MakeTrainPerson,
    semantic_models: FakeSemanticModels,
    models: FakeModels,
) -> None:
    person = make_trainer("go")
    segment = SegmentWidget(person.viewer, semantic_models)
    click = ClickWidget(person.viewer, models)
    for dock in (segment, click):
        person.viewer.window.add_dock_widget(dock)
    assert "model-1" not in names(segment.controls.model)
    person.dock.start.click()
    person.settle()
    assert "model-1" in names(segment.controls.model)
    trained = str(models_folder() / "model-1")
    assert segment.controls.model.chosen == trained
    # It is no model for clicks.
    assert "model-1" not in names(click.controls.model)
    assert click.controls.model.chosen == "edgeflow-lite"
    # The next training goes on from what it went on from, until a person says else.
    assert person.dock.controls.model.chosen == "deeplabv3plus-lite0-voc"
    assert person.state.endswith("The model “model-1” is chosen in the other docks.")


def test_a_model_that_was_cut_off_is_listed_and_not_chosen(
    make_trainer: MakeTrainPerson, semantic_models: FakeSemanticModels
) -> None:
    person = make_trainer()
    segment = SegmentWidget(person.viewer, semantic_models)
    person.viewer.window.add_dock_widget(segment)
    before = segment.controls.model.chosen
    person.dock.start.click()
    person.until_epoch()
    process = person.dock.controller.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    person.settle()
    assert "model-1" in names(segment.controls.model)
    assert segment.controls.model.chosen == before


def test_stop_keeps_the_model_and_resume_goes_on(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer()
    dock = person.dock
    dock.controls.predictions.setChecked(True)
    dock.start.click()
    person.until_epoch()
    assert dock.stop.text() == "Stop"
    dock.stop.click()
    assert dock.stop.text() == "Stop now"
    person.settle()
    assert person.state.startswith("Stopped. Best mean IoU: 0.200.")
    assert (models_folder() / "model-1" / "model.safetensors").is_file()
    assert dock.resume.text() == "Resume"
    (models_folder() / "model-1" / "metrics.csv").write_text("epoch,score\n1,0.2\n")
    predictions = models_folder() / "model-1" / "predictions"
    # The second is of a folder that was learnt from beside the layer.
    write_gray_png(predictions / "000-00000.png", np.ones((240, 320), np.uint8))
    write_gray_png(predictions / "007-00000.png", np.ones((9, 9), np.uint8))
    dock.resume.click()
    person.wait(lambda: len(dock.progress.score.plot.curves[0].points) == 2)
    person.wait(lambda: "Epoch 1: squares" in person.viewer.layers)
    arguments = json.loads((models_folder() / "model-1/arguments.json").read_text())
    assert arguments[-3:] == ["--report", "jsonl", "--resume"]
    dock.stop.click()
    person.settle()


def test_bars_have_the_colours_of_a_training_that_goes_on(
    qtbot: Any, model: Path
) -> None:
    progress = TrainProgress()
    qtbot.addWidget(progress)
    progress.go_on(model)
    progress.show_report(
        {
            "event": "epoch", "epoch": 3, "progress": 0.5, "losses": {"loss": 1.0},
            "seconds_left": 1.0, "samples_per_second": 1.0,
            "validation": {"score": 0.5, "classes": {"green": 0.5}},
        }
    )  # fmt: skip
    (colour,) = [c.colour for c in colour_facts().classes if c.name == "green"]
    assert progress.classes.colours["green"] == colour


def test_a_training_that_is_killed_leaves_the_viewer_alone(
    make_trainer: MakeTrainPerson, notices: list[str]
) -> None:
    person = make_trainer()
    person.dock.start.click()
    person.until_epoch()
    assert person.dock.controller.process is not None
    os.kill(person.dock.controller.process.pid, signal.SIGKILL)
    person.settle()
    assert "ended unexpectedly, by signal 9" in person.state
    assert "The last checkpoint, “model-1”, is kept: Resume goes on." in person.state
    assert notices == [person.state]
    assert [found.name for found in trained_models()] == ["model-1"]
    assert person.dock.start.isEnabled()


def test_what_the_training_refuses_is_told(
    make_trainer: MakeTrainPerson, notices: list[str]
) -> None:
    person = make_trainer("refuse")
    person.dock.start.click()
    person.settle()
    assert person.state == "the rate is odd No model had been written yet."
    assert trained_models() == ()


def test_closing_the_viewer_leaves_no_process(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer()
    person.dock.start.click()
    person.until_epoch()
    assert person.dock.controller.process is not None
    pid = person.dock.controller.process.pid
    person.viewer.close()
    assert not psutil.pid_exists(pid)
    assert not (models_folder() / "model-1" / "stop").exists()
    # A script that closes the viewer is not asked.
    assert person.questions == []


def test_closing_the_dock_asks(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer()
    window = person.viewer.window
    person.dock.start.click()
    person.until_epoch()
    assert person.dock.controller.process is not None
    pid = person.dock.controller.process.pid
    person.answer = False
    window.remove_dock_widget(person.dock)
    person.wait(lambda: person.dock.parent() is not None)
    assert len(person.questions) == 1
    assert person.dock.controller.running
    person.answer = True
    window.remove_dock_widget(person.dock)
    person.wait(lambda: len(person.questions) == 2 and not psutil.pid_exists(pid))
    person.wait(lambda: not person.dock.controller.running)


def test_a_name_that_is_taken_is_refused(
    make_trainer: MakeTrainPerson, notices: list[str]
) -> None:
    person = make_trainer("go")
    folder = models_folder() / "mine"
    folder.mkdir(parents=True)
    (folder / "notes.txt").touch()
    person.dock.controls.name.setText("mine")
    person.dock.start.click()
    assert "holds something already" in notices[-1]
    person.dock.controller.resume(folder)
    assert "holds no training that could go on" in notices[-1]


def test_objects_train_clicks(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer("go")
    layer = person.viewer.layers["truth"]
    write_scheme(layer, LabelScheme("object", ClassTable.voc()))
    controls = person.dock.controls
    controls.pairs.remove.click()
    controls.pairs.add_matching()
    controls.task.setCurrentIndex(controls.task.findData(CLICK_TASK))
    person.settle()
    person.dock.start.click()
    person.settle()
    output = models_folder() / "clicks-1"
    plan = plan_in(output)
    assert plan.sources == (DataSource(output / "data/objects", "pairs", "object"),)
    assert (plan.task, plan.init) == ("clicks", "edgeflow-lite")


def test_a_preview_shows_eight_samples(make_trainer: MakeTrainPerson) -> None:
    person = make_trainer()
    for layer in person.viewer.layers:
        layer.scale, layer.translate = (0.1, 0.1), (5, 5)
    person.dock.controls.preview.click()
    person.settle()
    image = person.viewer.layers["training samples"]
    labels = person.viewer.layers["training samples labels"]
    assert image.data.shape == (512, 1024, 3)
    assert isinstance(labels, Labels)
    assert set(np.unique(labels.data)) == {0, 1, 2, 255}
    # Whatever the image measures, all of them are seen where it is.
    place = Image(np.zeros((240, 320)), scale=(0.1, 0.1), translate=(5, 5))
    for layer in (image, labels):
        low, high = layer.extent.world
        assert np.all(low >= place.extent.world[0] - 1e-6)
        assert np.all(high <= place.extent.world[1] + 1e-6)
        assert high[1] - low[1] == pytest.approx(32, rel=0.01)
    # A preview is nothing to learn from.
    person.dock.controls.pairs.add_matching()
    assert person.dock.controls.pairs.table.rowCount() == 1


def test_a_real_training(
    make_trainer: MakeTrainPerson, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A polite process may wait for ever for other tests.
    monkeypatch.setattr(train_process, "_POLITE", 0)
    person = make_trainer()
    dock = person.dock
    dock.controller._command = (sys.executable, "-m", "napari_edgeflow")
    controls = dock.controls
    controls.semantic.open_checkpoint(str(model))
    controls.epochs.setValue(1)
    controls.batch.setValue(2)
    controls.crop.setCurrentIndex(1)
    controls.predictions.setChecked(True)
    dock.start.click()
    person.qtbot.waitUntil(lambda: not dock.controller.running, timeout=300_000)
    person.settle()
    output = models_folder() / "model-1"
    found = {path.name for path in output.iterdir()}
    assert {
        "model.safetensors", "config.json", "model.onnx", "metrics.csv",
        "curves.png", "command.txt", "training.json", "training-state.pt", "data",
    } <= found, person.state  # fmt: skip
    assert person.state.startswith("Done. Best mean IoU")
    training, validation = dock.progress.loss.plot.curves
    assert len(training.points) == len(validation.points) == 1
    layers = person.viewer.layers
    shown = [layer for layer in layers if layer.name.startswith("Epoch 1:")]
    assert person.viewer.layers.selection.active is person.viewer.layers["truth"]
    assert [layer.data.shape for layer in shown] == [(240, 320)]
    assert [found.name for found in trained_models()] == ["model-1"]
    listed = subprocess.run(
        [sys.executable, "-m", "napari_edgeflow", "models"],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert f"{output}  trained here, for automatic segmentation" in listed
    QTest.qWait(1)
