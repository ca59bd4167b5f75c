import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from tests.formats.annotation_samples import (
    CAT,
    DOG,
    MANY,
    NAMES,
    annotations,
    content,
    ring_and_parts,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import read_coco, update_coco

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# pycocotools still decodes in the way of the first NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


def load(path: Path) -> COCO:
    """Load as training code does; its chatter is kept off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(path)


@many
@pytest.mark.parametrize("segmentation", ["polygons", "rle"])
@given(annotation=annotations())
def test_objects_come_back(
    tmp_path: Path, segmentation: str, annotation: ImageAnnotation
) -> None:
    path = tmp_path / "größe" / "annotations.json"
    path.unlink(missing_ok=True)
    update_coco(path, [annotation], segmentation)
    (back,) = read_coco(path)
    assert content(back) == content(annotation)
    assert back.classes == annotation.classes


@many
@pytest.mark.parametrize("segmentation", ["polygons", "rle"])
@given(annotation=annotations())
def test_cocos_own_reader_sees_the_same_pixels(
    tmp_path: Path, segmentation: str, annotation: ImageAnnotation
) -> None:
    path = tmp_path / "annotations.json"
    path.unlink(missing_ok=True)
    update_coco(path, [annotation], segmentation)
    coco = load(path)
    assert len(coco.anns) == len(annotation.objects)
    for record, entry in zip(coco.anns.values(), annotation.objects, strict=True):
        mask = coco.annToMask(record).astype(bool)
        assert np.array_equal(mask, entry.region.full(annotation.shape))
        encoded = coco.annToRLE(record)
        assert record["area"] == coco_mask.area(encoded)
        assert record["bbox"] == coco_mask.toBbox(encoded).tolist()
        assert record["iscrowd"] == 0


def test_holes_are_run_lengths_and_the_rest_polygons(tmp_path: Path) -> None:
    annotation = ring_and_parts()
    update_coco(tmp_path / "a.json", [annotation])
    coco = load(tmp_path / "a.json")
    kinds = [type(record["segmentation"]) for record in coco.anns.values()]
    assert kinds == [dict, list, list, list]
    assert len(coco.anns[3]["segmentation"]) == 2
    assert [c["color"] for c in coco.cats.values()] == [[200, 0, 50], [10, 20, 30]]
    crowd = replace(annotation.objects[1], is_crowd=True)
    update_coco(tmp_path / "b.json", [replace(annotation, objects=(crowd,))])
    (record,) = load(tmp_path / "b.json").anns.values()
    assert record["iscrowd"] == 1
    assert isinstance(record["segmentation"], dict)
    (back,) = read_coco(tmp_path / "b.json")
    assert back.objects[0].is_crowd


def test_one_file_holds_a_folder_and_is_updated_in_place(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    update_coco(path, [ring_and_parts(name) for name in NAMES[:2]])
    record = json.loads(path.read_text())
    record["info"] = {"year": 2024}
    record["images"][0]["license"] = 3
    path.write_text(json.dumps(record))
    changed = replace(ring_and_parts(NAMES[0]), objects=ring_and_parts().objects[:1])
    update_coco(path, [changed, ring_and_parts(NAMES[3])])
    back = {annotation.file_name: annotation for annotation in read_coco(path)}
    assert list(back) == [NAMES[0], NAMES[1], NAMES[3]]
    assert content(back[NAMES[0]]) == content(changed)
    assert content(back[NAMES[1]]) == content(ring_and_parts(NAMES[1]))
    coco = load(path)
    assert coco.dataset["info"] == {"year": 2024}
    assert coco.imgs[1]["license"] == 3
    assert len(coco.anns) == len(coco.dataset["annotations"]) == 9
    assert list(tmp_path.iterdir()) == [path]


def test_classes_keep_the_files_categories(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    other = {"id": 1, "name": "sky", "isthing": 0}
    zero = {"id": 0, "name": "cat", "supercategory": "animal"}
    lists = {"images": [], "annotations": [], "categories": [other, zero]}
    path.write_text(json.dumps(lists))
    update_coco(path, [ring_and_parts()])
    coco = load(path)
    assert coco.cats[0]["supercategory"] == "animal"
    assert coco.cats[1] == other
    assert coco.cats[7]["name"] == DOG.name
    assert sorted(r["category_id"] for r in coco.anns.values()) == [0, 0, 7, 7]
    (back,) = read_coco(path)
    assert {c.id: c.name for c in back.classes} == {1: "sky", 2: "cat", 7: DOG.name}
    assert content(back) == content(ring_and_parts())


def test_many_classes_and_images_without_objects(tmp_path: Path) -> None:
    labels = np.arange(1, 301).reshape(15, 20).repeat(2, 0)
    full = ImageAnnotation.from_labels("a", labels, MANY)
    empty = ImageAnnotation("b", 3, 4, MANY)
    update_coco(tmp_path / "a.json", [full, empty])
    first, second = read_coco(tmp_path / "a.json")
    assert first.classes == MANY
    assert np.array_equal(first.class_labels(), labels)
    assert second.objects == ()
    assert second.shape == (3, 4)
    assert len(load(tmp_path / "a.json").imgs) == 2


SQUARE = [[1, 1, 4, 1, 4, 4, 1, 4]]


def written(path: Path, *records: dict, **lists: object) -> Path:
    base = {"image_id": 1, "category_id": 1, "segmentation": SQUARE}
    content = {
        "images": [{"id": 1, "file_name": "a", "height": 6, "width": 7}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 9, **base, **record} for record in records],
    }
    path.write_text(json.dumps({**content, **lists}))
    return path


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"image_id": 5}, "annotation 9 is of image 5, which is not listed"),
        ({"image_id": [1]}, r"is of image \[1\], which is not listed"),
        ({"category_id": {}}, "has category {}, not listed"),
        ({"category_id": 5}, "annotation 9 has category 5, not listed"),
        ({"segmentation": [[1, 1]]}, "has 1 vertices: it needs three"),
        ({"segmentation": [[1, 1, 4]]}, "no list x, y, x, y"),
        ({"segmentation": [["x", "y"]]}, "no list x, y, x, y"),
        ({"segmentation": []}, "neither a segmentation nor a bbox"),
        ({"segmentation": [[10, 10, 12, 10, 12, 12]]}, "no area inside the image"),
        ({"segmentation": {"size": [7, 6], "counts": "0"}}, r"are for \[7, 6\]"),
        ({"segmentation": {"size": [6, 7], "counts": [40, 3]}}, "add up to 42"),
        ({"segmentation": {"size": [6, 7], "counts": "0" * 9}}, "add up to 42"),
        ({"segmentation": {"size": [6, 7], "counts": "\n"}}, "are damaged"),
        ({"segmentation": {"size": [6, 7], "counts": "o"}}, "cut off"),
        ({"segmentation": {"size": [6, 7]}}, "have no counts"),
        ({"segmentation": {"size": [6, 7], "counts": [42]}}, "has no pixel"),
    ],
)
def test_what_cannot_be_used_is_left_out_or_refused(
    tmp_path: Path, record: dict, message: str
) -> None:
    path = written(tmp_path / "a.json", record, {"id": 10})
    said: list[str] = []
    (annotation,) = read_coco(path, said.append)
    assert len(annotation.objects) == 1
    (sentence,) = said
    with pytest.raises(ValueError, match=message) as error:
        list(read_coco(path))
    assert sentence == str(error.value)
    assert "left out" in sentence


def test_boxes_uncompressed_runs_and_equal_ids_are_read(tmp_path: Path) -> None:
    runs = {"size": [6, 7], "counts": [7, 3, 3, 3, 3, 3, 20]}
    path = written(
        tmp_path / "a.json",
        {},
        {"segmentation": None, "bbox": [1, 1, 3, 3]},
        {"segmentation": runs},
    )
    (annotation,) = read_coco(path)
    assert [o.id for o in annotation.objects] == [1, 2, 3]
    expected = np.zeros((6, 7), bool)
    expected[1:4, 1:4] = True
    for entry in annotation.objects:
        assert np.array_equal(entry.region.full((6, 7)), expected)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"images": None}, "has no list of images"),
        ({"annotations": [3]}, "has no list of annotations"),
        ({"categories": [{"name": "cat"}]}, "no id or the same id None twice in its"),
        ({"images": [{"id": 1}, {"id": 1}]}, "the same id 1 twice in its images"),
        ({"images": [{"id": 1, "file_name": "a"}]}, "image 1 is left out: it has no"),
        (
            {"images": [{"id": 1, "file_name": "..", "height": 1, "width": 1}]},
            "is left out: '.' is no name of an image inside a folder",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, lists: dict, message: str) -> None:
    path = written(tmp_path / "a.json", **lists)
    with pytest.raises(ValueError, match=message):
        list(read_coco(path))


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff"])
def test_a_broken_file_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.json (is no JSON file|holds a list)"):
        update_coco(path, [ring_and_parts()])
    assert path.read_bytes() == text.encode("latin-1")
    with pytest.raises(OSError, match=r"cannot read .*none\.json: No such file"):
        list(read_coco(tmp_path / "none.json"))


def test_equal_names_are_told_apart_by_id(tmp_path: Path) -> None:
    twins = ClassTable((CAT, LabelClass(2, "cat", (0, 0, 9))))
    labels = np.array([[1, 0, 2]])
    update_coco(tmp_path / "a.json", [ImageAnnotation.from_labels("a", labels, twins)])
    (back,) = read_coco(tmp_path / "a.json")
    assert back.classes.classes == (CAT, LabelClass(2, "cat", (0, 0, 9)))


def test_of_equal_ids_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    update_coco(path, [ring_and_parts()])
    record = json.loads(path.read_text())
    record["categories"].append({"id": 1, "name": "not the cat"})
    record["images"].append({**record["images"][0], "file_name": "double.jpg"})
    path.write_text(json.dumps(record))
    problems: list[str] = []
    (back,) = read_coco(path, problems.append)
    assert content(back) == content(ring_and_parts())
    assert [p.rpartition("; ")[2] for p in problems] == [
        "'double.jpg' is left out",
        "'not the cat' is left out",
    ]
    with pytest.raises(ValueError, match="same id 1 twice in its images"):
        update_coco(path, [ring_and_parts()])
