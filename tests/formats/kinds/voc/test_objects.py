from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.formats.annotation_samples import CAT, MANY, TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.kinds.voc.objects import read_voc, write_voc
from napari_edgeflow.formats.kinds.voc.png import write_palette_png


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.new("L", (50, 40)).save(tmp_path / "a.jpg")
    return tmp_path / "a.jpg"


def test_objects_come_back(tmp_path: Path, image: Path) -> None:
    folder = VocFolder(tmp_path / "größe")
    write_voc(folder, ring_and_parts("x/a.jpg"), image)
    write_voc(folder, ring_and_parts("b.jpg"), image, "val")
    first, second = read_voc(folder.root)
    assert (first.file_name, second.file_name) == ("a.jpg", "b.jpg")
    assert np.array_equal(first.class_labels(), ring_and_parts().class_labels())
    # Where VOC has numbers from 1 on, ours were 3, 4, 9 and 10.
    ids = np.array([0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4])
    assert np.array_equal(first.object_labels(), ids[ring_and_parts().object_labels()])
    (folder.root / "SegmentationObject" / "a.png").unlink()
    assert len(next(read_voc(folder.root)).objects) == 5


def test_void_stays_void(tmp_path: Path, image: Path) -> None:
    table = ClassTable((CAT, LabelClass(255, "void", (224, 224, 192))))
    labels = np.zeros((40, 50), int)
    labels[5:20, 5:20] = 255
    labels[8:17, 8:17] = 1
    annotation = ImageAnnotation.from_labels("a.jpg", labels, table)
    write_voc(VocFolder(tmp_path / "v"), annotation, image)
    (back,) = read_voc(tmp_path / "v")
    assert np.array_equal(back.class_labels(), labels)
    with Image.open(tmp_path / "v" / "SegmentationObject" / "a.png") as file:
        assert np.unique(np.asarray(file)).tolist() == [0, 1, 255]


def test_too_many_objects_are_told_of(tmp_path: Path, image: Path) -> None:
    labels = np.zeros((40, 50), np.uint8)
    labels[::2, ::2] = 1
    annotation = ImageAnnotation.from_labels("a.jpg", labels, TABLE)
    said: list[str] = []
    write_voc(VocFolder(tmp_path / "v"), annotation, image, report=said.append)
    assert "has 500 objects" in said[0]
    (back,) = read_voc(tmp_path / "v")
    assert np.array_equal(back.class_labels(), labels)


def test_what_does_not_fit_is_told_of(tmp_path: Path, image: Path) -> None:
    folder = VocFolder(tmp_path / "v")
    with pytest.raises(ValueError, match="give a VOC folder"):
        list(read_voc(folder.root))
    with pytest.raises(ValueError, match="cannot be a name in a VOC folder"):
        write_voc(folder, ring_and_parts("my photo.jpg"), image)
    high = ImageAnnotation.from_labels("a", np.full((40, 50), 300), MANY)
    with pytest.raises(ValueError, match="0 to 255"):
        write_voc(folder, high, image)
    write_voc(folder, ring_and_parts(), image)
    write_voc(folder, replace(ring_and_parts(), file_name="b.jpg"), image)
    small = np.zeros((3, 3), np.uint8)
    write_palette_png(folder.root / "SegmentationObject/b.png", small, voc_palette())
    said: list[str] = []
    (back,) = read_voc(folder.root, said.append)
    assert back.file_name == "a.jpg"
    assert said[0].startswith("b is left out: ")
