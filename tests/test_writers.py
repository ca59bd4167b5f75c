import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from npe2 import PluginManager
from PIL import Image

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.formats.kinds.voc.png import read_palette_png

PLUGIN = "napari-edgeflow"
LABELS = np.array([[0, 1, 2, 7, 255]] * 3)
TABLE = ClassTable(
    (LabelClass(7, "moss", (1, 2, 3)), LabelClass(300, "rare", (0, 0, 9)))
)


@pytest.fixture(autouse=True)
def plugins() -> None:
    PluginManager.instance().discover()


def ours(kind: str) -> dict[str, Any]:
    entry = {"kind": kind, "classes": TABLE.to_records()}
    return {"napari_edgeflow": entry, "other": 1}


def direct(colours: dict[int | None, Any]) -> DirectLabelColormap:
    return DirectLabelColormap(color_dict={None: (0.5, 0.5, 0.5, 1), **colours})


def written(layer: Labels, path: Path) -> np.ndarray:
    """Save a layer and return its palette, after a look at the indices."""
    assert layer.save(str(path), plugin=PLUGIN) == [str(path)]
    with Image.open(path) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), np.asarray(layer.data))
        return np.array(image.getpalette(), np.uint8).reshape(-1, 3)


def test_classes_keep_names_and_colours(tmp_path: Path) -> None:
    layer = Labels(LABELS, metadata=ours("semantic"))
    palette = written(layer, tmp_path / "a.png")
    assert np.array_equal(palette, TABLE.palette())
    _, classes = read_palette_png(tmp_path / "a.png")
    assert [c.name for c in classes] == ["moss", "class 1", "class 2", "void"]


def test_colours_of_others_are_kept(tmp_path: Path) -> None:
    colours = {1: (1, 0, 0, 1), 2: "blue", 300: "red", -1: "red"}
    palette = written(Labels(LABELS, colormap=direct(colours)), tmp_path / "a.png")
    assert palette[:3].tolist() == [[0, 0, 0], [255, 0, 0], [0, 0, 255]]
    assert np.array_equal(palette[3:], voc_palette()[3:])


def test_layers_without_colours_get_vocs(tmp_path: Path) -> None:
    for kind in ({}, {"metadata": {"napari_edgeflow": "text"}}):
        palette = written(Labels(LABELS, **kind), tmp_path / "a.png")
        assert np.array_equal(palette, voc_palette())


def test_objects_keep_the_colours_they_show(tmp_path: Path) -> None:
    layer = Labels(LABELS, metadata=ours("object"))
    layer.selected_label = 2
    layer.show_selected_label = True
    palette = written(layer, tmp_path / "a.png")
    layer.show_selected_label = False
    for value in (1, 2, 7, 255):
        shown = np.rint(layer.get_color(value)[:3] * 255)
        assert np.array_equal(palette[value], shown)
    layer.colormap = direct({7: (0, 1, 0, 1)})
    assert written(layer, tmp_path / "b.png")[7].tolist() == [0, 255, 0]


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (np.full((2, 2), 256), r"256.*save as TIFF \(\.tif\) instead, or export as"),
        (np.full((2, 2), -3), r"-3 to -3.*save as TIFF"),
        (np.zeros((2, 3, 4), int), r"\(2, 3, 4\).*one plane.*save as TIFF \(\.tif\)"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, data: np.ndarray, advice: str
) -> None:
    path = tmp_path / "a.png"
    path.write_text("kept")
    for metadata in ({}, ours("object")):
        with pytest.raises(OSError, match=advice):
            Labels(data, metadata=metadata).save(str(path), plugin=PLUGIN)
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_classes_are_said(tmp_path: Path) -> None:
    entry = {"kind": "semantic", "classes": [{"id": 1}]}
    layer = Labels(LABELS, metadata={"napari_edgeflow": entry})
    with pytest.raises(OSError, match="a class needs id, name and colour"):
        layer.save(str(tmp_path / "a.png"), plugin=PLUGIN)


def test_several_scales_and_dask_are_written(tmp_path: Path) -> None:
    dask = pytest.importorskip("dask.array")
    large = np.kron(LABELS, np.ones((4, 4), int))
    written(Labels(dask.from_array(large)), tmp_path / "a.png")
    layer = Labels([large, large[::2, ::2]])
    layer.save(str(tmp_path / "b.png"), plugin=PLUGIN)
    assert np.array_equal(read_palette_png(tmp_path / "b.png")[0], large)


def test_napari_takes_this_writer_for_png_by_default(tmp_path: Path) -> None:
    viewer = ViewerModel()
    layer = viewer.add_labels(LABELS, metadata=ours("semantic"))
    path = tmp_path / "a.png"
    assert layer.save(str(path)) == [str(path)]
    assert read_palette_png(path)[1].get(7).name == "moss"
    path.unlink()
    assert viewer.layers.save(str(path), plugin=PLUGIN) == [str(path)]
    assert np.array_equal(read_palette_png(path)[0], LABELS)


def test_other_files_are_left_to_napari(tmp_path: Path) -> None:
    layer = Labels(LABELS, name="cells")
    assert layer.save(str(tmp_path / "a")) == [str(tmp_path / "a.tif")]
    assert layer.save(str(tmp_path / "a.tif")) == [str(tmp_path / "a.tif")]
    image = ImageLayer(np.zeros((4, 4), np.uint8))
    assert image.save(str(tmp_path / "image.png")) == [str(tmp_path / "image.png")]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert image.save(str(tmp_path / "b.png"), plugin=PLUGIN) == []
    assert "not a valid writer" in str(said[0].message)
