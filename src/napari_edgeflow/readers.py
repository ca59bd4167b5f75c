"""Files that napari opens with this package: palette PNGs and VOC folders.

napari asks a reader when a person has chosen it, in the dialog that opens when several
can read a file, or as ``viewer.open(path, plugin="napari-edgeflow")``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_edgeflow.engine.classes import METADATA, ClassTable, label_colours
from napari_edgeflow.engine.pairs import VOC_IMAGES
from napari_edgeflow.formats.images import read_image
from napari_edgeflow.formats.voc import holds_labels, read_palette_png
from napari_edgeflow.formats.voc_folder import VocFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LayerData: TypeAlias = "tuple[NDArray[Any], dict[str, Any], str]"
Reader: TypeAlias = Callable[[str], list[LayerData]]

MAX_PAIRS = 10
"""Images of a folder that are opened at once; each of them is two layers."""


def palette_png_reader(path: str | list[str]) -> Reader | None:
    """Return what opens a PNG: as labels if it holds some, else as an image.

    A PNG without a palette is an image. So is a picture that was reduced to a
    palette: one that this package has not written, that does not begin with VOC's
    colours, and that uses more than 64 of them. To open even that as labels:
    ``Layer.create(*read_labels(path)[0])``.

    Images are opened as well, since napari's dialog remembers a choice for all files
    of an ending: who chose this reader for PNGs would else open no image any more.

    Parameters
    ----------
    path : str or list of str
        The file; several to be stacked are not for this reader.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if isinstance(path, list):
        return None
    return read_labels if holds_labels(Path(path)) else read_picture


def voc_folder_reader(path: str | list[str]) -> Reader | None:
    """Return :func:`read_folder` for a VOC folder, else None."""
    if isinstance(path, list) or not VocFolder(Path(path)).is_complete:
        return None
    return read_folder


def read_labels(path: str) -> list[LayerData]:
    """Return the Labels layer of a palette PNG, or of a grey one.

    Raises
    ------
    ValueError
        If it is a PNG of another kind.
    OSError
        If it cannot be read.
    """
    return [_labels_layer(*read_palette_png(Path(path)), name=Path(path).stem)]


def read_picture(path: str) -> list[LayerData]:
    """Return the image layer of a PNG.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    pixels = read_image(Path(path))
    return [(pixels, {"name": Path(path).stem, "rgb": pixels.ndim == 3}, "image")]


def read_folder(path: str) -> list[LayerData]:
    """Return an image and a Labels layer for each of the first images of a VOC folder.

    They are the first ten of trainval, train or val, whichever list there is first,
    or of all labelled images if there is no list. Images of different sizes do not
    make a stack, and thousands of layers no viewer. Only the first pair is visible. A
    notification says how many images are left.

    Raises
    ------
    ValueError
        If no labelled image is named, or labels are of a kind that is not read.
    OSError
        If a file cannot be read.
    """
    folder = VocFolder(Path(path))
    names = folder.names()
    layers: list[LayerData] = []
    for name in names[:MAX_PAIRS]:
        image, labels, classes = folder.read(name)
        shown = {"visible": not layers}
        layers.append((image, {"name": name, **shown}, "image"))
        layers.append(_labels_layer(labels, classes, name=f"{name} classes", **shown))
    if len(names) > MAX_PAIRS:
        _say(
            f"Opened the first {MAX_PAIRS} of {len(names)} images of {folder.root}; "
            f"the others are in its folder {VOC_IMAGES}."
        )
    return layers


def _labels_layer(
    labels: NDArray[np.uint8], classes: ClassTable, **options: object
) -> LayerData:
    """Return the layer of class ids, as the docks know it, in its classes' colours."""
    # napari is loaded when a file is opened, not when readers are looked for.
    from napari.utils.colormaps import DirectLabelColormap

    entry = {"kind": "semantic", "classes": classes.to_records()}
    settings = {
        "colormap": DirectLabelColormap(color_dict=label_colours(classes)),
        "metadata": {METADATA: entry},
        **options,
    }
    return labels, settings, "labels"


def _say(message: str) -> None:
    from napari.utils.notifications import show_info

    show_info(message)
