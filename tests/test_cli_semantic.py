import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tests.engine.colour_network import (
    NAMES,
    colour_facts,
    painted,
    patches,
    write_colour_model,
)

from napari_edgeflow import __version__, cli
from napari_edgeflow.engine.checkpoints.checkpoint import STARTERS
from napari_edgeflow.engine.labels.regions import objects_of
from napari_edgeflow.formats.kinds.voc.png import read_palette_png

IDS = np.array([0, 1, 5, 8], np.uint8)
"""Class ids of the model, in the order of its colours."""


def run(*arguments: object) -> int:
    return cli.main([str(a) for a in arguments])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells colours apart, so that every label is known."""
    facts = colour_facts((0, 1, 5, 8), window=512)
    return write_colour_model(tmp_path_factory.mktemp("model") / "colours", facts)


def save(path: Path, seed: int = 0) -> NDArray[np.uint8]:
    """Write an image of coloured squares and return its labels (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    squares = patches((64, 96), side=32, seed=seed)
    Image.fromarray(painted(squares)).save(path)
    return IDS[squares]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three images and a text."""
    for seed, name in enumerate(("a.png", "b.bmp", "c.tif")):
        save(tmp_path / "photos" / name, seed)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_files_are_labelled_as_palette_images(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = {f"{n}.png": save(tmp_path / f"{n}.png", n) for n in (3, 4)}
    output = tmp_path / "new" / "labels"
    paths = [tmp_path / name for name in truth]
    assert run("segment", *paths, "--model", model, "--output", output) == 0
    assert names(output) == ["3.png", "4.png"]
    for name, expected in truth.items():
        with Image.open(output / name) as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.asarray(image), expected)
            colours = np.asarray(image.convert("RGB"))
        shown = np.unique(colours[expected == 8], axis=0)
        assert shown.tolist() == [[0, 0, 255]]
        _, classes = read_palette_png(output / name)
        assert [(c.id, c.name) for c in classes] == [
            (1, "red"),
            (5, "green"),
            (8, "blue"),
        ]
    assert (
        "2 labelled · 0 skipped, since done · 0 failed · cpu" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["."], ["a.png", "b.png", "c.png"]),
        (["*.png"], ["a.png"]),
        (["[ab].*"], ["a.png", "b.png"]),
        (["*"], ["a.png", "b.png", "c.png"]),
        (["../**/c.tif"], ["c.png"]),
        ([".", "a.png", "b.bmp"], ["a.png", "b.png", "c.png"]),
    ],
)
def test_folders_and_patterns(
    model: Path,
    photos: Path,
    inputs: list[str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(photos)
    output = photos.parent / "labels"
    assert run("segment", *inputs, "--model", model, "--output", output) == 0
    assert names(output) == expected


def test_a_name_may_look_like_a_pattern(model: Path, tmp_path: Path) -> None:
    truth = save(tmp_path / "cell[1].png")
    output = tmp_path / "labels"
    path = tmp_path / "cell[1].png"
    assert run("segment", path, "--model", model, "--output", output) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(output / path.name)), truth)


def test_images_that_are_done_are_skipped(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "labels"
    output.mkdir()
    done = output / "b.png"
    done.write_text("done by hand")
    command = ("segment", photos, "--model", model, "--output", output)
    assert run(*command) == 0
    assert "2 labelled · 1 skipped" in capsys.readouterr().out
    assert done.read_text() == "done by hand"
    assert run(*command) == 0
    assert "0 labelled · 3 skipped" in capsys.readouterr().out
    assert run(*command, "--overwrite") == 0
    assert "3 labelled · 0 skipped" in capsys.readouterr().out
    labels, _ = read_palette_png(done)
    np.testing.assert_array_equal(labels, IDS[patches((64, 96), side=32, seed=1)])


def test_confidence_is_written_beside_the_labels(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    output = tmp_path / "labels"
    command = ("segment", photos / "a.png", "--model", model, "--output", output)
    assert run(*command, "--confidence") == 0
    assert names(output) == ["a.png", "a_confidence.tif"]
    confidence = tifffile.imread(output / "a_confidence.tif")
    assert confidence.dtype == np.float16
    assert confidence.shape == (64, 96)
    # The logit of a pure colour is 4, that of black 0 and those of others are -4.
    np.testing.assert_allclose(confidence, 0.981, atol=2e-3)


def test_ways_of_looking_are_passed_on(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    output = tmp_path / "labels"
    status = run(
        "segment", photos / "a.png", "--model", model, "--output", output,
        "--flip", "--scales", 1, 2, "--scale", 1, "--tile-size", 1024,
        "--overlap", 64, "--device", "cpu",
    )  # fmt: skip
    assert status == 0
    labels, _ = read_palette_png(output / "a.png")
    assert np.mean(labels == IDS[patches((64, 96), side=32)]) > 0.95


def test_two_images_of_one_name_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one/a.png", "two/a.png", "two/b.png"):
        save(tmp_path / name)
    folders = tmp_path / "one", tmp_path / "two"
    output = tmp_path / "labels"
    assert run("segment", *folders, "--model", model, "--output", output) == 2
    error = capsys.readouterr().err
    assert "would both be written as a.png" in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_labels_do_not_replace_their_image(
    model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (photos / "a.png").read_bytes()
    for place in (photos, photos / ".." / "photos"):
        command = ("segment", photos, "--model", model, "--output", place)
        assert run(*command, "--overwrite") == 2
        assert "a.png would replace it" in capsys.readouterr().err
    assert (photos / "a.png").read_bytes() == before
    assert "c.png" not in names(photos)


def test_one_broken_image_does_not_stop_the_others(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = photos / "b.bmp"
    broken.write_bytes(broken.read_bytes()[:100])
    volume = np.zeros((2, 3, 4, 5), np.uint8)
    tifffile.imwrite(photos / "c.tif", volume, photometric="minisblack")
    save(photos / "d.png", 3)
    output = tmp_path / "labels"
    assert run("segment", photos, "--model", model, "--output", output) == 2
    assert names(output) == ["a.png", "d.png"]
    told = capsys.readouterr()
    assert "2 labelled · 0 skipped, since done · 2 failed" in told.out
    assert f"cannot read the image {broken} (" in told.err
    assert f"{photos / 'c.tif'} holds a stack of shape (2, 3, 4, 5)" in told.err
    assert told.err.count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "no image missing.png"),
        (["*.jpeg"], "no image *.jpeg"),
        (["empty"], "no images in the folder empty: give one with .avif, .bmp, .gif"),
        (["a.png", "--model", "huge"], "no model 'huge': use deeplabv3plus-lite0-voc"),
        (["a.png", "--model", "edgeflow-lite"], "is a model for clicks"),
        (["a.png", "--device", "tpu"], "unknown device 'tpu'"),
        (["a.png", "--tile-size", "8"], "tile size 8"),
        (["a.png", "--overlap", "-3"], "overlap -3"),
        (["a.png", "--overlap", "300"], "a.png: overlap 300"),
        (["a.png", "--scale", "0"], "scale 0.0"),
        (["a.png", "--scales", "1", "9"], "scales (1.0, 9.0)"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    arguments: list[str],
    message: str,
    model: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(photos)
    (photos / "empty").mkdir()
    command = ["segment", "--model", str(model), "--output", "labels", *arguments]
    assert run(*command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("labels").exists()


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A folder in VOC layout: two images to train on, two to measure."""
    root = tmp_path / "VOC2012"
    (root / "SegmentationClass").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    for split, numbers in (("train", (0, 1)), ("val", (2, 3))):
        stems = [f"2007_{number:06}" for number in numbers]
        for stem, number in zip(stems, numbers, strict=True):
            labels = save(root / "JPEGImages" / f"{stem}.jpg", number)
            labels[0] = 255
            picture = Image.fromarray(labels)
            picture.putpalette(list(range(256)) * 3)
            picture.save(root / "SegmentationClass" / f"{stem}.png")
        lists = root / "ImageSets" / "Segmentation" / f"{split}.txt"
        lists.write_text("".join(f"{stem}\n" for stem in stems))
    return root


def test_evaluate_semantic_prints_and_writes_figures(
    model: Path, voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "reports" / "out.json"
    status = run(
        "evaluate", "semantic", "--voc", voc, "--split", "val", "--model", model,
        "--json", output,
    )  # fmt: skip
    assert status == 0
    figures = json.loads(output.read_text())
    assert set(figures) == {
        "images",
        "miou",
        "iou_per_class",
        "pixel_accuracy",
        "ms_per_image_median",
        "confusion",
    }
    assert figures["images"] == 2
    assert list(figures["iou_per_class"]) == list(NAMES)
    # JPEG blurs the rims of the squares a little.
    assert all(0.95 < value <= 1 for value in figures["iou_per_class"].values())
    ious = figures["iou_per_class"].values()
    assert figures["miou"] == pytest.approx(sum(ious) / 4)
    assert 0.95 < figures["pixel_accuracy"] <= 1
    assert figures["ms_per_image_median"] > 0
    assert sum(map(sum, figures["confusion"])) == 2 * 63 * 96
    table = capsys.readouterr().out
    assert f"mean IoU              {figures['miou']:8.3f}" in table
    assert "true class in rows" in table


def test_evaluate_semantic_takes_folders_of_pairs(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = save(tmp_path / "images" / "one.png")
    labels[labels == 8] = 5
    (tmp_path / "labels").mkdir()
    Image.fromarray(labels).save(tmp_path / "labels" / "one.png")
    output = tmp_path / "out.json"
    command = ("evaluate", "semantic", "--pairs", tmp_path, "--model", model)
    assert run(*command, "--json", output) == 0
    figures = json.loads(output.read_text())
    squares = patches((64, 96), side=32)
    assert 0 not in squares
    green, blue = (int((squares == k).sum()) for k in (2, 3))
    assert figures["iou_per_class"] == {
        "background": None,
        "red": 1,
        "green": green / (green + blue),
        "blue": 0,
    }
    assert figures["pixel_accuracy"] == (64 * 96 - blue) / (64 * 96)
    assert figures["confusion"][2] == [0, 0, green, blue]
    assert "blue" in capsys.readouterr().out


def objects_folder(root: Path) -> NDArray[np.uint8]:
    """Write an image of squares and the ids of its objects, and return these."""
    labels = save(root / "images" / "one.png")
    ids, _ = objects_of(labels)
    (root / "labels").mkdir()
    Image.fromarray(ids.astype(np.uint8)).save(root / "labels" / "one.png")
    return ids.astype(np.uint8)


def test_evaluate_objects_measures_the_pieces_that_a_model_finds(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = objects_folder(tmp_path)
    output = tmp_path / "out.json"
    command = ("evaluate", "objects", "--pairs", tmp_path, "--model", model)
    assert run(*command, "--json", output) == 0
    figures = json.loads(output.read_text())
    assert figures["objects"] == figures["found"] == ids.max() > 1
    assert figures["ap50"] == figures["ap"] == figures["f1"] == figures["pq"] == 1
    assert figures["ms_per_image_median"] > 0
    assert "AP at IoU 0.5            1.000" in capsys.readouterr().out


def test_evaluate_objects_measures_the_label_images_of_any_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = objects_folder(tmp_path)
    found = np.where(ids == 1, 0, ids).astype(np.uint16)
    other = tmp_path / "found"
    other.mkdir()
    command = ("evaluate", "objects", "--pairs", tmp_path, "--labels", other)
    tifffile.imwrite(other / "two.tif", found)
    assert run(*command) == 2
    assert "no label image of one.png in" in capsys.readouterr().err
    tifffile.imwrite(other / "one.tif", found)
    output = tmp_path / "out.json"
    assert run(*command, "--json", output) == 0
    figures = json.loads(output.read_text())
    assert figures["found"] == figures["objects"] - 1
    assert figures["ap50"] == pytest.approx(1 - 1 / figures["objects"])
    assert run("evaluate", "objects") == 2
    assert "no labelled images: give --pairs DIR" in capsys.readouterr().err


def test_evaluate_semantic_says_what_is_missing(
    model: Path, voc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("evaluate", "semantic", "--model", model)
    assert run(*command) == 2
    assert (
        "no labelled images: give --voc DIR or --pairs DIR" in capsys.readouterr().err
    )
    assert run(*command, "--voc", voc, "--split", "test") == 2
    assert "test.txt" in capsys.readouterr().err


def test_a_model_is_trained_and_used(
    voc: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The network that is the default, with a smaller encoder.
    monkeypatch.setitem(STARTERS, "deeplabv3plus-lite0", "tu-test_efficientnet")
    trained = tmp_path / "trained"
    command = (
        "train", "semantic", "--voc", voc, "--output", trained, "--steps", 2,
        "--size", 64, "--batch", 2, "--device", "cpu", "--from-scratch",
    )  # fmt: skip
    assert run(*command) == 0
    assert "100.0% · step 2" in capsys.readouterr().out
    assert {"config.json", "model.onnx", "model.safetensors"} <= set(names(trained))
    output = tmp_path / "labels"
    images = voc / "JPEGImages"
    assert run("segment", images, "--model", trained, "--output", output) == 0
    assert len(names(output)) == 4
    labels, classes = read_palette_png(output / "2007_000000.png")
    assert labels.shape == (64, 96)
    assert len(classes) == 20
    assert run(*command) == 2
    assert "holds a training already" in capsys.readouterr().err


def test_own_classes_are_trained_and_a_model_is_trained_on(
    voc: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(STARTERS, "tiny", "tu-test_efficientnet")
    own = tmp_path / "classes.txt"
    own.write_text("1 red 255 0 0\n5 green 0 255 0\n")
    options = ("--steps", 1, "--size", 32, "--batch", 2, "--device", "cpu")
    first, second = tmp_path / "first", tmp_path / "second"
    status = run(
        "train", "semantic", "--voc", voc, "--classes", own, "--network", "tiny",
        "--from-scratch", "--longest-side", 96, "--output", first, *options,
    )  # fmt: skip
    assert status == 0
    status = run(
        "train", "semantic", "--voc", voc, "--init", first, "--output", second, *options
    )
    assert status == 0
    output = tmp_path / "out.json"
    status = run(
        "evaluate", "semantic", "--voc", voc, "--model", second, "--json", output
    )
    assert status == 0
    figures = json.loads(output.read_text())
    assert list(figures["iou_per_class"]) == ["background", "red", "green"]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "100"], "crops of [100] pixels: use multiples of 32"),
        (["--size", "0"], "crops of [0] pixels"),
        (["--batch", "0"], "batch 0"),
        (["--steps", "0"], "steps 0"),
        (["--split", "none"], "none.txt"),
        (["--init", "huge"], "no model 'huge'"),
        (["--network", "huge"], "unknown network 'huge'"),
        (["--classes", "none.csv"], "none.csv"),
    ],
)
def test_trainings_that_cannot_be_are_one_sentence(
    voc: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "model"
    command = ["train", "semantic", "--voc", voc, "--output", output, *arguments]
    assert run(*command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_on_a_cpu_no_torch_and_no_window_is_loaded(
    model: Path, voc: Path, tmp_path: Path
) -> None:
    common = f"'--model', {str(model)!r}, '--device', 'cpu'"
    code = (
        "import sys; from napari_edgeflow.cli import main;"
        f"one = main(['segment', {str(voc / 'JPEGImages')!r}, {common},"
        f"'--confidence', '--output', {str(tmp_path / 'labels')!r}]);"
        f"two = main(['evaluate', 'semantic', '--voc', {str(voc)!r}, {common}]);"
        "print(one, two, [m for m in ('torch', 'qtpy', 'napari') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 0 []"
    assert len(names(tmp_path / "labels")) == 8


def test_the_package_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_edgeflow", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{__version__}\n"


def test_an_output_that_is_a_file_is_told_once(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert run("segment", photos, "--output", file) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{file} is a file, not a folder: choose another place" in told
