import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
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
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.labelme.files import (
    read_labelme,
    read_labelme_folder,
    write_labelme,
    write_labelme_classes,
)

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(annotation=annotations())
def test_objects_come_back(tmp_path: Path, annotation: ImageAnnotation) -> None:
    path = tmp_path / "größe 🐈.json"
    write_labelme(path, annotation)
    back = read_labelme(path, TABLE)
    assert content(back) == content(annotation)
    assert back.classes == TABLE


def test_the_file_is_as_labelme_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_labelme(path, ring_and_parts(), "../images/a.jpg")
    record = json.loads(path.read_text())
    assert list(record) == [
        "version", "flags", "shapes", "imagePath", "imageData", "imageHeight",
        "imageWidth",
    ]  # fmt: skip
    assert record["imageData"] is None
    assert record["imagePath"] == "../images/a.jpg"
    ring, inside, part, other, pixel = record["shapes"]
    assert ring["shape_type"] == "mask"
    assert ring["points"] == [[0, 0], [19, 19]]
    # labelme lays the mask over the box from its first to its last row and column.
    with Image.open(io.BytesIO(base64.b64decode(ring["mask"]))) as image:
        assert (image.mode, image.size) == ("1", (20, 20))
    assert inside["points"] == [[8, 8], [12, 8], [12, 11], [8, 11]]
    assert part["group_id"] == other["group_id"] == 9
    assert part["label"] == DOG.name
    assert pixel["points"] == [[0, 39], [1, 39], [1, 40], [0, 40]]
    assert read_labelme(path, TABLE).file_name == "a.jpg"


def test_labelmes_own_drawing_grows_polygons_by_their_outline(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_labelme(path, ring_and_parts())
    shape = json.loads(path.read_text())["shapes"][1]
    image = Image.new("1", (50, 40))
    points = [tuple(point) for point in shape["points"]]
    ImageDraw.Draw(image).polygon(points, outline=1, fill=1)
    inside = ring_and_parts().objects[1].region.full((40, 50))
    drawn = np.asarray(image)
    assert drawn[inside].all()
    assert drawn.sum() == 4 * 5


def test_a_folder_has_one_table_of_classes(tmp_path: Path) -> None:
    write_labelme_classes(tmp_path, TABLE)
    lines = (tmp_path / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["__ignore__", "_background_", DOG.name, "cat"]
    write_labelme(tmp_path / "b.json", ring_and_parts("b.jpg"))
    bird = ClassTable((LabelClass(1, "bird", (0, 0, 0)),))
    write_labelme(tmp_path / "a.json", ImageAnnotation.from_labels(
        "a.jpg", np.eye(3, dtype=int), bird))  # fmt: skip
    first, second = read_labelme_folder(tmp_path)
    assert first.classes == second.classes
    assert [c.id for c in first.classes] == [7, 1, 2]
    assert content(second) == content(ring_and_parts("b.jpg"))
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "labels.txt").unlink()
    first, _ = read_labelme_folder(tmp_path)
    assert [c.name for c in first.classes] == [DOG.name, "bird", "cat"]
    given = ClassTable((LabelClass(5, "cat", (1, 1, 1)),))
    assert next(read_labelme_folder(tmp_path, given)).classes.get(5).name == "cat"


def test_many_classes(tmp_path: Path) -> None:
    write_labelme_classes(tmp_path, MANY)
    labels = np.arange(1, 301).reshape(15, 20)
    write_labelme(tmp_path / "a.json", ImageAnnotation.from_labels("a", labels, MANY))
    (back,) = read_labelme_folder(tmp_path)
    assert back.classes == MANY
    assert np.array_equal(back.class_labels(), labels)


def written(path: Path, *shapes: object, **fields: object) -> Path:
    record = {"shapes": shapes, "imagePath": "..\\x\\a b.jpg", "imageHeight": 10}
    path.write_text(json.dumps({**record, "imageWidth": 12, **fields}))
    return path


def test_shapes_of_other_kinds_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.json",
        {"label": "x", "points": [[8, 7], [2, 3]], "shape_type": "rectangle"},
        {"label": "x", "points": [[5, 5], [5, 8]], "shape_type": "circle"},
        {"label": "", "points": [[0, 0], [3, 0], [3, 3]], "group_id": "g"},
        {"label": "", "points": [[6, 6], [9, 6], [9, 9]], "group_id": "g"},
        {"label": "x", "points": [[0, 0], [3, 3], [3, 0], [0, 3]]},
    )
    annotation = read_labelme(path, ClassTable(()))
    assert annotation.file_name == "a b.jpg"
    assert [c.name for c in annotation.classes] == ["x", "unnamed"]
    box, circle, group, bow = annotation.objects
    assert box.region.pixels == 24
    assert abs(circle.region.pixels - 9 * np.pi) < 5
    assert len(group.drawn) == 2
    assert len(bow.drawn) == 2
    assert [o.id for o in annotation.objects] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"points": [[1, 1], [2, 2]], "shape_type": "line"}, "a line of 2 points has"),
        ({"points": [[1, 1]], "shape_type": "point"}, "a point of 1 points has no"),
        ({"points": [[1, 1], [2, 2]]}, "has 2 vertices"),
        ({"points": "here"}, "no pairs of numbers"),
        ({"shape_type": "mask", "points": [[1, 1]]}, "no PNG in base64"),
        ({"shape_type": "mask", "points": [[1, 1]], "mask": "AAAA"}, "no PNG in"),
        ({"points": [[90, 90], [95, 90], [95, 95]]}, "no area inside the image"),
    ],
)
def test_what_has_no_area_is_left_out_or_refused(
    tmp_path: Path, shape: dict, message: str
) -> None:
    good = {"label": "x", "points": [[0, 0], [3, 0], [3, 3]]}
    path = written(tmp_path / "a.json", {"label": "y", **shape}, good)
    said: list[str] = []
    annotation = read_labelme(path, TABLE, said.append)
    assert len(annotation.objects) == 1
    assert len(said) == 1
    with pytest.raises(ValueError, match=f"a shape of 'y' is left out: .*{message}"):
        read_labelme(path, TABLE)


def test_masks_that_stick_out_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_labelme(path, ring_and_parts())
    record = json.loads(path.read_text())
    record["shapes"] = record["shapes"][:1]
    record["shapes"][0]["points"] = [[40, -3], [59, 16]]
    path.write_text(json.dumps(record))
    (entry,) = read_labelme(path, TABLE).objects
    expected = np.zeros((40, 50), bool)
    expected[:17, 40:] = ring_and_parts().objects[0].region.mask[3:, :10]
    assert np.array_equal(entry.region.full((40, 50)), expected)


def test_other_files_are_told_of_and_left_out(tmp_path: Path) -> None:
    write_labelme(tmp_path / "c.json", ring_and_parts())
    (tmp_path / "a.json").write_text("[]")
    written(tmp_path / "b.json", imageHeight=None)
    written(tmp_path / "d.json", 3)
    said: list[str] = []
    assert len(list(read_labelme_folder(tmp_path, report=said.append))) == 1
    assert [("a.json", "b.json", "d.json")[i] in s for i, s in enumerate(said)] == [
        True
    ] * 3
    with pytest.raises(ValueError, match=r"a\.json holds a list"):
        list(read_labelme_folder(tmp_path))
    with pytest.raises(ValueError, match="no JSON file in"):
        list(read_labelme_folder(tmp_path / "none"))


def test_equal_names_are_refused(tmp_path: Path) -> None:
    twins = ClassTable((LabelClass(1, "a", (0, 0, 0)), LabelClass(2, "a", (0, 0, 0))))
    with pytest.raises(ValueError, match=r"two classes are called 'a'.*rename one"):
        write_labelme_classes(tmp_path, twins)
    with pytest.raises(ValueError, match="two classes are called 'a'"):
        write_labelme(tmp_path / "a.json", ImageAnnotation("a", 1, 1, twins))
    assert list(tmp_path.iterdir()) == []
