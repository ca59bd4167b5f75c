from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from tests.engine.training.line_task import SHORT, ScoredTask

from napari_edgeflow.engine.checkpoints.checkpoint import save_edgeflow
from napari_edgeflow.engine.data.pairs import folder_pairs
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.training.clicks import task as click_task
from napari_edgeflow.engine.training.clicks.holdout import (
    VALIDATION_CLICKS,
    hold_back_objects,
    validate_clicks,
)
from napari_edgeflow.engine.training.clicks.samples import ClickSource
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.training import ClickTraining
from napari_edgeflow.engine.training.reports import EpochReport, TrainMessage
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.train import train
from napari_edgeflow.engine.training.training import start

NAMES = ["1 click", "2 clicks", "3 clicks"]


@pytest.fixture
def source(labelled_folder: Path) -> ClickSource:
    return ClickSource(
        folder_pairs(labelled_folder / "images", labelled_folder / "labels")
    )


def test_validation_clicks_on_what_is_held_back(
    source: ClickSource, tiny_model: EdgeFlow
) -> None:
    targets = hold_back_objects([source], 0.5, 0).targets
    fabric = Fabric(accelerator="cpu", devices=1)
    found = validate_clicks(tiny_model, targets, fabric)
    assert list(found.classes) == NAMES
    assert len(NAMES) == VALIDATION_CLICKS
    values = [value for value in found.classes.values() if value is not None]
    assert found.score == pytest.approx(sum(values) / 3)
    assert 0 <= found.score < 1


def test_clicks_are_trained_in_epochs_and_the_start_is_measured(
    source: ClickSource,
    tiny_model: EdgeFlow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ClickTraining, "shortest_epoch", 2)
    # The export has tests of its own.
    monkeypatch.setattr(click_task, "write_model", save_edgeflow)
    save_edgeflow(tiny_model, tmp_path / "start.safetensors", {})
    training = ClickTraining(
        sources=[source],
        output=tmp_path / "out",
        init=str(tmp_path / "start.safetensors"),
        device="cpu",
        task=ClickTaskSettings(batch=2, sizes=((1.0, 64),), workers=0),
        loop=LoopSettings(rate=1e-3, ema=0.5),
        epochs=2,
        validation=0.3,
    )
    reports = list(start(training))
    assert isinstance(reports[0], TrainMessage)
    assert "held back for validation: 1 of" in reports[0].text
    epochs = [r for r in reports if isinstance(r, EpochReport)]
    assert [(r.epoch, r.step) for r in epochs] == [(0, 0), (1, 2), (2, 4)]
    assert epochs[0].best
    assert list(epochs[-1].validation.classes) == NAMES
    assert (tmp_path / "out/model.safetensors").is_file()
    with pytest.raises(ValueError, match="epochs 0"):
        replace(training, epochs=0)


def test_images_that_cannot_be_read_are_named_and_left_out(
    source: ClickSource, tiny_model: EdgeFlow, tmp_path: Path
) -> None:
    save_edgeflow(tiny_model, tmp_path / "start.safetensors", {})
    torn, *kept = source.pairs
    torn.labels.write_bytes(torn.labels.read_bytes()[:-30])
    training = ClickTraining(
        sources=[replace(source, pairs=(torn,)), source],
        output=tmp_path / "out",
        init=str(tmp_path / "start.safetensors"),
        task=ClickTaskSettings(batch=2, sizes=((1.0, 64),), workers=0),
    )
    lesson = training.prepare(torch.device("cpu"))
    assert lesson.messages[0] is not None
    assert lesson.messages[0].startswith("left out 1 of ")
    assert lesson.images == len(kept)
    assert isinstance(lesson.task, click_task.ClickTask)
    assert [one.pairs for one in lesson.task.sources] == [tuple(kept)]


def test_a_training_that_makes_it_worse_ends_with_what_it_began_with(
    tmp_path: Path,
) -> None:
    task = ScoredTask([0.9, 0.5, 0.6, 0.4])
    settings = replace(SHORT, epoch_steps=20, validate_first=True)
    list(train(task, settings, tmp_path))
    assert task.published == [0.0]


def test_fewer_and_smaller_crops_go_on_where_it_was(
    source: ClickSource, tiny_model: EdgeFlow
) -> None:
    settings = ClickTaskSettings(batch=4, sizes=((1.0, 128),), workers=0, carry=1)
    task = click_task.ClickTask(tiny_model, [source], settings)
    task.train_mode(Fabric(accelerator="cpu", devices=1))
    assert task.step(0.0)[2] == 4
    planned = task.memory_needed()
    assert task.shrink() == "2 crops of up to 128 pixels"
    assert task.step(0.0)[2] == 2
    assert task.shrink() == "2 crops of up to 64 pixels"
    # What was carried on was larger.
    assert task.step(0.0)[2] == 2
    assert task.memory_needed() < planned / 4
    assert task.shrink() is None
