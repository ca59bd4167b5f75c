import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from scipy import ndimage
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow import cli
from napari_edgeflow.cli.convert import CONVERTED_FROM, CONVERTED_TO
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.imports import SOURCES as READERS
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.kinds.coco.dataset import read_coco, update_coco
from napari_edgeflow.formats.kinds.geojson import read_geojson
from napari_edgeflow.formats.kinds.label_images.folder import (
    read_label_folder,
    write_gray_png,
)
from napari_edgeflow.formats.kinds.labelme.files import read_labelme_folder
from napari_edgeflow.formats.kinds.voc.objects import read_voc
from napari_edgeflow.formats.kinds.yolo import read_yolo_folder

LABELS = ring_and_parts().class_labels()
NAMES = ("a", "größe", "it's_b")


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Grey label images with a list of classes, and their photographs."""
    folder = tmp_path / "größe 🐈" / "labels"
    for name in NAMES:
        write_gray_png(folder / f"{name}.png", LABELS)
    write_class_list(folder / "classes.txt", TABLE)
    images = folder.parent / "images"
    images.mkdir()
    for name in NAMES:
        Image.new("RGB", (50, 40), (9, 99, 199)).save(images / f"{name}.jpg")
    return folder


def convert(folder: Path, target: str, output: Path, *more: object) -> int:
    images = folder.parent / "images"
    return run(
        "convert", folder, "--from", "labels", "--to", target, "--output", output,
        "--images", images, *more,
    )  # fmt: skip


def read(kind: str, folder: Path) -> list[ImageAnnotation]:
    if kind == "coco":
        return list(read_coco(folder / "annotations.json"))
    if kind == "geojson":
        return [read_geojson(path) for path in sorted(folder.glob("*.geojson"))]
    readers = {
        "labelme": read_labelme_folder,
        "yolo": read_yolo_folder,
        "voc": read_voc,
    }
    return list(readers.get(kind, read_label_folder)(folder))


WITH_LABELS = ("coco", "labelme", "yolo", "voc", "geojson", "gray", "palette", "tiff")


@pytest.mark.parametrize("target", WITH_LABELS)
def test_labels_come_back_from_every_format(
    labels: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out 🐈"
    assert convert(labels, target, output) == 0
    assert f"3 images · 15 objects · {output}" in capsys.readouterr().out
    found = read(target, output)
    assert len(found) == 3
    for annotation in found:
        assert np.array_equal(annotation.class_labels(), LABELS)
        names = {entry.id: entry.name for entry in annotation.classes}
        assert names == {entry.id: entry.name for entry in TABLE}


@pytest.mark.parametrize("source", ["coco", "labelme", "yolo", "voc", "geojson"])
def test_every_source_is_read(labels: Path, tmp_path: Path, source: str) -> None:
    middle, output = tmp_path / "middle", tmp_path / "out"
    assert convert(labels, source, middle) == 0
    status = run(
        "convert", middle, "--from", source, "--to", "gray", "--output", output
    )
    assert status == 0
    found = sorted(output.rglob("*.png"))
    assert [path.stem for path in found] == sorted(NAMES)
    for path in found:
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), LABELS)


@pytest.mark.parametrize(("target", "told"), [("yolo", True), ("coco", False)])
def test_images_that_are_not_found_are_told_of(
    labels: Path,
    tmp_path: Path,
    target: str,
    told: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = labels.rename(tmp_path / "alone")
    source = ("convert", alone, "--from", "labels", "--to", target)
    assert run(*source, "--output", tmp_path / "out") == (2 if told else 0)
    said = capsys.readouterr()
    assert ("3 images not found" in said.out) == told
    assert ("by --images" in said.err) == told


def test_eisegs_folder_is_read(labels: Path, tmp_path: Path) -> None:
    (labels / "classes.txt").rename(labels / "autosave_label.txt")
    output = tmp_path / "out"
    status = run(
        "convert", labels, "--from", "eiseg", "--to", "coco", "--output", output
    )
    assert status == 0
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(output / "annotations.json")
    assert [image["file_name"] for image in coco.imgs.values()] == [
        f"{name}.png" for name in NAMES
    ]
    assert {c["id"]: c["color"] for c in coco.cats.values()}[7] == [200, 0, 50]


def test_pictures_of_the_labels(labels: Path, tmp_path: Path) -> None:
    assert convert(labels, "cutout", tmp_path / "out") == 0
    assert convert(labels, "overlay", tmp_path / "out") == 0
    with Image.open(tmp_path / "out" / "größe_cutout.png") as image:
        assert np.array_equal(np.asarray(image)[..., 3] >= 128, LABELS > 0)
    with Image.open(tmp_path / "out" / "größe_overlay.png") as image:
        assert (image.mode, image.size) == ("RGB", (50, 40))


def test_background_and_opacity(labels: Path, tmp_path: Path) -> None:
    assert convert(labels, "cutout", tmp_path, "--background", "#ff8000") == 0
    with Image.open(tmp_path / "a_cutout.png") as image:
        pixels = np.asarray(image)
    far = ~ndimage.binary_dilation(LABELS > 0, iterations=4)
    assert (pixels[far] == (255, 128, 0, 255)).all()
    assert convert(labels, "overlay", tmp_path, "--opacity", "0") == 0
    with Image.open(tmp_path / "a_overlay.png") as image:
        inside = ndimage.binary_erosion(LABELS > 0, iterations=2)
        assert np.abs(np.asarray(image)[inside] - (9.0, 99, 199)).max() < 4


def test_ids_of_objects_on_demand(labels: Path, tmp_path: Path) -> None:
    assert convert(labels, "tiff", tmp_path / "tiff", "--objects") == 0
    (first, *_) = read("tiff", tmp_path / "tiff")
    assert len(first.objects) == 5
    assert np.array_equal(first.class_labels(), LABELS)
    assert convert(labels, "gray", tmp_path / "gray", "--objects") == 0
    with Image.open(tmp_path / "gray" / "a.png") as image:
        assert np.array_equal(np.asarray(image), first.object_labels())


def test_instances_of_others(labels: Path, tmp_path: Path) -> None:
    ids = np.arange(12, dtype=np.uint16).reshape(3, 4) * 70
    write_gray_png(tmp_path / "in" / "a.png", ids)
    status = run(
        "convert", tmp_path / "in", "--from", "labels", "--instances", "--to", "tiff",
        "--objects", "--output", tmp_path / "out",
    )  # fmt: skip
    assert status == 0
    (back,) = read("tiff", tmp_path / "out")
    assert np.array_equal(back.object_labels(), ids)
    assert [entry.name for entry in back.classes] == ["object"]


def test_names_with_spaces_become_words_for_voc(labels: Path, tmp_path: Path) -> None:
    for folder, suffix in ((labels, "png"), (labels.parent / "images", "jpg")):
        (folder / f"a.{suffix}").rename(folder / f"my  photo 1.{suffix}")
    assert convert(labels, "voc", tmp_path) == 0
    names = [annotation.file_name for annotation in read("voc", tmp_path)]
    assert sorted(names) == ["größe.jpg", "it's_b.jpg", "my_photo_1.jpg"]


def test_splits_and_tolerance(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = ("--split", "0.34,0.33,0.33", "--seed", "3")
    assert convert(labels, "coco", tmp_path / "coco", *split, "--tolerance", "1") == 0
    text = capsys.readouterr().out
    assert " vertices · IoU kept 0.9" in text
    found = sorted(path.name for path in (tmp_path / "coco").iterdir())
    assert found == [f"annotations_{s}.json" for s in ("test", "train", "val")]
    assert convert(labels, "yolo", tmp_path / "yolo", *split) == 0
    assert len(list((tmp_path / "yolo" / "images").glob("*/*.jpg"))) == 3
    assert {p.parent.name for p in (tmp_path / "yolo" / "labels").rglob("*.txt")} == {
        "train", "val", "test"
    }  # fmt: skip
    assert convert(labels, "voc", tmp_path / "voc", *split) == 0
    lists = tmp_path / "voc" / "ImageSets" / "Segmentation"
    in_voc = {p.stem: p.read_text(encoding="utf-8").split() for p in lists.iterdir()}
    assert convert(labels, "gray", tmp_path / "gray", *split) == 0
    for name, names in in_voc.items():
        text = (tmp_path / "gray" / f"{name}.txt").read_text(encoding="utf-8")
        assert [Path(line).stem for line in text.splitlines()] == names
    first = json.loads((tmp_path / "coco" / "annotations_val.json").read_text())
    assert Path(first["images"][0]["file_name"]).stem == in_voc["val"][0]


def test_run_lengths_on_demand(labels: Path, tmp_path: Path) -> None:
    assert convert(labels, "coco", tmp_path, "--rle") == 0
    record = json.loads((tmp_path / "annotations.json").read_text())
    kinds = {type(entry["segmentation"]) for entry in record["annotations"]}
    assert kinds == {dict}


def test_classes_of_another_list(labels: Path, tmp_path: Path) -> None:
    cat = LabelClass(3, "cat", (1, 2, 3))
    write_class_list(tmp_path / "list.txt", ClassTable((cat,)))
    middle = tmp_path / "coco"
    assert convert(labels, "coco", middle) == 0
    status = run(
        "convert", middle / "annotations.json", "--from", "coco", "--to", "palette",
        "--output", tmp_path / "out", "--classes", tmp_path / "list.txt",
    )  # fmt: skip
    assert status == 0
    annotation = read("palette", tmp_path / "out")[0]
    assert annotation.classes.get(3) == cat
    assert np.array_equal(annotation.class_labels() == 3, LABELS == 1)


def test_void_is_no_object(labels: Path, tmp_path: Path) -> None:
    void = LABELS.copy()
    void[30:, 20:30] = 255
    entry = LabelClass(255, "void", (224, 224, 192))
    write_class_list(labels / "classes.txt", ClassTable((*TABLE, entry)))
    write_gray_png(labels / "a.png", void)
    assert convert(labels, "voc", tmp_path / "voc") == 0
    assert np.array_equal(read("voc", tmp_path / "voc")[0].class_labels(), void)
    assert convert(labels, "coco", tmp_path / "coco") == 0
    first = read("coco", tmp_path / "coco")[0]
    assert np.array_equal(first.class_labels(), LABELS)
    assert 255 not in {c.id for c in first.classes}


def test_the_rest_is_written_if_something_cannot_be(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (labels / "a.png").write_bytes(b"no PNG")
    (labels.parent / "images" / "it's_b.jpg").unlink()
    assert convert(labels, "cutout", tmp_path / "out") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[0].startswith("napari-edgeflow: a.png is left out: cannot read")
    assert "it's_b.png is left out: no image" in told[1]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["größe_cutout.png"]


def test_images_of_equal_names_stay_apart(tmp_path: Path) -> None:
    names = ("x/a.jpg", "x/a.png", "y/a.jpg")
    update_coco(tmp_path / "annotations.json", map(ring_and_parts, names))
    arguments = ("convert", tmp_path, "--from", "coco", "--output")
    assert run(*arguments, tmp_path / "g", "--to", "gray") == 0
    found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))
    assert found == ["g/x/a.jpg.png", "g/x/a.png.png", "g/y/a.png"]
    # Without images, of which a YOLO folder has some.
    assert run(*arguments, tmp_path / "y", "--to", "yolo") == 2
    found = sorted(p.name for p in (tmp_path / "y" / "labels").rglob("*.txt"))
    assert found == ["a.jpg.txt", "a.png.txt", "a.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "labels"), "no folder"),
        (("--from", "voc"), "give a VOC folder"),
        (("--from", "coco"), "cannot read"),
        (("--from", "labelme"), "no JSON file in"),
        (("--from", "yolo"), "cannot read"),
        (("--from", "eiseg"), "no folder"),
        (("--from", "labels", "--classes", "none.txt"), "cannot read the class list"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out"
    status = run(
        "convert", tmp_path / "none", "--to", "gray", "--output", output, *arguments
    )
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not output.exists()


def test_other_splits_and_tolerances_are_refused(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(labels, "gray", tmp_path / "out", "--split", "0.5,0.4") == 2
    assert "add up to 1" in capsys.readouterr().err
    assert convert(labels, "gray", tmp_path / "out", "--tolerance", "-1") == 2
    assert "tolerance -1" in capsys.readouterr().err
    assert convert(labels, "gray", tmp_path / "out", "--opacity", "2") == 2
    assert "opacity 2" in capsys.readouterr().err
    for option, text, message in (
        ("--split", "many", "is no split"),
        ("--background", "mauvish", "'mauvish' is no colour"),
    ):
        with pytest.raises(SystemExit):
            convert(labels, "gray", tmp_path / "out", option, text)
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_all_formats_are_offered() -> None:
    assert tuple(FORMATS) == CONVERTED_TO
    assert tuple(READERS) == CONVERTED_FROM


@pytest.mark.parametrize("target", ["gray", "palette"])
def test_labels_never_replace_an_image(
    labels: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in NAMES:
        Image.new("RGB", (50, 40), (9, 99, 199)).save(images / f"{name}.png")
    before = {path: path.read_bytes() for path in images.iterdir()}
    where = ("--from", "labels", "--images", images, "--output", images)
    assert run("convert", labels, "--to", target, *where) == 2
    assert "a.png is the image itself, and would be replaced" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in images.iterdir()} == before


def test_labels_never_replace_those_they_are_made_of(
    labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in labels.iterdir()}
    assert convert(labels, "palette", labels) == 2
    assert "would replace the labels in" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in labels.iterdir()} == before
    # Another format's files lie beside them.
    assert convert(labels, "geojson", labels) == 0


def test_grey_may_be_spelt_either_way(labels: Path, tmp_path: Path) -> None:
    assert convert(labels, "grey", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == len(NAMES)
