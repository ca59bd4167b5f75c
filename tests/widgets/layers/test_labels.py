import json
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import (
    check_target,
    colouring,
    commit_mask,
    new_labels,
    next_object_id,
    read_scheme,
    without_labelled,
    write_scheme,
)
from napari_edgeflow.widgets.layers.planes import Plane

FLAT = Plane((None, None))
VOC = ClassTable.voc()


def test_new_layers_say_what_they_hold() -> None:
    image = Image(np.zeros((3, 20, 30)), name="cells", scale=(2, 1, 1))
    layer = new_labels(image, LabelScheme("semantic", VOC))
    assert layer.name == "cells classes"
    assert layer.data.shape == (3, 20, 30)
    assert layer.data.dtype == np.uint8
    np.testing.assert_array_equal(layer.scale, image.scale)
    assert read_scheme(layer) == LabelScheme("semantic", VOC)
    json.dumps(layer.metadata)
    np.testing.assert_array_equal(np.round(layer.get_color(1)[:3] * 255), (128, 0, 0))
    assert layer.colormap.map(np.zeros(1, np.uint8))[0, 3] == 0
    objects = new_labels(image, LabelScheme("object", VOC))
    assert objects.name == "cells objects"
    assert objects.data.dtype == np.uint16


def test_high_class_ids_get_16_bits() -> None:
    many = VOC.with_class(LabelClass(300, "rare", (1, 2, 3)))
    layer = new_labels(Image(np.zeros((4, 5))), LabelScheme("semantic", many))
    assert layer.data.dtype == np.uint16
    np.testing.assert_array_equal(np.round(layer.get_color(300)[:3] * 255), (1, 2, 3))


@pytest.mark.parametrize(
    "entry", [None, "text", {}, {"kind": "other", "classes": []}], ids=str
)
def test_foreign_metadata_is_left_alone(entry: Any) -> None:
    layer = Labels(np.zeros((4, 5), int), metadata={"napari_edgeflow": entry, "a": 1})
    assert read_scheme(layer) is None
    write_scheme(layer, LabelScheme("object", VOC))
    assert layer.metadata["a"] == 1
    assert read_scheme(layer) == LabelScheme("object", VOC)


def test_an_edit_is_one_step_of_naparis_undo() -> None:
    layer = ViewerModel().add_labels(np.zeros((3, 20, 30), np.uint8))
    plane = Plane((2, None, None))
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    commit_mask(layer, plane, Window(6, 7, 10, 12), mask, 9)
    expected = np.zeros((3, 20, 30), np.uint8)
    expected[2, 7:9, 8:11] = 9
    np.testing.assert_array_equal(layer.data, expected)
    commit_mask(layer, plane, Window(0, 0, 4, 5), mask, 3)
    layer.undo()
    np.testing.assert_array_equal(layer.data, expected)
    layer.undo()
    assert not layer.data.any()


def test_hidden_layers_can_be_edited_in_any_plane() -> None:
    viewer = ViewerModel()
    layer = viewer.add_labels(np.zeros((6, 20, 30), np.uint8), visible=False)
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_current_step(1, 15)
    mask = np.ones((6, 4), bool)
    commit_mask(layer, Plane((None, 15, None)), Window(0, 7, 6, 11), mask, 9)
    assert layer.data[:, 15, 7:11].all()


def test_each_pixel_can_have_its_own_value() -> None:
    layer = ViewerModel().add_labels(np.zeros((20, 30), np.uint8))
    values = np.arange(12).reshape(3, 4)
    commit_mask(layer, FLAT, Window(2, 3, 5, 7), values % 2 > 0, values)
    np.testing.assert_array_equal(
        layer.data[2:5, 3:7], np.where(values % 2 > 0, values, 0)
    )


def test_labels_that_are_there_are_left_out() -> None:
    layer = Labels(np.zeros((20, 30), np.uint8))
    layer.data[:, 5] = 1
    mask = without_labelled(layer, FLAT, Window(2, 3, 6, 9), np.ones((4, 6), bool))
    assert mask.all(0).tolist() == [True, True, False, True, True, True]


def test_objects_have_the_colours_of_their_classes() -> None:
    layer = new_labels(Image(np.zeros((9, 9))), LabelScheme("object", VOC))
    assert next_object_id(layer) == 1
    layer.features = {"index": [1, 2], "class_id": [15, 8]}
    for _ in colouring(layer, VOC, {1: 15, 2: 8}):
        pass
    red = VOC.with_class(LabelClass(15, "person", (255, 0, 0)))
    write_scheme(layer, LabelScheme("object", red))
    np.testing.assert_array_equal(layer.get_color(1), (1, 0, 0, 1))
    cat = np.round(layer.get_color(2)[:3] * 255)
    np.testing.assert_array_equal(cat, VOC.get(8).colour)


def test_a_colormap_is_exchanged_only_if_need_be() -> None:
    layer = new_labels(Image(np.zeros((9, 9))), LabelScheme("object", VOC))
    before = layer.colormap
    list(colouring(layer, VOC, {3: None}))
    assert layer.colormap is before
    list(colouring(layer, VOC, {3: 15, 4: 999}))
    coloured = layer.colormap
    assert {3, 4} <= set(coloured.color_dict)
    list(colouring(layer, VOC, {3: 15, 4: 999}))
    assert layer.colormap is coloured


def test_what_cannot_be_written_to_is_refused() -> None:
    dask = pytest.importorskip("dask.array")
    small = Labels(np.zeros((4, 5), np.uint8), name="small")
    check_target(small, (4, 5), 255)
    with pytest.raises(ValueError, match=r"\(4, 5\), the image \(9, 9\)"):
        check_target(small, (9, 9))
    with pytest.raises(ValueError, match="up to 255, not 256"):
        check_target(small, (4, 5), 256)
    levels = [np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8)]
    fixed = np.zeros((8, 8), np.uint8)
    fixed.flags.writeable = False
    for data in (levels, fixed, dask.zeros((8, 8), dtype=np.uint8)):
        with pytest.raises(ValueError, match="cannot be edited"):
            check_target(Labels(data), (8, 8))
