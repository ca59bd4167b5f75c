"""Folders as EISeg writes them; its polygons join the centres of outermost pixels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.kinds.eiseg import read_eiseg

CAT = LabelClass(1, "cat", (200, 0, 0))
BOX = [[2, 1], [5, 1], [5, 4], [2, 4]]
LABELS = np.zeros((8, 9), np.uint8)
LABELS[1:5, 2:6] = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "größe"
    root.mkdir()
    (root / "autosave_label.txt").write_text("1 cat 200 0 0 \n2 big dog 0 9 0 \n")
    return root


def polygons(path: Path, **changes: object) -> None:
    record = {"name": "cat", "labelIdx": 1, "color": [200, 0, 0], "points": BOX}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{**record, **changes}]))


def coco(path: Path, *names: str) -> None:
    record = {
        "categories": [{"id": 1, "name": "cat", "color": [200, 0, 0]}],
        "images": [
            {"id": i, "width": 9, "height": 8, "file_name": n, "license": ""}
            for i, n in enumerate(names, 1)
        ],
        "annotations": [
            {
                "id": 1, "iscrowd": 0, "image_id": 1, "category_id": 1,
                "segmentation": [[v for point in BOX for v in point]],
                "area": 9.0, "bbox": [2, 1, 3, 3],
            }
        ],
        "info": "",
        "licenses": [],
    }  # fmt: skip
    path.write_text(json.dumps(record))


def test_label_images_and_their_list(folder: Path) -> None:
    Image.fromarray(LABELS).save(folder / "my cat.png")
    Image.fromarray(LABELS * 3).save(folder / "my cat_pseudo.png")
    Image.new("RGBA", (9, 8)).save(folder / "my cat_cutout.png")
    (annotation,) = read_eiseg(folder)
    assert annotation.file_name == "my cat.png"
    assert np.array_equal(annotation.class_labels(), LABELS)
    assert annotation.classes.classes[0] == CAT
    assert annotation.classes.get(2).name == "big dog"


def test_colours_where_there_is_nothing_else(folder: Path) -> None:
    rgb = np.zeros((8, 9, 3), np.uint8)
    rgb[LABELS == 1] = CAT.colour
    rgb[7, 8] = 1, 2, 3
    Image.fromarray(rgb).save(folder / "a_pseudo.png")
    (annotation,) = read_eiseg(folder)
    expected = LABELS.copy()
    expected[7, 8] = 3
    assert np.array_equal(annotation.class_labels(), expected)
    assert annotation.classes.get(3) == LabelClass(3, "class 3", (1, 2, 3))


@pytest.mark.parametrize("place", ["", "label"])
def test_its_own_polygons_hold_the_pixels_they_were_traced_from(
    folder: Path, tmp_path: Path, place: str
) -> None:
    polygons(folder / place / "a.json")
    with pytest.raises(ValueError, match=r"a is left out: .* give the images"):
        list(read_eiseg(folder))
    images = tmp_path / "images"
    images.mkdir()
    Image.new("L", (9, 8)).save(images / "a.jpg")
    (annotation,) = read_eiseg(folder, images)
    assert annotation.file_name == "a.jpg"
    assert np.array_equal(annotation.class_labels(), LABELS)
    Image.fromarray(LABELS).save(folder / "a.png")
    (same,) = read_eiseg(folder)
    assert np.array_equal(same.class_labels(), LABELS)
    assert len(same.objects[0].drawn) == 1


def test_coco_comes_first_where_it_has_objects(folder: Path) -> None:
    coco(folder / "annotations.json", "a.jpg", "b.jpg")
    Image.fromarray(LABELS * 2).save(folder / "a.png")
    Image.fromarray(LABELS * 2).save(folder / "b.png")
    first, second = read_eiseg(folder)
    assert (first.file_name, second.file_name) == ("a.jpg", "b.png")
    assert np.array_equal(first.class_labels(), LABELS)
    assert np.array_equal(second.class_labels(), LABELS * 2)


def test_labelme_files_are_read(folder: Path) -> None:
    shape = {"label": "cat", "points": BOX, "shape_type": "polygon"}
    record = {"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 8}
    (folder / "labelme").mkdir()
    text = json.dumps({**record, "imageWidth": 9})
    (folder / "labelme" / "a.json").write_text(text)
    (annotation,) = read_eiseg(folder)
    assert np.array_equal(annotation.class_labels(), LABELS)


def test_classes_that_the_list_lacks_or_numbers_otherwise(folder: Path) -> None:
    Image.fromarray(LABELS).save(folder / "a.png")
    polygons(folder / "a.json", name="ant", labelIdx=9)
    (annotation,) = read_eiseg(folder)
    assert annotation.objects[0].class_id == 9
    polygons(folder / "a.json", name="ant", labelIdx=2)
    (annotation,) = read_eiseg(folder)
    assert annotation.objects[0].class_id == 3
    given = ClassTable((LabelClass(4, "cat", (0, 0, 0)),))
    polygons(folder / "a.json")
    (annotation,) = read_eiseg(folder, classes=given)
    assert annotation.objects[0].class_id == 4


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "cat"}]', "3"])
def test_broken_files_are_told_of(folder: Path, text: str) -> None:
    for name in "ab":
        Image.fromarray(LABELS).save(folder / f"{name}.png")
    (folder / "a.json").write_text(text)
    said: list[str] = []
    (annotation,) = read_eiseg(folder, report=said.append)
    assert annotation.file_name == "b.png"
    assert said[0].startswith("a is left out: ")


def test_other_folders_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no labels in .*EISeg's output folder"):
        list(read_eiseg(folder))
    with pytest.raises(ValueError, match="no folder"):
        list(read_eiseg(folder / "none"))
