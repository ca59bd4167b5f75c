import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from napari import Viewer
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Labels, Layer
from napari.utils.notifications import notification_manager
from npe2 import PluginManager
from PIL import Image

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.kinds.voc.png import write_palette_png
from napari_edgeflow.readers import (
    MAX_PAIRS,
    palette_png_reader,
    read_labels,
    read_picture,
    voc_folder_reader,
)
from napari_edgeflow.widgets.layers.labels import read_scheme

PLUGIN = "napari-edgeflow"
GREY = np.full((6, 8), 100, np.uint8)
LABELS = np.array([[0, 1, 2, 255] * 2] * 6, np.uint8)
TABLE = ClassTable((LabelClass(1, "cat", (10, 20, 30)),))

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=9)


@pytest.fixture
def viewer() -> ViewerModel:
    PluginManager.instance().discover()
    return ViewerModel()


def plain(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def colour(layer: Labels, value: int) -> tuple[int, ...]:
    return tuple(np.rint(np.asarray(layer.get_color(value)) * 255).astype(int).tolist())


def test_a_palette_png_opens_as_labels_of_classes(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    path = tmp_path / "street labels.PNG"
    write_palette_png(path, LABELS, voc_palette())
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert isinstance(layer, Labels)
    assert layer.name == "street labels"
    assert np.array_equal(layer.data, LABELS)
    void = LabelClass(255, "void", (224, 224, 192))
    voc = ClassTable.voc().with_class(void)
    assert read_scheme(layer) == LabelScheme("semantic", voc)
    assert colour(layer, 1) == (128, 0, 0, 255)
    assert colour(layer, 255) == (224, 224, 192, 255)
    assert layer.colormap.map(np.zeros(1, np.uint8))[0, 3] == 0
    layer.data_setitem((np.array([0]), np.array([0])), 15)
    assert layer.data[0, 0] == 15


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    labels=SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)),
    palette=arrays(np.uint8, (256, 3)),
    ours=st.booleans(),
)
def test_labels_survive_opening_and_saving(
    viewer: ViewerModel,
    tmp_path: Path,
    labels: np.ndarray,
    palette: np.ndarray,
    ours: bool,
) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    colours = [LabelClass(i, f"c {i}", (*palette[i].tolist(),)) for i in range(1, 256)]
    table = ClassTable(tuple(colours)) if ours else None
    write_palette_png(source, labels, palette, table)
    (layer,) = viewer.open(source, plugin=PLUGIN)
    assert layer.save(str(target), plugin=PLUGIN) == [str(target)]
    assert np.array_equal(plain(target), labels)
    with Image.open(target) as image:
        rgb = np.asarray(image.convert("RGB"))
    assert np.array_equal(rgb[labels > 0], palette[labels[labels > 0]])
    (again,) = viewer.open(target, plugin=PLUGIN)
    assert read_scheme(again) == read_scheme(layer)


def test_ordinary_images_stay_images(viewer: ViewerModel, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "rgb.png")
    Image.fromarray(photo).quantize(256).save(tmp_path / "reduced.png")
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    for path in tmp_path.iterdir():
        assert palette_png_reader(str(path)) is read_picture
    for plugin in ("napari", PLUGIN):
        (layer,) = viewer.open(tmp_path / "rgb.png", plugin=plugin)
        assert isinstance(layer, ImageLayer)
        assert layer.rgb
        assert np.array_equal(layer.data, photo)
    (layer,) = viewer.open(tmp_path / "grey.png", plugin=PLUGIN)
    assert isinstance(layer, ImageLayer)
    assert np.array_equal(layer.data, GREY)


def test_what_is_no_picture_is_refused(viewer: ViewerModel, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OSError, match=r"text\.png"):
        viewer.open(tmp_path / "text.png", plugin=PLUGIN)


def test_any_palette_can_be_had_as_labels(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    reduced = Image.fromarray(photo).quantize(256)
    reduced.save(tmp_path / "reduced.png")
    layer = Layer.create(*read_labels(str(tmp_path / "reduced.png"))[0])
    assert isinstance(layer, Labels)
    assert np.array_equal(layer.data, np.asarray(reduced))


def test_broken_files_are_explained(viewer: ViewerModel, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_palette_png(path, LABELS, voc_palette())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(OSError, match=r"cannot read .*a\.png .*complete\?"):
        viewer.open(path, plugin=PLUGIN)
    with pytest.raises(OSError, match=r"cannot read .*missing\.png.*check the path"):
        palette_png_reader(str(tmp_path / "missing.png"))


def test_several_files_are_opened_one_by_one(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    paths = [str(tmp_path / f"{name}.png") for name in "ab"]
    for path in paths:
        write_palette_png(Path(path), LABELS, voc_palette())
    assert palette_png_reader(paths) is None
    assert voc_folder_reader(paths) is None
    assert [x.name for x in viewer.open(paths, plugin=PLUGIN)] == ["a", "b"]


def test_a_voc_folder_opens_its_first_pairs(
    viewer: ViewerModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_info", said.append)
    folder = VocFolder(tmp_path)
    for number in range(MAX_PAIRS + 2):
        folder.add(f"i{number}", GREY, LABELS, TABLE)
    layers = viewer.open(tmp_path, plugin=PLUGIN)
    assert [layer.name for layer in layers[:3]] == ["i0", "i0 classes", "i1"]
    assert len(layers) == 2 * MAX_PAIRS
    assert [layer.visible for layer in layers[:4]] == [True, True, False, False]
    scheme = read_scheme(layers[1])
    assert scheme is not None
    assert [entry.name for entry in scheme.classes] == ["cat", "class 2", "void"]
    assert np.array_equal(layers[1].data, LABELS)
    assert len(said) == 1
    assert said[0].startswith(f"Opened the first {MAX_PAIRS} of {MAX_PAIRS + 2} images")


def test_few_pairs_are_opened_without_a_word(
    viewer: ViewerModel, tmp_path: Path
) -> None:
    before = len(notification_manager.records)
    VocFolder(tmp_path).add("a", GREY, LABELS, TABLE, split="val")
    assert len(viewer.open(tmp_path, plugin=PLUGIN)) == 2
    assert len(notification_manager.records) == before


def test_other_folders_are_explained(viewer: ViewerModel, tmp_path: Path) -> None:
    assert voc_folder_reader(str(tmp_path)) is None
    for name in ("JPEGImages", "SegmentationClass"):
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=r"no labelled image is named .* one a line"):
        viewer.open(tmp_path, plugin=PLUGIN)
    folder = VocFolder(tmp_path)
    folder.add("a", GREY, LABELS, TABLE)
    folder.image_path("a").unlink()
    with pytest.raises(OSError, match=r"no image .*a\.jpg: check the path"):
        viewer.open(tmp_path, plugin=PLUGIN)


def test_a_window_opens_both(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    VocFolder(tmp_path).add("a", GREY, LABELS, TABLE)
    viewer.open(tmp_path, plugin=PLUGIN)
    viewer.open(VocFolder(tmp_path).labels_path("a"), plugin=PLUGIN)
    assert [layer.name for layer in viewer.layers] == ["a", "a classes", "a [1]"]


@pytest.mark.parametrize("module", ["readers", "writers"])
def test_looking_for_readers_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_palette_png(path, LABELS, voc_palette())
    code = f"import sys, json, napari_edgeflow.{module}"
    if module == "readers":
        code += f"; napari_edgeflow.readers.palette_png_reader({str(path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        check=True,
        text=True,
    )
    heavy = {"PyQt6", "magicgui", "napari", "onnxruntime", "qtpy", "torch"}
    assert heavy.isdisjoint(json.loads(done.stdout))
