"""What other programs write and a strict reader would refuse, a few pixels of each."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.imports import read_annotations
from napari_edgeflow.formats.files.problems import Note

SQUARE = [2, 3, 10, 3, 10, 9, 2, 9]
"""x and y of 8 x 6 pixels."""


def read(
    source: str, path: Path, images: Path | None = None
) -> tuple[list[ImageAnnotation], list[str]]:
    """Return what is read, and what is left out."""
    told: list[str] = []
    found = list(read_annotations(source, path, images, None, told.append))
    return found, [text for text in told if not isinstance(text, Note)]


def image(path: Path, size: tuple[int, int] = (20, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (9, 99, 199)).save(path)


def coco(
    folder: Path, annotations: list[dict[str, Any]], names: Any = ("a.jpg",)
) -> Path:
    record = {
        "images": [
            {"id": i, "file_name": name, "width": 20, "height": 16}
            for i, name in enumerate(names, 1)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "iscrowd": 0, **one}
            for i, one in enumerate(annotations, 1)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "instances.json"
    path.write_text(json.dumps(record))
    return path


def areas(annotation: ImageAnnotation) -> list[int]:
    """Return the pixels of each object, smallest first."""
    values, pixels = np.unique(annotation.object_labels(), return_counts=True)
    return sorted(pixels[values > 0].tolist())


@pytest.mark.parametrize(
    "outline",
    [
        [SQUARE],
        SQUARE,
        [[SQUARE]],
        [[[2, 3], [10, 3], [10, 9], [2, 9]]],
        [[2, 3], [10, 3], [10, 9], [2, 9]],
    ],
    ids=["plain", "flat", "nested", "pairs in a part", "pairs"],
)
def test_outlines_of_coco_however_they_are_nested(tmp_path: Path, outline: Any) -> None:
    (found,), problems = read("coco", coco(tmp_path, [{"segmentation": outline}]))
    assert areas(found) == [48]
    assert problems == []


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [1, 2, 3, 4],
        [5, 5, 5, 5, 5, 5],
        [1, 2, None, 4, 5, 6],
        [40, 40, 50, 40, 50, 50],
    ],
    ids=["empty", "four numbers", "no area", "no number", "outside"],
)  # fmt: skip
def test_a_bad_part_does_not_take_its_object_along(tmp_path: Path, bad: Any) -> None:
    path = coco(tmp_path, [{"segmentation": [bad, SQUARE]}])
    (found,), problems = read("coco", path)
    assert areas(found) == [48]
    assert len(problems) == 1


def test_with_no_part_left_the_box_counts(tmp_path: Path) -> None:
    bad = {"segmentation": [[1, 2, 3, 4]], "bbox": [2, 3, 8, 6]}
    (found,), problems = read("coco", coco(tmp_path, [bad]))
    assert areas(found) == [48]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("image_id", "given"), [("x7", "x7"), (1.0, 1), (1, 1.0), ("1", 1)]
)
def test_ids_of_coco_are_any_scalar(
    tmp_path: Path, image_id: object, given: object
) -> None:
    path = coco(tmp_path, [{"segmentation": [SQUARE], "image_id": given}])
    record = json.loads(path.read_text())
    record["images"][0]["id"] = image_id
    path.write_text(json.dumps(record))
    (found,), problems = read("coco", path)
    assert areas(found) == [48]
    assert problems == []


@pytest.mark.parametrize(
    ("written", "inside"),
    [
        ("sub\\b.jpg", "sub/b.jpg"),
        ("C:\\data\\b.jpg", "b.jpg"),
        ("/home/she/data/b.jpg", "b.jpg"),
        ("../../b.jpg", "b.jpg"),
        ("https://host/sub/b.jpg?d=1", "b.jpg"),
        ("/data/local-files/?d=set/b.jpg", "b.jpg"),
    ],
)
def test_names_of_images_stay_inside_the_folder(
    tmp_path: Path, written: str, inside: str
) -> None:
    path = coco(tmp_path, [{"segmentation": [SQUARE]}], (written,))
    (found,), problems = read("coco", path)
    assert found.file_name == inside
    assert problems == []


def test_two_records_of_one_image_are_one_image_with_all_objects(
    tmp_path: Path,
) -> None:
    objects = [
        {"segmentation": [SQUARE]},
        {"segmentation": [[12, 10, 16, 10, 16, 14, 12, 14]], "image_id": 2},
    ]
    path = coco(tmp_path, objects, ("a.jpg", "a.jpg"))
    (found,), problems = read("coco", path)
    assert areas(found) == [16, 48]
    assert problems == []


def test_images_of_one_name_in_two_folders_stay_apart(tmp_path: Path) -> None:
    objects = [{"segmentation": [SQUARE]}, {"segmentation": [SQUARE], "image_id": 2}]
    path = coco(tmp_path, objects, ("cam1/0001.jpg", "cam2/0001.jpg"))
    found, problems = read("coco", path)
    assert [one.file_name for one in found] == ["cam1/0001.jpg", "cam2/0001.jpg"]
    assert [areas(one) for one in found] == [[48], [48]]
    assert problems == []


def labelme(path: Path, shapes: list[dict[str, Any]], **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "version": "5.0", "imagePath": f"{path.stem}.png", "imageData": None,
        "imageHeight": 16, "imageWidth": 20, "shapes": shapes, **more,
    }  # fmt: skip
    path.write_text(json.dumps(record))


def shape(label: str, kind: str = "polygon", points: Any = None) -> dict[str, Any]:
    points = points or [[2, 3], [10, 3], [10, 9], [2, 9]]
    return {"label": label, "points": points, "shape_type": kind, "group_id": None}


def test_labelme_files_of_cameras_stay_apart(tmp_path: Path) -> None:
    for camera in ("cam1", "cam2"):
        name = f"../{camera}/0001.png"
        labelme(tmp_path / f"{camera}_0001.json", [shape("cat")], imagePath=name)
    found, problems = read("labelme", tmp_path)
    assert len({one.file_name for one in found}) == 2
    assert [areas(one) for one in found] == [[48], [48]]
    assert problems == []


def test_words_of_labelme_that_are_no_classes(tmp_path: Path) -> None:
    names = ("cat", "_background_", "__ignore__")
    places = ([[0, 0], [4, 0], [4, 4], [0, 4]], [[5, 0], [9, 0], [9, 4], [5, 4]],
              [[10, 0], [14, 0], [14, 4], [10, 4]])  # fmt: skip
    shapes = [shape(n, points=p) for n, p in zip(names, places, strict=True)]
    labelme(tmp_path / "a.json", shapes)
    (found,), _ = read("labelme", tmp_path)
    labels = found.class_labels()
    cat = next(entry.id for entry in found.classes if entry.name == "cat")
    assert labels[1, 1] == cat
    assert labels[1, 6] == 0
    assert labels[1, 11] == 255


def test_labelme_without_a_size_has_that_of_its_image(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    labelme(tmp_path / "a.json", [shape("cat")], imageHeight=None, imageWidth=None)
    (found,), problems = read("labelme", tmp_path)
    assert found.shape == (16, 20)
    assert problems == []


def test_closed_shapes_of_labelme_are_polygons(tmp_path: Path) -> None:
    kinds = ("oriented_rectangle", "rotation")
    labelme(tmp_path / "a.json", [shape(kind, kind) for kind in kinds])
    (found,), problems = read("labelme", tmp_path)
    assert len(found.objects) == 2
    assert problems == []


@pytest.mark.parametrize("layout", ["roboflow", "ultralytics"])
def test_folders_of_yolo(tmp_path: Path, layout: str) -> None:
    for split in ("train", "valid"):
        parts = (split, "images") if layout == "roboflow" else ("images", split)
        other = (split, "labels") if layout == "roboflow" else ("labels", split)
        image(tmp_path.joinpath(*parts, f"{split} 1.jpg"))
        text = tmp_path.joinpath(*other, f"{split} 1.txt")
        text.parent.mkdir(parents=True)
        text.write_text("1 0.1 0.1 0.6 0.1 0.6 0.5 0.1 0.5\n")
    if layout == "roboflow":
        lists = "train: ../train/images\nval: ../valid/images\nnames: ['cat', 'dog']\n"
        path = tmp_path / "data.yaml"
    else:
        lists = "train: images/train\nval: images/valid\nnames:\n  0: cat\n  1: dog\n"
        path = tmp_path / "coco8-seg.yaml"
    path.write_text(lists)
    for given in (tmp_path, path):
        found, problems = read("yolo", given)
        assert len(found) == 2
        assert [o.class_id for one in found for o in one.objects]
        names = {c.id: c.name for c in found[0].classes}
        assert {names[o.class_id] for one in found for o in one.objects} == {"dog"}
        assert problems == []


def voc(folder: Path, classes: np.ndarray, objects: np.ndarray, suffix: str) -> None:
    for name, picture in (
        ("SegmentationClass", classes),
        ("SegmentationObject", objects),
    ):
        (folder / name).mkdir(parents=True)
        Image.fromarray(picture).save(folder / name / "a.png")
    image(folder / "JPEGImages" / f"a{suffix}")
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")


@pytest.mark.parametrize("suffix", [".png", ".JPG"])
def test_voc_in_colours_as_cvat_writes_it(tmp_path: Path, suffix: str) -> None:
    classes = np.zeros((16, 20, 3), np.uint8)
    classes[3:9, 2:10] = (250, 50, 83)
    objects = np.zeros_like(classes)
    objects[3:9, 2:6], objects[3:9, 6:10] = (128, 0, 0), (0, 128, 0)
    voc(tmp_path, classes, objects, suffix)
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrop:250,50,83::\n"
    )
    (found,), problems = read("voc", tmp_path)
    assert found.file_name == f"a{suffix}"
    assert areas(found) == [24, 24]
    names = {c.id: c.name for c in found.classes}
    assert {names[one.class_id] for one in found.objects} == {"crop"}
    assert problems == []


def test_class_pixels_without_an_object_are_not_lost(tmp_path: Path) -> None:
    classes, objects = np.zeros((16, 20), np.uint8), np.zeros((16, 20), np.uint8)
    classes[3:9, 2:10], classes[12:14, 12:16], classes[0] = 15, 8, 255
    objects[3:9, 2:10] = 1
    voc(tmp_path, classes, objects, ".jpg")
    (found,), _ = read("voc", tmp_path)
    np.testing.assert_array_equal(found.class_labels(), classes)
    assert Counter(one.class_id for one in found.objects)[8] == 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_masks_of_0_and_255_are_one_class(tmp_path: Path, suffix: str) -> None:
    mask = np.zeros((16, 20), np.uint8)
    mask[3:9, 2:10] = 255
    Image.fromarray(mask).save(tmp_path / f"a{suffix}")
    told: list[str] = []
    (found,) = read_annotations("labels", tmp_path, None, None, told.append)
    assert areas(found) == [48]
    assert found.objects[0].class_id != 255
    assert len(told) == 1
    assert isinstance(told[0], Note)


def test_255_beside_other_labels_is_void(tmp_path: Path) -> None:
    mask = np.zeros((16, 20), np.uint8)
    mask[3:9, 2:10], mask[0] = 1, 255
    Image.fromarray(mask).save(tmp_path / "a.png")
    (found,), problems = read("labels", tmp_path)
    labels = found.class_labels()
    assert labels[4, 4] == 1
    assert labels[0, 0] == 255
    assert problems == []
