"""Exports of version 0.1.0, and layers that it saved: all labels come back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from npe2 import PluginManager
from numpy.typing import NDArray

from napari_edgeflow.cli import main
from napari_edgeflow.engine.evaluation.effort import ObjectEffort
from napari_edgeflow.formats.effort.csv import write_effort_csv

CELL, MOSS = 'cell "a"', "Moos grün"
NAMES = {1: CELL, 7: MOSS, 2: "unused"}
COLOURS = {1: (200, 0, 50), 7: (10, 120, 30), 2: (9, 9, 9)}


def objects_a() -> NDArray[np.uint16]:
    """A ring, an object inside it, one of two parts, a triangle, a single pixel."""
    labels = np.zeros((40, 48), np.uint16)
    labels[0:20, 0:20] = 3
    labels[5:15, 5:15] = 0
    labels[8:11, 8:12] = 4
    labels[24:30, 4:10] = labels[34:40, 40:48] = 9
    for k in range(8):
        labels[22 + k, 20 : 21 + k] = 10
    labels[39, 0] = 11
    return labels


def objects_b() -> NDArray[np.uint16]:
    """Two objects of one class that touch."""
    labels = np.zeros((32, 36), np.uint16)
    labels[4:12, 6:30], labels[12:20, 6:30] = 1, 2
    return labels


OBJECTS = {"a": objects_a(), "b": objects_b()}
CLASS_OF = {"a": {3: 1, 4: 7, 9: 7, 10: 1, 11: 1}, "b": {1: 7, 2: 7}}


def class_labels(stem: str) -> NDArray[np.uint8]:
    labels = np.zeros(OBJECTS[stem].shape, np.uint8)
    for value, class_id in CLASS_OF[stem].items():
        labels[OBJECTS[stem] == value] = class_id
    return labels


def named(
    labels: NDArray[Any], class_of: dict[int, int], names: dict[int, str]
) -> list[tuple[str, bytes]]:
    """The class name and the pixels of each object, whatever its id."""
    return sorted((names[c], (labels == i).tobytes()) for i, c in class_of.items())


def converted(source: Path, kind: str, output: Path, *more: str) -> dict[str, Any]:
    """Return labels and what is known of them by image, as ``convert`` reads them."""
    given = ["convert", str(source), "--from", kind, "--to", "tiff"]
    assert main([*given, "--output", str(output), *more]) == 0
    found = {}
    for path in output.rglob("*.tif"):
        with tifffile.TiffFile(path) as file:
            record = json.loads(file.pages.first.description)["napari_edgeflow"]
            found[path.stem] = file.asarray(), record
    return found


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("coco", "coco"),
        ("coco-rle", "coco"),
        ("labelme", "labelme"),
        ("yolo", "yolo"),
        ("geojson", "geojson"),
        ("voc", "voc"),
        ("tiff-objects", "labels"),
    ],
)
def test_every_object_of_an_export_comes_back(
    copy_of: Callable[[str], Path],
    tmp_path: Path,
    folder: str,
    kind: str,
) -> None:
    source = copy_of("exports") / folder
    found = converted(source, kind, tmp_path / "new", "--objects")
    assert set(found) == {"a", "b"}
    for stem, (labels, record) in found.items():
        names = {entry["id"]: entry["name"] for entry in record["classes"]}
        back = named(labels, dict(record["objects"]), names)
        assert back == named(OBJECTS[stem], CLASS_OF[stem], NAMES)


@pytest.mark.parametrize("folder", ["gray", "palette", "tiff", "voc"])
def test_the_class_of_every_pixel_of_an_export_comes_back(
    copy_of: Callable[[str], Path], tmp_path: Path, folder: str
) -> None:
    kind = "voc" if folder == "voc" else "labels"
    found = converted(copy_of("exports") / folder, kind, tmp_path / "new")
    assert set(found) == {"a", "b"}
    for stem, (labels, record) in found.items():
        np.testing.assert_array_equal(labels, class_labels(stem))
        names = {entry["id"]: entry["name"] for entry in record["classes"]}
        colours = {entry["id"]: (*entry["colour"],) for entry in record["classes"]}
        assert {i: names[i] for i in (1, 7)} == {1: CELL, 7: MOSS}
        assert {i: colours[i] for i in (1, 7)} == {i: COLOURS[i] for i in (1, 7)}


def test_ids_of_objects_come_back_from_grey_pngs(
    copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    source = copy_of("exports") / "gray-objects"
    found = converted(source, "labels", tmp_path / "new", "--instances", "--objects")
    for stem, (labels, record) in found.items():
        np.testing.assert_array_equal(labels, OBJECTS[stem])
        assert [i for i, _ in record["objects"]] == list(CLASS_OF[stem])


@pytest.mark.parametrize("name", ["text.txt", "json.json", "names.txt", "coco.json"])
def test_lists_of_classes_are_read_in_all_forms(
    copy_of: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    exports = copy_of("exports")
    source, classes = exports / "gray-objects", exports / "classes" / name
    found = converted(source, "labels", tmp_path / "new", "--classes", str(classes))
    records = found["b"][1]["classes"]
    known = {entry["id"]: (entry["name"], (*entry["colour"],)) for entry in records}
    if name == "names.txt":
        assert [known[i][0] for i in (1, 2, 3)] == [CELL, "unused", "größe"]
    else:
        assert {i: known[i] for i in (7, 1, 2)} == {
            i: (NAMES[i], COLOURS[i]) for i in (7, 1, 2)
        }


def test_clicks_of_a_benchmark_are_replayed(
    copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    clicks, report = copy_of("exports") / "clicks/clicks.json", tmp_path / "report.json"
    arguments = ["evaluate", "clicks", "--clicks", clicks, "--json", report]
    assert main([*map(str, arguments), "--device", "cpu"]) == 0
    found = json.loads(report.read_text())["objects"]
    shown = [(o["object"], o["class"], o["clicks"], o["seconds"]) for o in found]
    assert shown == [("a.png:10", CELL, 2, 4.2), ("a.png:4", MOSS, 1, 0.0)]
    assert [len(o["ious"]) for o in found] == [2, 1]


def test_the_table_of_effort_looks_as_it_did(
    copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    objects = [
        ObjectEffort(3, CELL, "click", 2, 1.234, "slice 3"),
        ObjectEffort(4, MOSS, "import", 0, 0.0),
        ObjectEffort(9, "", "brush", 0, 61.5, "sub/b.png"),
    ]
    write_effort_csv(tmp_path / "effort.csv", objects)
    old = copy_of("exports") / "effort.csv"
    assert (tmp_path / "effort.csv").read_bytes() == old.read_bytes()


# ---- layers


@pytest.fixture
def opened(copy_of: Callable[[str], Path]) -> Callable[[str], list[Any]]:
    """Open a saved layer with the reader of this package."""
    PluginManager.instance().discover()
    exports = copy_of("exports")

    def open_one(name: str) -> list[Any]:
        path = exports / name
        return ViewerModel().open(path, plugin="napari-edgeflow")

    return open_one


def known_classes(layer: Any) -> dict[int, str]:
    records = layer.metadata["napari_edgeflow"]["classes"]
    return {entry["id"]: entry["name"] for entry in records}


@pytest.mark.parametrize(
    "name",
    ["layers/objects.labels.tif", "layers/coco.json", "layers/a.labelme.json",
     "layers/a.geojson"],
)  # fmt: skip
def test_a_layer_of_objects_opens_with_ids_and_classes(
    opened: Callable[[str], list[Any]], name: str
) -> None:
    layer = opened(name)[-1]
    np.testing.assert_array_equal(layer.data, OBJECTS["a"])
    assert layer.metadata["napari_edgeflow"]["kind"] == "object"
    rows = dict(zip(layer.features["index"], layer.features["class_id"], strict=True))
    names, expected = known_classes(layer), CLASS_OF["a"]
    assert {i: names[c] for i, c in rows.items()} == {
        i: NAMES[c] for i, c in expected.items()
    }
    assert layer.features["class_name"].tolist() == [names[c] for c in rows.values()]
    shown = np.rint(np.asarray(layer.get_color(4))[:3] * 255)
    if "labelme" not in name:
        # labelme keeps no colours.
        assert (*shown,) == COLOURS[7]


def test_a_stack_of_objects_opens_with_its_classes(
    opened: Callable[[str], list[Any]],
) -> None:
    (layer,) = opened("layers/stack.labels.tif")
    np.testing.assert_array_equal(layer.data, [OBJECTS["a"], OBJECTS["a"][::-1]])
    assert known_classes(layer) == NAMES
    assert layer.features["class_id"].tolist() == list(CLASS_OF["a"].values())


@pytest.mark.parametrize("name", ["layers/classes.png", "layers/classes.labels.tif"])
def test_a_layer_of_classes_opens_with_names_and_colours(
    opened: Callable[[str], list[Any]], name: str
) -> None:
    (layer,) = opened(name)
    expected = class_labels("a")
    expected[:, 47] = 255
    np.testing.assert_array_equal(layer.data, expected)
    assert layer.metadata["napari_edgeflow"]["kind"] == "semantic"
    names = known_classes(layer)
    assert {i: names[i] for i in (1, 7)} == {1: CELL, 7: MOSS}
    for class_id in (1, 7):
        shown = np.rint(np.asarray(layer.get_color(class_id))[:3] * 255)
        assert (*shown,) == COLOURS[class_id]


@pytest.mark.parametrize("name", ["layers/objects.png", "layers/objects.grey.png"])
def test_a_png_of_objects_opens_with_its_values(
    opened: Callable[[str], list[Any]], name: str
) -> None:
    (layer,) = opened(name)
    np.testing.assert_array_equal(np.asarray(layer.data), OBJECTS["a"])


def test_a_voc_folder_opens_with_its_images(
    opened: Callable[[str], list[Any]],
) -> None:
    layers = opened("voc")
    assert [layer.name for layer in layers] == ["a", "a classes"]
    assert layers[0].data.shape == (40, 48, 3)
    np.testing.assert_array_equal(layers[1].data, class_labels("a"))
