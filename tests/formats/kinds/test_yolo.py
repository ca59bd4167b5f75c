from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from tests.formats.annotation_samples import (
    DOG,
    MANY,
    TABLE,
    annotations,
    content,
    ring_and_parts,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import simplify_annotation
from napari_edgeflow.formats.kinds.yolo import (
    read_data_yaml,
    read_yolo,
    read_yolo_folder,
    write_data_yaml,
    write_yolo,
)
from napari_edgeflow.samples import load_sample

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def numbered(annotation: ImageAnnotation) -> ImageAnnotation:
    objects = tuple(replace(o, id=i) for i, o in enumerate(annotation.objects, 1))
    return replace(annotation, objects=objects)


@many
@given(annotation=annotations(), grow=st.integers(1, 700))
def test_objects_come_back(
    tmp_path: Path, annotation: ImageAnnotation, grow: int
) -> None:
    shape = annotation.height + grow, annotation.width + grow
    annotation = replace(annotation, height=shape[0], width=shape[1])
    path = tmp_path / "größe 🐈.txt"
    write_yolo(path, annotation)
    back = read_yolo(path, annotation.file_name, shape, TABLE)
    assert content(back) == content(numbered(annotation))


def test_lines_are_as_ultralytics_reads_them(tmp_path: Path) -> None:
    write_yolo(tmp_path / "a.txt", ring_and_parts())
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert lines[1] == "0 0.165 0.20625 0.235 0.20625 0.235 0.26875 0.165 0.26875"
    assert [line.split()[0] for line in lines] == ["1", "0", "0", "1"]


def test_a_ring_stays_one_for_others(tmp_path: Path) -> None:
    # Of a size that objects have: a quarter of a pixel is little of it.
    ys, xs = np.ogrid[:400, :500]
    distance = (ys - 200) ** 2 + (xs - 250) ** 2
    ring = (distance < 150**2) & (distance > 75**2)
    annotation = ImageAnnotation.from_labels("a", ring.astype(np.uint8), TABLE)
    write_yolo(tmp_path / "a.txt", annotation)
    (line,) = (tmp_path / "a.txt").read_text().splitlines()
    values = np.array(line.split()[1:], float).reshape(-1, 2) * (500, 400)
    image = Image.new("1", (500, 400))
    # Drawn with its outline, as OpenCV draws it.
    ImageDraw.Draw(image).polygon([tuple(p) for p in values], outline=1, fill=1)
    assert iou(np.asarray(image), ring) > 0.99


def test_drawing_with_the_outline_makes_no_object_wider(tmp_path: Path) -> None:
    # As Ultralytics does with OpenCV: fractions are cut off, the outline is drawn too.
    _, ids = load_sample("nuclei_grey")
    class_of = dict.fromkeys(np.unique(ids[ids > 0]).tolist(), 1)
    annotation = ImageAnnotation.from_objects("a", ids, class_of, TABLE)
    write_yolo(tmp_path / "a.txt", annotation)
    lines = (tmp_path / "a.txt").read_text().splitlines()
    height, width = ids.shape
    for line, entry in zip(lines, annotation.objects, strict=True):
        points = np.array(line.split()[1:], np.float32).reshape(-1, 2)
        whole = (points * np.float32((width, height))).astype(np.int32)
        image = Image.new("1", (width, height))
        ImageDraw.Draw(image).polygon([*map(tuple, whole.tolist())], 1, 1)
        assert np.array_equal(np.asarray(image), entry.region.full(ids.shape))


def test_simple_outlines_come_back_nearly(tmp_path: Path) -> None:
    ys, xs = np.ogrid[:300, :400]
    ring = (ys - 150) ** 2 + (xs - 200) ** 2
    labels = ((ring < 140**2) & (ring > 60**2)).astype(np.uint8)
    exact = ImageAnnotation.from_labels("a", labels, TABLE)
    simple, cost = simplify_annotation(exact, 0.75)
    write_yolo(tmp_path / "a.txt", simple)
    back = read_yolo(tmp_path / "a.txt", "a", (300, 400), TABLE)
    assert np.array_equal(back.class_labels(), simple.class_labels())
    assert iou(back.class_labels() == 1, labels == 1) == cost.iou > 0.99


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "größe"
    for split, name in (("train", "a b"), ("val", "it's 🐈")):
        (root / "images" / split).mkdir(parents=True)
        Image.new("L", (50, 40)).save(root / "images" / split / f"{name}.png")
        write_yolo(root / "labels" / split / f"{name}.txt", ring_and_parts())
    write_data_yaml(root, TABLE, ("train", "val"))
    return root


def test_a_folder_comes_back(folder: Path) -> None:
    first, second = read_yolo_folder(folder)
    assert (first.file_name, second.file_name) == ("train/a b.png", "val/it's 🐈.png")
    assert first.classes == TABLE
    expected = replace(numbered(ring_and_parts()), file_name=first.file_name)
    assert content(first) == content(expected)
    record = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    assert record["names"] == {0: DOG.name, 1: "cat"}
    assert (record["train"], record["val"]) == ("images/train", "images/val")


def test_folders_without_splits_and_images_elsewhere(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "labels" / "val" / "it's 🐈.txt").rename(folder / "labels" / "x.txt")
    (folder / "labels" / "train" / "a b.txt").unlink()
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (50, 40)).save(tmp_path / "elsewhere" / "x.tif")
    (back,) = read_yolo_folder(folder, tmp_path / "elsewhere")
    assert back.file_name == "x.tif"
    with pytest.raises(ValueError, match=r"no image in .*images has the name of .*x"):
        list(read_yolo_folder(folder))


def test_files_without_image_are_told_of(folder: Path) -> None:
    (folder / "images" / "train" / "a b.png").unlink()
    (folder / "images" / "val" / "it's 🐈.jpg").write_bytes(b"")
    said: list[str] = []
    assert list(read_yolo_folder(folder, report=said.append)) == []
    assert sorted(
        next((w for w in ("no image in", "rename one") if w in text), text)
        for text in said
    ) == ["no image in", "rename one"]


def test_classes_of_others(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    for text in ("names: [cat, dog]", "names: {0: cat, 1: dog}"):
        path.write_text(text)
        assert [(c.id, c.name) for c in read_data_yaml(path)] == [
            (1, "cat"),
            (2, "dog"),
        ]
    path.write_text("names: [cat, cat]")
    assert [c.name for c in read_data_yaml(path)] == ["cat", "cat 2"]
    for text in ("", "names: {1: cat}", "names: 3", "[1]"):
        path.write_text(text)
        with pytest.raises(ValueError, match="names no classes"):
            read_data_yaml(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="no YAML file"):
        read_data_yaml(path)
    with pytest.raises(OSError, match=r"cannot read .*none\.yaml"):
        read_data_yaml(tmp_path / "none.yaml")
    write_data_yaml(tmp_path, MANY)
    assert read_data_yaml(path) == MANY
    twins = ClassTable((LabelClass(4, "a", (0, 0, 1)), LabelClass(2, "a", (0, 1, 0))))
    write_data_yaml(tmp_path, twins)
    assert read_data_yaml(path) == twins


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.1 0.1 0.5 0.5", "it is a box"),
        ("2 0 0 1 0 1 1", "class 2, of 2 from 0 on, is unknown"),
        ("0 0 0 1 0 1", "5 numbers are no polygon"),
        ("0 0 0 1 0 1 x", "no list of numbers"),
        ("0 0 0 1 0 nan nan", "no number"),
        ("0 2 2 3 2 3 3", "no area inside the image"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"\n{line}\n1 0 0 1 0 1 1\n")
    said: list[str] = []
    annotation = read_yolo(path, "a", (9, 9), TABLE, said.append)
    assert [o.class_id for o in annotation.objects] == [1]
    with pytest.raises(ValueError, match=f"line 2 is left out: .*{message}"):
        read_yolo(path, "a", (9, 9), TABLE)
    assert len(said) == 1
    with pytest.raises(OSError, match="cannot read"):
        read_yolo(tmp_path / "b.txt", "a", (9, 9), TABLE)


def test_no_objects_make_an_empty_file(tmp_path: Path) -> None:
    write_yolo(tmp_path / "a.txt", ImageAnnotation("a", 3, 4, TABLE))
    assert (tmp_path / "a.txt").read_text() == ""
    assert read_yolo(tmp_path / "a.txt", "a", (3, 4), TABLE).objects == ()
