"""What the training dock makes of a person's choices."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.cli.training import plan_in
from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK, SEMANTIC_TASK
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.training.clicks.training import ClickTraining
from napari_edgeflow.engine.training.semantic.training import SemanticTraining
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.training.plan import (
    DataSource,
    TrainingPlan,
    as_learnt,
)
from napari_edgeflow.formats.training.sources import find_source
from napari_edgeflow.formats.training.trainings import training_of
from napari_edgeflow.widgets.train.preview import PreviewRequest, make_preview
from napari_edgeflow.widgets.train.settings import TrainChoice
from napari_edgeflow.widgets.train.work import (
    TrainRequest,
    prepare,
)


@pytest.fixture
def folder(tmp_path: Path) -> DataSource:
    """A COCO file of one image, in a folder whose name has a comma."""
    place = tmp_path / "cats, dogs"
    place.mkdir()
    labels = np.zeros((40, 40), np.uint8)
    labels[5:30, 5:30] = 3
    classes = ClassTable((LabelClass(3, "cat", (1, 2, 3)),))
    annotation = ImageAnnotation.from_labels("a.png", labels, classes)
    update_coco(place / "instances.json", [annotation])
    Image.new("RGB", (40, 40), (200, 40, 40)).save(place / "a.png")
    return find_source(place)


def chosen(folder: DataSource, task: Any, model: str, output: Path) -> TrainRequest:
    plan = TrainingPlan(
        task=task, output=output, sources=(as_learnt(folder, task),), init=model,
        epochs=2, loss="ce", size=32, device="cpu", unlabelled=True,
    )  # fmt: skip
    return TrainRequest.of(TrainChoice((), plan))


@pytest.mark.parametrize(
    ("task", "model"),
    [(SEMANTIC_TASK, "deeplabv3plus-lite0-voc"), (CLICK_TASK, "edgeflow-lite")],
)
def test_what_is_chosen_is_what_the_training_is_told(
    folder: DataSource, tmp_path: Path, task: str, model: str
) -> None:
    output = tmp_path / "model"
    for _ in prepare(chosen(folder, task, model, output)):
        pass
    training = training_of(plan_in(output))
    assert (training.init, training.epochs, training.device) == (model, 2, "cpu")
    assert training.task.sizes == ((1.0, 32),)
    if isinstance(training, ClickTraining):
        (source,) = training.sources
        assert (source.kind, len(source.pairs)) == ("object", 1)
        assert source.unlabelled
        return
    assert isinstance(training, SemanticTraining)
    assert training.unlabelled
    assert [pair.image for pair in training.pairs] == [folder.folder / "a.png"]
    assert training.classes is not None
    assert [(c.id, c.name) for c in training.classes] == [(3, "cat")]


def test_a_coco_file_is_previewed(folder: DataSource, tmp_path: Path) -> None:
    request = chosen(folder, SEMANTIC_TASK, "unet", tmp_path / "model")
    plan = replace(request.plan, unlabelled=False)
    request = replace(request, choice=TrainChoice((), plan))
    preview = make_preview(PreviewRequest(request, 0))
    assert {0, 3} <= set(np.unique(preview.labels)) <= {0, 3, 255}
    assert not list(folder.folder.glob("coco-*"))
