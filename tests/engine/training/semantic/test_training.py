import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from lightning_fabric import Fabric
from PIL import Image
from tests.engine.colour_network import colour_facts, patches
from tests.engine.conftest import settled
from tests.engine.labelled import save_pairs

from napari_edgeflow.engine.checkpoints.semantic import write_semantic
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.training.reports import (
    EpochReport,
    TrainEvent,
    TrainMessage,
    TrainReport,
)
from napari_edgeflow.engine.training.semantic import task as semantic_task
from napari_edgeflow.engine.training.semantic import training as semantic_training
from napari_edgeflow.engine.training.semantic.source import SemanticSource
from napari_edgeflow.engine.training.semantic.task import SemanticTaskSettings
from napari_edgeflow.engine.training.semantic.training import (
    SemanticTraining,
    build_semantic,
)
from napari_edgeflow.engine.training.semantic.validation import summary
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.training import start

TASK = SemanticTaskSettings(batch=4, sizes=((1.0, 32),), workers=0)
LOOP = LoopSettings(rate=1e-2, ema=0.9)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network for four colours that has not learned them."""
    torch.manual_seed(0)
    network = smp.Unet(
        "tu-test_efficientnet",
        encoder_weights=None,
        decoder_channels=(16, 16, 8, 8, 8),
        classes=4,
    )
    path = tmp_path_factory.mktemp("start")
    write_semantic(settled(network), colour_facts(window=32), path, {})
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to train, quickly: without ONNX, whose export has its own tests."""
    monkeypatch.setattr(semantic_task, "publish_semantic", write_semantic)
    monkeypatch.setattr(SemanticTraining, "shortest_epoch", 10)
    return tmp_path


def training(
    folder: Path, known: str, count: int = 4, **how: object
) -> SemanticTraining:
    labels = [patches((64, 64), 16, i) for i in range(count)]
    arguments = {"init": known, "device": "cpu", "task": TASK, "loop": LOOP,
                 "validation": 0.25, "epochs": 3, **how}  # fmt: skip
    pairs = save_pairs(folder, labels)
    return SemanticTraining(
        pairs=pairs, classes=None, output=folder / "out", **arguments
    )  # type: ignore[arg-type]


def epochs(reports: list[TrainEvent]) -> list[EpochReport]:
    return [r for r in reports if isinstance(r, EpochReport)]


def test_two_images_are_learnt_and_the_best_model_is_in_the_folder(
    folder: Path, known: str
) -> None:
    command = "napari-edgeflow train semantic …"
    wanted = training(folder, known, 2, epochs=6, command=command)
    reports = list(start(wanted))
    told = [r.text for r in reports if isinstance(r, TrainMessage)]
    assert told == ["8 blocks of the images are held back for validation"]
    found = epochs(reports)
    assert [r.step for r in found] == [10, 20, 30, 40, 50, 60]
    assert found[-1].validation.score > found[0].validation.score
    assert found[-1].validation.score > 0.6
    assert set(found[0].validation.classes) == {"background", "red", "green", "blue"}
    steps = [r for r in reports if isinstance(r, TrainReport)]
    assert set(steps[0].losses) == {"loss", "ce", "dice", "iou"}
    assert steps[-1].losses["iou"] > steps[0].losses["iou"]
    with (folder / "out/metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == list("123456")
    noted = (folder / "out/command.txt").read_text(encoding="utf-8")
    assert noted == f"{command}\n"
    again = build_semantic(replace(wanted, init=str(folder / "out")))
    assert again[1].names == ("background", "red", "green", "blue")


def test_the_same_seed_gives_the_same_model(folder: Path, known: str) -> None:
    once = training(folder, known, epochs=1)
    twice = replace(once, output=folder / "again")
    other = replace(once, output=folder / "other", task=replace(TASK, seed=1))
    first, second, third = (epochs(list(start(one)))[0] for one in (once, twice, other))
    assert first.losses == second.losses
    assert first.validation == second.validation
    assert third.losses != first.losses


def test_a_resumed_training_goes_on_with_other_crops(folder: Path, known: str) -> None:
    wanted = training(folder, known, epochs=2)
    reports = start(wanted)
    next(r for r in reports if isinstance(r, EpochReport))
    reports.close()
    state = torch.load(folder / "out/training-state.pt", weights_only=True)
    assert state["task"]["drawn"] == 40
    rest = epochs(list(start(wanted, resume=True)))
    assert [(r.epoch, r.step) for r in rest] == [(2, 20)]
    with pytest.raises(ValueError, match="holds a training already"):
        list(start(wanted))


def test_what_is_no_class_is_told_and_not_trained_on(folder: Path, known: str) -> None:
    table = ClassTable(
        (LabelClass(1, "red", (9, 0, 0)), LabelClass(2, "new", (1, 1, 1)))
    )
    wanted = replace(training(folder, known, epochs=1), classes=table)
    messages = [r for r in start(wanted) if isinstance(r, TrainMessage)]
    assert "labels 3 are not in the class list" in messages[0].text
    assert messages[1].text == "training on 3 images, validation on 1"


def test_pixels_of_0_may_have_no_label_yet(folder: Path, known: str) -> None:
    wanted = training(folder, known, epochs=1, unlabelled=True)
    model, facts = build_semantic(wanted)
    assert facts.class_ids == (1, 2, 3)
    assert int(model.config["classes"]) == 3
    found = epochs(list(start(wanted)))
    assert set(found[0].validation.classes) == {"red", "green", "blue"}


def test_the_model_to_start_from_keeps_what_it_knows(folder: Path, known: str) -> None:
    plain = training(folder, known)
    model, facts = build_semantic(plain)
    assert facts.names == ("background", "red", "green", "blue")
    table = ClassTable((LabelClass(9, "blue", (0, 0, 1)),))
    fewer, wanted = build_semantic(replace(plain, classes=table))
    assert wanted.class_ids == (0, 9)
    assert wanted.window == 32
    pixels = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before, after = model.eval()(pixels), fewer.eval()(pixels)
    assert torch.allclose(before[:, [0, 3]], after, atol=1e-5)


def test_without_validation_the_last_weights_are_written(
    folder: Path, known: str
) -> None:
    wanted = training(folder, known, epochs=1, validation=0.0)
    *reports, _ = start(wanted)
    assert not epochs(reports)
    assert reports[-1].step == 10  # type: ignore[union-attr]
    assert (folder / "out/model.safetensors").is_file()
    assert not (folder / "out/metrics.csv").exists()


def test_fewer_and_smaller_crops_go_on_where_it_was(folder: Path, known: str) -> None:
    wanted = training(folder, known)
    model, facts = build_semantic(wanted)
    source = semantic_training.SemanticSource(wanted.pairs, facts.class_ids)
    settings = replace(TASK, batch=8, sizes=((0.5, 64), (1.0, 128)))
    task = semantic_task.SemanticTask(model, source, facts, settings)
    task.train_mode(Fabric(accelerator="cpu", devices=1))
    assert task.step(0.0)[2] == 8
    planned = task.memory_needed()
    assert task.shrink() == "4 crops of up to 128 pixels"
    assert task.step(0.9)[2] == 4
    fewer = task.memory_needed()
    assert task.shrink() == "2 crops of up to 128 pixels"
    assert task.shrink() == "2 crops of up to 64 pixels"
    assert task.settings.sizes == ((0.5, 64), (1.0, 64))
    smallest = task.memory_needed()
    # The weights' part stays: the rest is half, then an eighth of it.
    assert planned - fewer == pytest.approx(8 / 7 * (fewer - smallest), rel=1e-3)
    assert task.step(0.9)[2] == 2
    assert task.state()["drawn"] == 14
    assert task.shrink() is None


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"epochs": 0}, "epochs 0: use 1 or more"),
        ({"validation": 0.9}, "validation 0.9: use a share from 0 to 0.5"),
    ],
)
def test_settings_are_checked(
    how: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        training(tmp_path, "", **how)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch": 1}, "batch 1: use 2 or more"),
        ({"sizes": ((1.0, 16),)}, r"crops of \[16\] pixels: use multiples of 32"),
        ({"sizes": ()}, r"crops of \[\] pixels"),
        ({"loss": "ce+hinge"}, "'hinge' is none of"),
    ],
)
def test_how_it_learns_is_checked(how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SemanticTaskSettings(**how)  # type: ignore[arg-type]


def test_labels_are_looked_at_before_training(folder: Path, known: str) -> None:
    wanted = training(folder, known)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(wanted.pairs[2].labels)
    with pytest.raises(ValueError, match=r"2\.png have shape \(9, 9\)"):
        list(start(wanted))
    assert not wanted.output.exists()
    tiny = SemanticTraining(
        pairs=save_pairs(folder / "tiny", [patches((20, 20), 5)]), classes=None,
        output=folder / "out",
        init=known, device="cpu", task=TASK,
    )  # fmt: skip
    with pytest.raises(ValueError, match="the only image is 20 x 20 pixels"):
        list(start(tiny))


def test_images_that_cannot_be_read_are_named_and_left_out(
    folder: Path, known: str
) -> None:
    wanted = training(folder, known, 6, epochs=1)
    for number in (1, 4):
        path = wanted.pairs[number].image
        path.write_bytes(path.read_bytes()[:-40])
    first, *reports = start(wanted)
    assert isinstance(first, TrainMessage)
    assert first.text.startswith("left out 2 of 6 images that cannot be read: ")
    assert all(str(wanted.pairs[number].image) in first.text for number in (1, 4))
    assert epochs(reports)
    for pair in wanted.pairs:
        pair.image.write_bytes(b"none")
    with pytest.raises(OSError, match="cannot read the image"):
        list(start(replace(wanted, output=folder / "other")))
    assert not (folder / "other").exists()


def test_the_score_is_the_mean_over_the_classes_of_the_labels() -> None:
    facts = colour_facts()
    # Two pixels of red, of which one was taken for blue; all of the rest is right.
    confusion = np.zeros((4, 5), np.int64)
    confusion[0, 0], confusion[1, 1], confusion[1, 3] = 6, 1, 1
    found = summary(confusion, facts)
    assert found.score == pytest.approx((1 + 0.5) / 2)
    assert found.classes == {"background": 1, "red": 0.5, "green": None, "blue": 0}
    assert summary(np.zeros((4, 5), np.int64), facts).score == 0


def test_blocks_are_compared_within_their_bounds(folder: Path, known: str) -> None:
    wanted = training(folder, known, 1, epochs=1, validation=0.25)
    source = semantic_training.SemanticSource(wanted.pairs, (0, 1, 2, 3))
    holdout = semantic_training.hold_back(source, source.presence(), 0.25, 0)
    blocks = holdout.validation[0].windows
    pixels = sum(window.height * window.width for window in blocks)
    kept = (holdout.source.read_target(0) != VOID).sum()
    assert pixels + kept == 64 * 64


def test_images_of_a_microscope_are_stretched_and_turned(
    folder: Path, known: str
) -> None:
    wanted = training(folder, known, epochs=1)
    for pair in wanted.pairs:
        grey = np.asarray(Image.open(pair.image).convert("L")) // 4
        Image.fromarray(grey).save(pair.image)
    reports = list(start(wanted))
    told = [r.text for r in reports if isinstance(r, TrainMessage)]
    assert told[0] == "most images are grey: taken for those of a microscope"
    _, facts = build_semantic(replace(wanted, init=str(folder / "out")))
    assert facts.stretched
    rates = learning_rates(folder / "out")
    assert rates["encoder"] == rates["rest"]
    photographs = replace(wanted, microscopy=False, output=folder / "photographs")
    list(start(photographs))
    _, facts = build_semantic(replace(wanted, init=str(folder / "photographs")))
    assert not facts.stretched
    rates = learning_rates(folder / "photographs")
    assert rates["encoder"] < rates["rest"]


def learning_rates(output: Path) -> dict[str, float]:
    """Return the rates that a training ended with."""
    state = torch.load(output / "training-state.pt", weights_only=True)
    rest, encoder = (group["lr"] for group in state["optimizer"]["param_groups"])
    return {"rest": rest, "encoder": encoder}


def test_what_is_trained_on_is_stretched(folder: Path, known: str) -> None:
    pairs = training(folder, known, 1).pairs
    source = SemanticSource(pairs, (0, 1, 2, 3), stretched=True)
    bright, _ = source.read(0)
    Image.fromarray(bright // 6).save(pairs[0].image)
    stretched, _ = source.read(0)
    assert np.abs(stretched.astype(int) - bright).max() < 8
