"""What the training dock makes of a person's choices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow import cli
from napari_edgeflow.cli.train_clicks import training_of as click_training
from napari_edgeflow.cli.train_semantic import training_of as semantic_training
from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK, SEMANTIC_TASK
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.training.sources import DataFolder
from napari_edgeflow.widgets.train.preview import PreviewRequest, make_preview
from napari_edgeflow.widgets.train.settings import TrainSettings
from napari_edgeflow.widgets.train.work import (
    TrainData,
    TrainRequest,
    click_arguments,
    prepare,
    semantic_arguments,
)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A COCO file of one image, in a folder whose name has a comma."""
    place = tmp_path / "cats, dogs"
    place.mkdir()
    labels = np.zeros((40, 40), np.uint8)
    labels[5:30, 5:30] = 3
    classes = ClassTable((LabelClass(3, "cat", (1, 2, 3)),))
    annotation = ImageAnnotation.from_labels("a.png", labels, classes)
    update_coco(place / "instances.json", [annotation])
    Image.new("RGB", (40, 40), (200, 40, 40)).save(place / "a.png")
    return DataFolder.of(place)


def settings(folder: DataFolder, task: str, model: str, output: Path) -> TrainSettings:
    return TrainSettings(
        (), (folder,), False, task, model, output, 2, "ce", None, None, 32, "cpu"
    )


@pytest.mark.parametrize("task", [SEMANTIC_TASK, CLICK_TASK])
def test_pixels_of_0_may_have_no_label_yet(
    folder: DataFolder, tmp_path: Path, task: str
) -> None:
    chosen = settings(folder, task, "model", tmp_path)
    make = click_arguments if task == CLICK_TASK else semantic_arguments
    assert "--unlabelled" not in make(chosen, [])
    arguments = make(replace(chosen, unlabelled=True), [])
    assert arguments[arguments.index("--unlabelled") + 1] == "0"


@pytest.mark.parametrize(
    ("task", "model"),
    [(SEMANTIC_TASK, "deeplabv3plus-lite0-voc"), (CLICK_TASK, "edgeflow-lite")],
)
def test_the_command_learns_from_a_coco_file(
    folder: DataFolder, tmp_path: Path, task: str, model: str
) -> None:
    chosen = settings(folder, task, model, tmp_path / "model")
    steps = prepare(TrainRequest(chosen, TrainData.of(chosen)))
    prepared = None
    while prepared is None:
        try:
            next(steps)
        except StopIteration as end:
            prepared = end.value
    options = cli.build_parser().parse_args(list(prepared.arguments))
    options.command = ""
    if task == CLICK_TASK:
        (source,) = click_training(options).sources
        assert (source.kind, len(source.pairs)) == ("object", 1)
        return
    training = semantic_training(options)
    assert [pair.image for pair in training.pairs] == [folder.folder / "a.png"]
    assert training.classes is not None
    assert [(c.id, c.name) for c in training.classes] == [(3, "cat")]


def test_a_coco_file_is_previewed(folder: DataFolder, tmp_path: Path) -> None:
    chosen = settings(folder, SEMANTIC_TASK, "unet", tmp_path / "model")
    preview = make_preview(PreviewRequest(TrainData.of(chosen), 0))
    assert {0, 3} <= set(np.unique(preview.labels)) <= {0, 3, 255}
    assert not list(folder.folder.glob("coco-*"))
