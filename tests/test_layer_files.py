"""Labels layers saved and opened in the formats that name objects and classes."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from npe2 import PluginManager
from PIL import Image
from pycocotools.coco import COCO
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.annotation.planes import classes_of_objects
from napari_edgeflow.formats.files.image_files import as_file_name, plane_name
from napari_edgeflow.formats.kinds.coco.dataset import read_coco, update_coco
from napari_edgeflow.formats.kinds.geojson import read_geojson, write_geojson
from napari_edgeflow.formats.kinds.label_images.tiff import read_label_tiff
from napari_edgeflow.formats.kinds.labelme.files import read_labelme, write_labelme
from napari_edgeflow.widgets.layers.labels import read_scheme

PLUGIN = "napari-edgeflow"
SAMPLE = ring_and_parts()
IDS = SAMPLE.object_labels().astype(np.uint16)
CLASS_OF = {entry.id: entry.class_id for entry in SAMPLE.objects}


@pytest.fixture
def viewer() -> ViewerModel:
    PluginManager.instance().discover()
    return ViewerModel()


def object_layer(**more: Any) -> Labels:
    entry = {"kind": "object", "classes": TABLE.to_records()}
    features = {"index": list(CLASS_OF), "class_id": list(CLASS_OF.values())}
    metadata = {"napari_edgeflow": entry}
    given = {"name": "a/b objects", "metadata": metadata, "features": features}
    return Labels(IDS, **{**given, **more})


def read_back(path: Path) -> Any:
    if path.suffix == ".geojson":
        return read_geojson(path)
    if path.name.endswith("labelme.json"):
        return read_labelme(path, ClassTable(()))
    (found,) = read_coco(path)
    return found


@pytest.mark.parametrize("name", ["a.json", "a.labelme.json", "a.geojson"])
def test_objects_are_saved_with_their_classes(
    viewer: ViewerModel, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    assert object_layer().save(str(path)) == [str(path)]
    back = read_back(path)
    assert back.file_name == "a_b.png"
    assert np.array_equal(back.object_labels(), IDS)
    names = {o.id: back.classes.get(o.class_id).name for o in back.objects}
    assert names == {i: TABLE.get(c).name for i, c in CLASS_OF.items()}


def test_cocos_own_reader_takes_a_saved_layer(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    path = tmp_path / "annotations.json"
    for name in ("a objects", "b objects", "a objects"):
        object_layer(name=name).save(str(path))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(path)
    assert [image["file_name"] for image in coco.imgs.values()] == ["a.png", "b.png"]
    assert len(coco.anns) == 2 * len(CLASS_OF)


def test_classes_are_saved_as_objects_too(viewer: ViewerModel, tmp_path: Path) -> None:
    entry = {"kind": "semantic", "classes": TABLE.to_records()}
    labels = SAMPLE.class_labels()
    layer = Labels(labels, name="x classes", metadata={"napari_edgeflow": entry})
    path = tmp_path / "a.json"
    layer.save(str(path))
    back = read_back(path)
    assert back.file_name == "x.png"
    assert np.array_equal(back.class_labels(), labels)


def test_labels_of_others_are_objects_without_a_class(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    Labels(IDS, name="cells").save(str(path))
    back = read_back(path)
    assert np.array_equal(back.object_labels(), IDS)
    assert [entry.name for entry in back.classes] == ["object"]


def test_a_tiff_holds_stacks_classes_and_objects(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    path = tmp_path / "größe 1.labels.tif"
    stack = np.stack([IDS, IDS[::-1]])
    assert object_layer().save(str(tmp_path / "flat.labels.tif"))
    entry = object_layer()
    layer = Labels(stack, metadata=entry.metadata, features=entry.features)
    assert layer.save(str(path)) == [str(path)]
    assert read_label_tiff(path).class_of == CLASS_OF
    (back,) = viewer.open(path, plugin=PLUGIN)
    assert back.name == "größe 1"
    assert np.array_equal(back.data, stack)
    scheme = read_scheme(back)
    assert scheme is not None
    assert (scheme.kind, scheme.classes) == ("object", TABLE)
    assert classes_of_objects(back.features) == CLASS_OF
    shown = np.rint(np.asarray(back.get_color(4))[:3] * 255)
    assert tuple(shown) == TABLE.get(7).colour


def test_a_grey_png_holds_16_bits(viewer: ViewerModel, tmp_path: Path) -> None:
    path = tmp_path / "a.grey.png"
    Labels(IDS * 1000).save(str(path))
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), IDS * 1000)


def test_what_does_not_fit_is_said(viewer: ViewerModel, tmp_path: Path) -> None:
    stack = object_layer()
    stack = Labels(np.stack([IDS, IDS]), metadata=stack.metadata)
    with pytest.raises(OSError, match="several planes: export them in the dock"):
        stack.save(str(tmp_path / "a.json"))
    with pytest.raises(OSError, match="a PNG holds 0 to 65535: save as TIFF"):
        Labels(np.full((2, 2), 70_000)).save(str(tmp_path / "a.grey.png"))
    (tmp_path / "kept.json").write_text("{")
    with pytest.raises(OSError, match="is no JSON file"):
        object_layer().save(str(tmp_path / "kept.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


@pytest.mark.parametrize("kind", ["coco", "labelme", "geojson"])
def test_files_open_with_their_images(
    viewer: ViewerModel, tmp_path: Path, kind: str
) -> None:
    Image.new("RGB", (50, 40), (9, 9, 9)).save(tmp_path / "a.jpg")
    path = tmp_path / ("a.geojson" if kind == "geojson" else "a.json")
    if kind == "coco":
        update_coco(path, [SAMPLE])
    else:
        {"labelme": write_labelme, "geojson": write_geojson}[kind](path, SAMPLE)
    image, labels = viewer.open(path, plugin=PLUGIN)
    assert (image.name, image.rgb) == ("a", True)
    assert (labels.name, labels.dtype) == ("a objects", np.uint16)
    assert np.array_equal(labels.data, IDS)
    assert set(labels.features["source"]) == {"import"}
    # Saved again, it replaces its own image.
    saved = tmp_path / "again.json"
    update_coco(saved, [SAMPLE])
    labels.save(str(saved))
    (back,) = read_coco(saved)
    assert back.file_name == "a.jpg"


def test_what_is_missing_is_said_and_the_rest_opens(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    update_coco(path, [ring_and_parts(f"{i}.jpg") for i in range(12)])
    record = json.loads(path.read_text())
    record["annotations"][0]["category_id"] = 99
    path.write_text(json.dumps(record))
    layers = viewer.open(path, plugin=PLUGIN)
    assert len(layers) == 10
    assert len(layers[0].features) == 3
    said = notification_manager.records[-1].message
    assert "annotation 1 has category 99, not listed: it is left out" in said


def test_json_of_others_is_left_to_others(viewer: ViewerModel, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"some": "settings"}')
    with pytest.raises(ValueError, match=r"[Nn]o readers|returned no data|a\.json"):
        viewer.open(path, plugin=PLUGIN)


def test_names_of_files_for_images_that_are_in_none() -> None:
    assert as_file_name('my "best" cat?.') == "my _best_ cat_.png"
    assert as_file_name("a/b\\c: 🐈") == "a_b_c_ 🐈.png"
    assert as_file_name(" .. ") == "image.png"
    assert as_file_name("cat.JPG") == "cat.JPG"
    assert plane_name("cells.tif", (3, 12), (10, 20_000)) == "cells_0003_00012.tif"
