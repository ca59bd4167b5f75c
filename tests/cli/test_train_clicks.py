import argparse
from pathlib import Path

import pytest

from napari_edgeflow import cli
from napari_edgeflow.cli.train_clicks import training_of
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.training import ClickTraining


def asked(folder: Path, *more: str) -> ClickTraining:
    """What a command asks for; folders with as many images as are listed."""
    arguments = ["train", "clicks", "--instances", str(folder), "--output", "out"]
    options = cli.build_parser().parse_args([*arguments, *more])
    assert isinstance(options, argparse.Namespace)
    options.command = ""
    return training_of(options)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").touch()
    return tmp_path


def test_few_images_move_a_network_that_knows_objects_a_little(images: Path) -> None:
    new = asked(images)
    adapted = asked(images, "--init", "edgeflow-lite")
    assert (new.loop.rate, new.loop.blends) == (1e-3, (1.0,))
    assert (adapted.loop.rate, adapted.loop.blends) == (3e-4, (0.5, 1.0))
    assert new.task == ClickTaskSettings()
    assert adapted.task.frozen_decoder
    assert not adapted.task.relit
    # First clicks are learnt from more often.
    assert adapted.task.carry < new.task.carry
    # Crops are as large as windows are when it is used.
    assert {adapted.task.size(p / 10) for p in range(10)} == {256}
    chosen = asked(images, "--init", "edgeflow-lite", "--size", "64", "--rate", "0.5")
    assert chosen.task.size(0.0) == 64
    assert chosen.loop.rate == 0.5


def test_pixels_of_0_may_have_no_label_yet(images: Path) -> None:
    folders = ("--semantic", str(images))
    for more, expected in (((), False), (("--unlabelled", "0"), True)):
        training = asked(images, *folders, *more)
        assert [source.unlabelled for source in training.sources] == [expected] * 2


def test_many_images_train_it_on(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_edgeflow.engine.training.clicks.settings.FEW_IMAGES", 2)
    trained = asked(images, "--init", "edgeflow-lite")
    assert (trained.loop.rate, trained.loop.blends) == (2e-4, (1.0,))
    assert not trained.task.frozen_decoder
