from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from tests.formats.annotation_samples import CAT, MANY, TABLE

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.kinds.label_images.folder import (
    read_label_file,
    read_label_folder,
    write_gray_png,
)
from napari_edgeflow.formats.kinds.label_images.tiff import LabelTiff, write_label_tiff
from napari_edgeflow.formats.kinds.voc.png import write_palette_png

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(
    labels=array_shapes(min_dims=2, max_dims=2, max_side=6).flatmap(
        lambda shape: arrays(np.int64, shape, elements=st.integers(0, 300))
    )
)
def test_grey_values_come_back(tmp_path: Path, labels: np.ndarray) -> None:
    path = tmp_path / "größe 🐈.png"
    write_gray_png(path, labels)
    with Image.open(path) as image:
        assert image.mode == ("L" if labels.max() <= 255 else "I;16")
    assert np.array_equal(read_label_file(path, "a", MANY).class_labels(), labels)


def test_a_folder_of_all_kinds(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 7, 9]])
    folder, images = tmp_path / "labels", tmp_path / "images"
    images.mkdir()
    write_gray_png(folder / "a.png", labels)
    write_palette_png(folder / "b.png", labels, TABLE.palette(), TABLE)
    objects = LabelTiff(np.array([[5, 5, 0, 900]]), TABLE, "object", {5: 1, 900: 7})
    write_label_tiff(folder / "c.tif", objects)
    write_label_tiff(folder / "d.tif", LabelTiff(np.zeros((2, 3, 4), int)))
    (folder / "e.png").write_bytes(b"")
    write_class_list(folder / "classes.txt", ClassTable((CAT,)))
    Image.new("L", (4, 1)).save(images / "a.jpg")
    said: list[str] = []
    a, b, c = read_label_folder(folder, images, report=said.append)
    assert [p.file_name for p in (a, b, c)] == ["a.jpg", "b.png", "c.tif"]
    assert [e.name for e in a.classes] == ["cat", "class 7", "class 9"]
    assert b.classes.classes[:2] == TABLE.classes
    assert np.array_equal(b.class_labels(), labels)
    assert c.object_labels().tolist() == [[5, 5, 0, 900]]
    assert c.class_labels().tolist() == [[1, 1, 0, 7]]
    assert [sentence[:5] for sentence in said] == ["d.tif", "e.png"]
    given = ClassTable((LabelClass(9, "moss", (1, 2, 3)),))
    first = next(read_label_folder(folder, classes=given))
    assert [e.name for e in first.classes] == ["moss", "class 1", "class 7"]


def test_what_is_no_label_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no PNG or TIFF in"):
        list(read_label_folder(tmp_path))
    with pytest.raises(ValueError, match="no folder"):
        list(read_label_folder(tmp_path / "none"))
    for labels in (np.array([[-1]]), np.array([[70_000]])):
        with pytest.raises(ValueError, match="save as TIFF"):
            write_gray_png(tmp_path / "a.png", labels)
    with pytest.raises(ValueError, match=r"one plane \(H, W\)"):
        write_gray_png(tmp_path / "a.png", np.zeros((2, 2, 2), int))
    assert list(tmp_path.iterdir()) == []
