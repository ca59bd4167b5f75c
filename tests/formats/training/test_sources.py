"""Which folders training reads as they are, and what is in them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.training.sources import (
    coco_pairs,
    common_classes,
    find_source,
    read_source,
    source_contents,
)
from napari_edgeflow.formats.training.survey import survey_data

CLASSES = ClassTable((LabelClass(3, "cat", (1, 2, 3)),))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A folder with a COCO file of two images."""
    folder = tmp_path / "labelled, by hand"
    (folder / "images").mkdir(parents=True)
    labels = np.zeros((12, 16), np.uint8)
    labels[1:5, 1:5] = 3
    for name in ("a.png", "b.png"):
        annotation = ImageAnnotation.from_labels(name, labels, CLASSES)
        update_coco(folder / "annotations.json", [annotation])
        Image.new("RGB", (16, 12)).save(folder / "images" / name)
    return folder


def test_a_folder_with_a_coco_file(coco: Path, tmp_path: Path) -> None:
    found = find_source(coco)
    assert (found.layout, found.folder) == ("coco", coco)
    number, classes = source_contents(found)
    assert number == 2
    assert classes is not None
    assert [(c.id, c.name) for c in classes] == [(3, "cat")]
    (pair,), _ = read_source(found, tmp_path / "scratch", 1)
    assert pair.image == coco / "images" / "a.png"
    assert np.unique(read_label_image(pair.labels)).tolist() == [0, 3]
    survey = survey_data((), (found,))
    assert (survey.images, survey.problems) == ((2,), ())
    assert [c.name for c in survey.merged.table] == ["cat"]


def test_what_is_wrong_with_a_coco_file_is_told(coco: Path) -> None:
    found = find_source(coco)
    (coco / "images" / "b.png").unlink()
    (problem,) = survey_data((), (found,)).problems
    assert "lists the image b.png, which is not in" in problem
    annotations = (coco / "annotations.json").read_bytes()
    (coco / "annotations_2.json").write_bytes(annotations)
    with pytest.raises(ValueError, match=r"annotations\.json and annotations_2\.json"):
        find_source(coco)


def test_a_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nor a COCO file.*edgeflow convert"):
        find_source(tmp_path)


def test_an_id_means_the_same_in_all_folders(tmp_path: Path) -> None:
    dogs = ClassTable((LabelClass(3, "dog", (1, 2, 3)),))
    more = ClassTable((LabelClass(4, "dog", (4, 5, 6)),))
    first, second = tmp_path / "first", tmp_path / "second"
    with pytest.raises(ValueError, match="class 3 is 'cat' in one folder and 'dog' in"):
        common_classes([(first, CLASSES), (second, dogs)])
    both = common_classes([(first, CLASSES), (second, more)])
    assert both is not None
    assert [c.name for c in both] == ["cat", "dog"]
    assert common_classes([]) is None


BOTH = ClassTable((LabelClass(3, "cat", (1, 2, 3)), LabelClass(7, "dog", (4, 5, 6))))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    labels = np.zeros((12, 16), np.uint8)
    labels[1:5, 1:5] = labels[7:11, 1:5] = 3
    labels[2:9, 8:14] = 7
    path = tmp_path / "coco.json"
    annotation = ImageAnnotation.from_labels("sub/a.jpg", labels, BOTH)
    update_coco(path, [annotation])
    (tmp_path / "images/sub").mkdir(parents=True)
    Image.new("RGB", (16, 12)).save(tmp_path / "images/sub/a.jpg")
    return path


def test_objects_become_label_images(file: Path) -> None:
    output = file.parent / "out"
    (pair,), classes = coco_pairs(file, None, output, "semantic")
    assert [(c.id, c.name) for c in classes] == [(3, "cat"), (7, "dog")]
    assert pair.image == file.parent / "images/sub/a.jpg"
    assert pair.labels == output / "sub/a.jpg.png"
    found = read_label_image(pair.labels)
    assert found.shape == (12, 16)
    assert (found[2, 2], found[8, 2], found[5, 10], found[0, 0]) == (3, 3, 7, 0)
    (pair,), _ = coco_pairs(file, file.parent / "images", output, "object")
    assert np.unique(read_label_image(pair.labels)).tolist() == [0, 1, 2, 3]


def test_an_image_that_is_missing_is_told(file: Path) -> None:
    (file.parent / "images/sub/a.jpg").unlink()
    with pytest.raises(OSError, match=r"sub/a\.jpg, which is not in .*images=DIR"):
        coco_pairs(file, None, file.parent / "out", "semantic")
    file.write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(ValueError, match="lists no image"):
        coco_pairs(file, None, file.parent / "out", "semantic")
