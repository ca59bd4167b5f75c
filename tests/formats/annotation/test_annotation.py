import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from tests.formats.annotation_samples import (
    CAT,
    DOG,
    MANY,
    TABLE,
    annotations,
    ring_and_parts,
)

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, rasterize
from napari_edgeflow.formats.annotation.annotation import (
    ImageAnnotation,
    check_file_name,
)
from napari_edgeflow.formats.annotation.objects import LabelledObject

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=8)


@given(labels=SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_labels_come_back(labels: np.ndarray) -> None:
    labels = labels % 5 * 50
    annotation = ImageAnnotation.from_labels("a.png", labels, MANY)
    back = annotation.class_labels()
    assert back.dtype == np.uint16
    assert np.array_equal(back, labels)
    ids = annotation.object_labels()
    assert np.array_equal(ids > 0, labels > 0)
    assert len(np.unique(ids[ids > 0])) == len(annotation.objects)


@given(
    ids=SHAPES.flatmap(
        lambda shape: arrays(np.uint16, shape) | arrays(np.uint32, shape)
    )
)
def test_objects_come_back(ids: np.ndarray) -> None:
    class_of = {int(value): 1 + 6 * (int(value) % 2) for value in np.unique(ids)}
    annotation = ImageAnnotation.from_objects("a.png", ids, class_of, TABLE)
    assert np.array_equal(annotation.object_labels(), ids)
    expected = np.vectorize(lambda i: class_of[i] if i else 0)(ids)
    labels = annotation.class_labels()
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, expected)


def test_the_order_of_classes_decides_who_covers() -> None:
    full = MaskPart.whole(np.ones((2, 2), bool))
    small = MaskPart.whole(np.ones((1, 1), bool))
    objects = (LabelledObject(1, 1, full), LabelledObject(2, 7, small))
    below = ImageAnnotation("a", 2, 2, ClassTable((CAT, DOG)), objects)
    assert below.class_labels().tolist() == [[7, 1], [1, 1]]
    assert below.object_labels().tolist() == [[2, 1], [1, 1]]
    above = replace(below, classes=ClassTable((DOG, CAT)))
    assert above.class_labels().tolist() == [[1, 1], [1, 1]]
    later = (LabelledObject(1, 7, full), LabelledObject(2, 7, small))
    same = ImageAnnotation("a", 2, 2, TABLE, later)
    assert same.object_labels().tolist() == [[2, 1], [1, 1]]


@given(annotation=annotations())
def test_polygons_hold_the_same_pixels(annotation: ImageAnnotation) -> None:
    for entry in annotation.objects:
        mask = entry.region.full(annotation.shape)
        polygons = entry.polygons()
        assert np.array_equal(rasterize(polygons, annotation.shape), mask)
        drawn = LabelledObject.from_polygons(5, 1, polygons, annotation.shape)
        assert np.array_equal(drawn.region.full(annotation.shape), mask)
        assert drawn.region.window == entry.region.window
        assert drawn.polygons() is drawn.drawn


def test_crossing_polygons_are_repaired() -> None:
    bow_tie = Polygon(np.array([[0.0, 0], [8, 8], [0, 8], [8, 0]]))
    entry = LabelledObject.from_polygons(1, 1, [bow_tie], (6, 6))
    assert len(entry.drawn) == 2
    mask = entry.region.full((6, 6))
    assert np.array_equal(mask, rasterize([bow_tie], (6, 6)))


def test_what_has_no_pixel_is_refused() -> None:
    sliver = Polygon(np.array([[0.6, 0], [0.9, 0], [0.9, 9]]))
    with pytest.raises(ValueError, match="an object has no pixel: leave it out"):
        LabelledObject.from_polygons(1, 1, [sliver], (9, 9))
    with pytest.raises(ValueError, match="an object has no outline"):
        LabelledObject.from_polygons(1, 1, [], (9, 9))
    with pytest.raises(ValueError, match="an object has no pixel"):
        LabelledObject.from_mask(1, 1, np.zeros((3, 3), bool))


ONE = LabelledObject(1, 1, MaskPart.whole(np.ones((2, 3), bool)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 0}, "has 3 x 0 pixels"),
        ({"objects": (ONE, ONE)}, "object 1 of 'a.png': give each object an id"),
        ({"objects": (replace(ONE, id=0),)}, "object 0 .* from 1 on"),
        ({"objects": (replace(ONE, class_id=3),)}, "has class 3, which the table"),
        ({"width": 2}, "leaves the image of 2 x 2 pixels"),
        ({"file_name": "../a.png"}, "'../a.png' is no name of an image inside"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str) -> None:
    sound = ImageAnnotation("a.png", 2, 3, TABLE, (ONE,))
    with pytest.raises(ValueError, match=message):
        replace(sound, **changes)


@pytest.mark.parametrize(
    "name", ["", ".", "/a", "a/../../b", "..\\a", "C:/a", "C:\\a", "a\0"]
)
def test_names_stay_in_their_folder(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an image inside a folder"):
        check_file_name(name)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2, 2), int), r"one plane \(H, W\)"),
        (np.zeros((2, 2)), r"one plane \(H, W\)"),
        (np.full((2, 2), -1), "go from -1 to -1"),
        (np.full((2, 2), 70_000), "70000: classes go from 0 to 65535"),
        (np.full((2, 2), 3), "has class 3, which the table lacks"),
    ],
)
def test_other_labels_are_refused(labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageAnnotation.from_labels("a", labels, TABLE)


def test_objects_without_a_class_are_refused() -> None:
    with pytest.raises(ValueError, match="object 4 of 'a' has no class: give it one"):
        ImageAnnotation.from_objects("a", np.full((2, 2), 4), {1: 1}, TABLE)
    with pytest.raises(ValueError, match="has the id -4: use 1 or more"):
        ImageAnnotation.from_objects("a", np.full((2, 2), -4), {}, TABLE)


def test_stems_keep_folders_and_dots() -> None:
    assert ring_and_parts("größe/a.b.tif").stem == "größe/a.b"


def test_formats_load_neither_torch_nor_napari() -> None:
    code = (
        "import pkgutil, importlib, sys, napari_edgeflow.formats as f\n"
        "for m in pkgutil.walk_packages(f.__path__, 'napari_edgeflow.formats.'):\n"
        # Making a training ready needs its settings, which are torch's world.
        "    if m.name.split('.')[2] != 'training':\n"
        "        importlib.import_module(m.name)\n"
        "print(sorted({'torch', 'napari', 'qtpy'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
