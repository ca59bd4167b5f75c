"""Networks of version 0.1.0 and trainings that it left half way.

The networks are small and their weights few values, so that the files are small; they
have learned nothing. The trainings were asked to stop one step before their end. Their
rate is next to nothing, and one bias of the state was raised by 0.25 afterwards: a
training that goes on keeps it, one that begins anew from the model has it as it was.
"""

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_edgeflow import ClickSegmenter, SemanticSegmenter
from napari_edgeflow.cli import main

CLICKS, SEMANTIC = "models/clicks.tar.xz", "models/semantic.tar.xz"
CLASSES = {1: ("cell", (200, 0, 50)), 4: ("Moos grün", (10, 120, 30))}


@pytest.fixture
def outputs(copy_of: Callable[[str], Path]) -> dict[str, NDArray[Any]]:
    """What the networks said then of the picture below, every other pixel of it."""
    with np.load(copy_of("models/outputs.npz")) as file:
        return dict(file)


def picture() -> NDArray[np.uint8]:
    image = np.full((48, 64, 3), 20, np.uint8)
    image[8:24, 12:32] = 230
    image[28:44, 36:56] = (230, 20, 20)
    return image


def without_export(folder: Path) -> None:
    """Leave the weights alone, so that torch runs them."""
    (folder / "model.onnx").unlink()


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_click_model_says_what_it_said(
    copy_of: Callable[[str], Path], outputs: dict[str, NDArray[Any]], runtime: str
) -> None:
    folder = copy_of(CLICKS) / "model"
    if runtime == "torch":
        without_export(folder)
    segmenter = ClickSegmenter.from_pretrained(folder, device="cpu")
    segmenter.set_image(picture())
    first = segmenter.add_click((16, 22)).copy()
    second = segmenter.add_click((36, 46), positive=False)
    found = np.stack([first, second])[:, ::2, ::2]
    np.testing.assert_allclose(found, outputs["click"], atol=1e-4)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_semantic_model_says_what_it_said(
    copy_of: Callable[[str], Path], outputs: dict[str, NDArray[Any]], runtime: str
) -> None:
    folder = copy_of(SEMANTIC) / "model"
    if runtime == "torch":
        without_export(folder)
    segmenter = SemanticSegmenter.from_pretrained(folder, device="cpu")
    assert {c.id: (c.name, c.colour) for c in segmenter.classes} == CLASSES
    found = np.asarray(segmenter.predict_probabilities(picture()))
    np.testing.assert_allclose(found[:, ::2, ::2], outputs["semantic"], atol=1e-4)
    # Where two classes are about as likely, either may win.
    sure = np.sort(found, axis=0)[-1] - np.sort(found, axis=0)[-2] > 1e-3
    assert sure.mean() > 0.9
    labels = segmenter.predict(picture())
    np.testing.assert_array_equal(labels[sure], outputs["labels"][sure])


def test_the_weights_alone_are_a_model_too(
    copy_of: Callable[[str], Path], outputs: dict[str, NDArray[Any]]
) -> None:
    file = copy_of(CLICKS) / "model" / "model.safetensors"
    segmenter = ClickSegmenter.from_pretrained(file, device="cpu")
    segmenter.set_image(picture())
    found = segmenter.add_click((16, 22))[::2, ::2]
    np.testing.assert_allclose(found, outputs["click"][0], atol=1e-4)


STARTERS = (
    "deeplabv3plus-lite0",
    "deeplabv3plus-efficientnet-b3",
    "deeplabv3plus-resnet50",
    "deeplabv3plus-mobilenet-v3",
)


def test_bundled_models_have_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    *models, starters = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in models]
    assert names == ["edgeflow-lite", "deeplabv3plus-lite0-voc"]
    assert starters == f"networks to train from: {', '.join(STARTERS)}"
    ClickSegmenter.from_pretrained(names[0], device="cpu")
    SemanticSegmenter.from_pretrained(names[1], device="cpu")


@pytest.mark.parametrize("name", STARTERS)
def test_networks_to_train_from_are_no_models_yet(name: str) -> None:
    with pytest.raises(ValueError, match="has not learned to segment yet"):
        SemanticSegmenter.from_pretrained(name)


def test_models_trained_on_this_computer_are_listed(
    copy_of: Callable[[str], Path],
    own_models: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clicks, semantic = copy_of(CLICKS) / "run", copy_of(SEMANTIC) / "run"
    # In the file there are words in place of the folders.
    text = copy_of("settings/models.json").read_text(encoding="utf-8")
    text = text.replace("CLICKS", clicks.as_posix())
    text = text.replace("SEMANTIC", semantic.as_posix())
    (own_models / "models.json").write_text(text, encoding="utf-8")
    assert main(["models"]) == 0
    # The third that the file names is not there any more.
    assert capsys.readouterr().out.splitlines()[2:-1] == [
        f"{semantic.as_posix()}  trained here, for automatic segmentation",
        f"{clicks.as_posix()}  trained here, for clicks",
    ]


# ---- trainings


def read_state(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "training-state.pt", weights_only=True)


@pytest.mark.usefixtures("training")
@pytest.mark.parametrize("by", ["its command", "its folder"])
@pytest.mark.parametrize(
    ("archive", "bias", "step", "epochs"),
    [
        (SEMANTIC, "segmentation_head.0.bias", 21, ["1"]),
        (CLICKS, "coarse.bias", 51, ["0", "1"]),
    ],
    ids=["semantic", "clicks"],
)
def test_a_training_goes_on_where_it_was_stopped(
    copy_of: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    archive: str,
    bias: str,
    step: int,
    epochs: list[str],
    by: str,
) -> None:
    folder = copy_of(archive)
    # The paths in the command are as seen from here.
    monkeypatch.chdir(folder)
    run, before = folder / "run", read_state(folder / "run")
    assert before["step"] == step
    with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
        old_rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in old_rows] == epochs
    (command,) = (run / "command.txt").read_text(encoding="utf-8").splitlines()
    program, *arguments = shlex.split(command)
    assert program == "napari-edgeflow"

    if by == "its folder":
        arguments = ["train", "folder", "run", "--report", "jsonl"]
    assert main([*arguments, "--resume"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [event["step"] for event in events if event["event"] == "step"]
    assert steps == [step + 1]
    assert events[-1]["event"] == "done"
    after = read_state(run)
    assert (after["step"], after["samples"]) == (step + 1, before["samples"] + 2)
    assert after["epoch"] == before["epoch"] + 1
    assert after["best"] >= before["best"]
    # What was learned and how the optimiser went on are kept.
    torch.testing.assert_close(after["model"][bias], before["model"][bias])
    old, new = (state["optimizer"]["state"] for state in (before, after))
    assert {int(one["step"]) for one in old.values()} == {step}
    assert {int(one["step"]) for one in new.values()} == {step + 1}
    with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[: len(old_rows)] == old_rows
    assert int(rows[-1]["step"]) == step + 1
    lines = (run / "command.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == command
    assert len(lines) == 2


def test_the_best_models_of_stopped_trainings_open(
    copy_of: Callable[[str], Path],
) -> None:
    segmenter = SemanticSegmenter.from_pretrained(copy_of(SEMANTIC) / "run", "cpu")
    assert {c.id: (c.name, c.colour) for c in segmenter.classes} == CLASSES
    assert segmenter.predict(picture()).shape == (48, 64)
    clicks = ClickSegmenter.from_pretrained(copy_of(CLICKS) / "run", "cpu")
    clicks.set_image(picture())
    assert clicks.add_click((16, 22)).shape == (48, 64)


@pytest.mark.usefixtures("training")
def test_a_training_that_is_not_resumed_is_left_alone(
    copy_of: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = copy_of(CLICKS)
    monkeypatch.chdir(folder)
    command = (folder / "run" / "command.txt").read_text(encoding="utf-8")
    assert main(shlex.split(command)[1:]) == 2
    assert "holds a training already" in capsys.readouterr().err
