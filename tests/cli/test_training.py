import json
from pathlib import Path

import pytest

from napari_edgeflow import cli
from napari_edgeflow.cli.training import plan_in
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.training import ClickTraining
from napari_edgeflow.engine.training.folder import COMMAND_FILE, PLAN_FILE
from napari_edgeflow.engine.training.semantic.training import SemanticTraining
from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan
from napari_edgeflow.formats.training.sources import read_source
from napari_edgeflow.formats.training.trainings import training_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
    return tmp_path


def parsed(folder: Path, *arguments: object) -> SemanticTraining:
    given = ["train", "semantic", "--pairs", folder, "--output", "out", *arguments]
    options = cli.build_parser().parse_args([str(a) for a in given])
    training = training_of(options.plan(options), "as typed")
    assert isinstance(training, SemanticTraining)
    return training


def test_options_become_settings(folder: Path) -> None:
    found = parsed(
        folder, "--loss", "focal+dice", "--seed", 4, "--unlabelled", 0, "--size", 64,
        "--patience", 0, "--validation", 0.1, "--init", "model", "--batch", 8,
    )  # fmt: skip
    assert (found.task.loss, found.task.seed, found.task.batch) == ("focal+dice", 4, 8)
    assert found.task.sizes == ((1.0, 64),)
    assert found.unlabelled
    assert found.loop.patience is None
    assert (found.validation, found.init) == (0.1, "model")
    assert found.command == "as typed"
    assert [pair.image.name for pair in found.pairs] == ["a.png"]


def test_there_is_always_an_end(folder: Path) -> None:
    assert parsed(folder).epochs == 30
    assert parsed(folder, "--epochs", 3).epochs == 3
    assert parsed(folder, "--epochs", 3, "--minutes", 5).epochs == 3
    timed = parsed(folder, "--minutes", 5)
    assert (timed.epochs, timed.loop.minutes) == (None, 5)
    counted = parsed(folder, "--steps", 5)
    assert (counted.epochs, counted.loop.steps) == (None, 5)
    with pytest.raises(ValueError, match="3 epochs and 5 steps: give one of them"):
        parsed(folder, "--epochs", 3, "--steps", 5)


def test_classes_come_from_a_list(folder: Path) -> None:
    assert parsed(folder).classes is None
    (folder / "labels.txt").write_text("background\ncat\n")
    beside = parsed(folder).classes
    assert beside is not None
    assert [entry.name for entry in beside] == ["cat"]
    other = folder / "other.txt"
    other.write_text("4 dog\n")
    named = parsed(folder, "--classes", other).classes
    assert named is not None
    assert [(entry.id, entry.name) for entry in named] == [(4, "dog")]


def test_folders_mean_the_same_by_a_class(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for name in ("images", "labels"):
        (other / name).mkdir(parents=True)
        (other / name / "b.png").touch()
    (folder / "labels.txt").write_text("background\ncell\n")
    (other / "labels.txt").write_text("background\ncell\nfibre\n")
    classes = parsed(folder, "--pairs", other).classes
    assert classes is not None
    assert [entry.name for entry in classes] == ["cell", "fibre"]
    (other / "labels.txt").write_text("background\nfibre\n")
    with pytest.raises(ValueError, match="class 1 is 'cell' in one folder and 'fibre'"):
        parsed(folder, "--pairs", other)
    given = ("--pairs", other, "--classes", other / "labels.txt")
    assert parsed(folder, *given).classes is not None


def test_a_voc_folder_without_a_list_has_the_classes_of_voc(
    folder: Path, tmp_path: Path
) -> None:
    voc = tmp_path / "voc"
    names = voc / "ImageSets/Segmentation/train.txt"
    names.parent.mkdir(parents=True)
    names.write_text("a\n")
    # Alone it has those of the model that training starts from.
    assert parsed(folder, "--voc", voc).classes is None
    (folder / "labels.txt").write_text("background\naeroplane\n")
    classes = parsed(folder, "--voc", voc).classes
    assert classes is not None
    assert [entry.name for entry in classes][19:] == ["tvmonitor"]
    (folder / "labels.txt").write_text("background\ncat\n")
    with pytest.raises(ValueError, match=r"class 1 is 'aeroplane' in one .* 'cat' in"):
        parsed(folder, "--voc", voc)


def test_bad_input_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "semantic", "--pairs", str(folder), "--output", "out"]
    assert cli.main([*command, "--loss", "hinge", "--report", "jsonl"]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith('{"event": "error", "text": "loss \'hinge\'')
    assert printed.err.count("\n") == 1
    assert "write a sum such as ce+0.5*dice" in printed.err


def test_few_images_are_learnt_in_small_batches(folder: Path) -> None:
    few = parsed(folder).task
    assert (few.batch, few.sizes) == (8, ((0.6, 192), (1.0, 256)))
    assert parsed(folder, "--batch", 4, "--size", 64).task.batch == 4
    assert parsed(folder).microscopy is None
    assert parsed(folder, "--augment", "microscopy").microscopy


def test_a_coco_file_brings_images_and_classes(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    coco = tmp_path / "coco.json"
    coco.write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "width": 9, "height": 9}],'
        '"categories": [{"id": 2, "name": "cell"}], "annotations": [{"id": 1,'
        '"image_id": 1, "category_id": 2, "bbox": [1, 1, 4, 4],'
        '"segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]]}]}'
    )
    for kind in ("semantic", "clicks"):
        options = cli.build_parser().parse_args(
            ["train", kind, "--coco", f"{coco},images={tmp_path}",
             "--output", str(tmp_path / kind)]
        )  # fmt: skip
        training = training_of(options.plan(options))
        if kind == "semantic":
            assert isinstance(training, SemanticTraining)
            assert training.classes is not None
            assert [entry.name for entry in training.classes] == ["cell"]
            (pair,) = training.pairs
        else:
            assert isinstance(training, ClickTraining)
            (source,) = training.sources
            assert source.kind == "object"
            (pair,) = source.pairs
        assert list(tmp_path.glob(f"{kind}/coco-labels/coco-*/*")) == [pair.labels]
        assert read_label_image(pair.labels).max() == (2 if kind == "semantic" else 1)


def test_labels_of_coco_files_do_not_replace_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def labels() -> list[Path]:
        paths = (tmp_path / name / "instances.json" for name in "ab")
        found = [read_source(DataSource(path, "coco"), tmp_path) for path in paths]
        return [pair.labels for pairs, _ in found for pair in pairs]

    for name, x in (("a", 1), ("b", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").touch()
        record = {
            "images": [{"id": 1, "file_name": "0.png", "width": 9, "height": 9}],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [{
                "id": 1, "image_id": 1, "category_id": 1, "bbox": [x, 1, 3, 3],
                "segmentation": [[x, 1, x + 3, 1, x + 3, 4, x, 4]],
            }],
        }  # fmt: skip
        (tmp_path / name / "instances.json").write_text(json.dumps(record))
    first = labels()
    assert [int(read_label_image(path).argmax() % 9) for path in first] == [1, 5]
    # The second process of several.
    monkeypatch.setenv("RANK", "1")
    assert not set(labels()) & set(first)


def asked(folder: Path, *more: str) -> ClickTraining:
    """What a command asks for; folders with as many images as are listed."""
    arguments = ["train", "clicks", "--instances", str(folder), "--output", "out"]
    options = cli.build_parser().parse_args([*arguments, *more])
    training = training_of(options.plan(options))
    assert isinstance(training, ClickTraining)
    return training


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


def test_pixels_of_0_beside_classes_may_have_no_label_yet(images: Path) -> None:
    folders = ("--semantic", str(images))
    for more, expected in (((), False), (("--unlabelled", "0"), True)):
        training = asked(images, *folders, *more)
        assert [source.unlabelled for source in training.sources] == [expected] * 2


def test_many_images_train_it_on(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_edgeflow.engine.training.clicks.settings.FEW_IMAGES", 2)
    trained = asked(images, "--init", "edgeflow-lite")
    assert (trained.loop.rate, trained.loop.blends) == (2e-4, (1.0,))
    assert not trained.task.frozen_decoder


def test_what_a_command_told_can_go_on_in_a_folder_that_was_moved(
    tmp_path: Path,
) -> None:
    line = (
        "napari-edgeflow train clicks --semantic '/a b' --semantic "
        "/o/p/labels,weight=2 --report jsonl --output /o/p --init edgeflow-lite"
    )
    (tmp_path / COMMAND_FILE).write_text(f"napari-edgeflow demo\n{line}\n")
    assert plan_in(tmp_path) == TrainingPlan(
        task="clicks",
        output=tmp_path,
        sources=(
            DataSource(Path("/a b"), "pairs"),
            DataSource(tmp_path / "labels", "pairs", weight=2),
        ),
        init="edgeflow-lite",
        network="edgeflow-lite",
    )


@pytest.mark.parametrize(
    "wrong",
    ["", "napari-edgeflow demo", "'unclosed", "napari-edgeflow train semantic",
     "napari-edgeflow train folder runs", "napari-edgeflow train clicks --rate x"],
)  # fmt: skip
def test_commands_that_start_no_training_are_told(wrong: str, tmp_path: Path) -> None:
    (tmp_path / COMMAND_FILE).write_text(wrong)
    with pytest.raises(ValueError, match="starts no training"):
        plan_in(tmp_path)


def test_the_plan_in_a_folder_goes_before_its_command(
    folder: Path, tmp_path: Path
) -> None:
    options = cli.build_parser().parse_args(
        ["train", "semantic", "--pairs", str(folder), "--output", str(tmp_path),
         "--rate", "0.5", "--minutes", "3", "--augment", "photographs"]
    )  # fmt: skip
    plan = options.plan(options)
    (tmp_path / COMMAND_FILE).write_text("napari-edgeflow train clicks --output x\n")
    (tmp_path / PLAN_FILE).write_text(plan.to_text(), encoding="utf-8")
    told = cli.build_parser().parse_args(["train", "folder", str(tmp_path)])
    assert told.plan(told) == plan
    assert (plan.rate, plan.minutes, plan.microscopy) == (0.5, 3, False)


def test_a_folder_without_a_training_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", "folder", str(tmp_path), "--resume"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
