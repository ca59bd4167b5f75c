from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.data.pairs import read_label_image
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.training.sources import coco_pairs

CLASSES = ClassTable((LabelClass(3, "cat", (1, 2, 3)), LabelClass(7, "dog", (4, 5, 6))))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    labels = np.zeros((12, 16), np.uint8)
    labels[1:5, 1:5] = labels[7:11, 1:5] = 3
    labels[2:9, 8:14] = 7
    path = tmp_path / "coco.json"
    annotation = ImageAnnotation.from_labels("sub/a.jpg", labels, CLASSES)
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
