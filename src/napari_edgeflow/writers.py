"""Files that napari saves with this package: one Labels layer in any format.

What needs the image too, or is a folder, is in the dock "Export and import".
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_edgeflow.engine.labels.classes import ClassTable, voc_palette
from napari_edgeflow.engine.labels.scheme import LabelScheme, entry_of
from napari_edgeflow.formats.annotation.planes import (
    classes_of_objects,
    plane_annotation,
)
from napari_edgeflow.formats.files.image_files import as_file_name
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.kinds.geojson import write_geojson
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.kinds.label_images.tiff import LabelTiff, write_label_tiff
from napari_edgeflow.formats.kinds.labelme.files import write_labelme
from napari_edgeflow.formats.kinds.voc.png import write_palette_png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from napari_edgeflow.formats.annotation.annotation import ImageAnnotation

_WHAT_LABELS_ARE = re.compile(r" (classes|objects)( \[\d+\])?$")
"""What the names of our layers end in, after the name of the image."""


def write_labels(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer as a palette PNG.

    A layer of classes keeps its classes' colours and names. A layer of objects, or one
    with colours chosen for each value, keeps the colours it shows. Any other gets
    VOC's palette.

    Parameters
    ----------
    path : str
        The file, ending in .png.
    data : array_like
        (H, W) integer, 0 to 255; of several scales the first is written.
    meta : mapping
        What napari says of the layer: its metadata, its colormap and more.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    OSError
        If the labels do not fit into a palette PNG, or the file cannot be written.
    """
    with _explaining():
        classes, palette = _colours_of(meta)
        write_palette_png(Path(path), _labels(data, meta), palette, classes)
    return [path]


def write_gray(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer as a grey PNG of 8 or 16 bits with the layer's values.

    Parameters and errors are as for :func:`write_labels`; values go up to 65,535.
    """
    with _explaining():
        write_gray_png(Path(path), _labels(data, meta))
    return [path]


def write_tiff(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer, a plane or a stack, as TIFF that holds its classes.

    Parameters and errors are as for :func:`write_labels`; there may be more axes.
    """
    with _explaining():
        scheme, labels = _scheme_of(meta), _labels(data, meta)
        if scheme is None:
            content = LabelTiff(labels)
        else:
            is_object = scheme.kind == "object"
            class_of = classes_of_objects(meta["features"]) if is_object else {}
            content = LabelTiff(labels, scheme.classes, scheme.kind, class_of)
        write_label_tiff(Path(path), content)
    return [path]


def write_coco(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Put a Labels layer into a COCO file, in place of what it has of this image.

    Parameters and errors are as for :func:`write_labels`.
    """
    return _write_objects(lambda to, found: update_coco(to, [found]), path, data, meta)


def write_labelme_json(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer as a file of labelme's.

    Parameters and errors are as for :func:`write_labels`.
    """
    return _write_objects(write_labelme, path, data, meta)


def write_geojson_features(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer as GeoJSON, as QuPath reads it.

    Parameters and errors are as for :func:`write_labels`.
    """
    return _write_objects(write_geojson, path, data, meta)


def _write_objects(
    write: Callable[[Path, ImageAnnotation], None],
    path: str,
    data: Any,
    meta: Mapping[str, Any],
) -> list[str]:
    """Write the objects of a plane."""
    with _explaining():
        labels = _labels(data, meta)
        if labels.ndim != 2:
            raise ValueError(
                f"a layer of shape {labels.shape} has several planes: export them in "
                "the dock “Export and import”, or save as TIFF (.labels.tif)"
            )
        # Labels of others are objects more often than not.
        scheme = _scheme_of(meta) or LabelScheme("object", ClassTable(()))
        class_of, name = classes_of_objects(meta["features"]), _image_name(meta)
        found = plane_annotation(name, labels, scheme.kind, scheme.classes, class_of)
        write(Path(path), found)
    return [path]


def _labels(data: Any, meta: Mapping[str, Any]) -> NDArray[np.integer]:
    """Return the array of a layer; of several scales the first."""
    return np.asarray(data[0] if meta.get("multiscale") else data)


@contextmanager
def _explaining() -> Iterator[None]:
    """Turn errors for people into those whose text napari shows.

    It takes a ValueError to mean that there is no writer.
    """
    try:
        yield
    except ValueError as error:
        raise OSError(str(error)) from error


def _scheme_of(meta: Mapping[str, Any]) -> LabelScheme | None:
    """Return what the values of a layer are, if anybody said it."""
    return LabelScheme.of(meta.get("metadata", {}))


def _image_name(meta: Mapping[str, Any]) -> str:
    """Return the file name of the image that a layer belongs to."""
    known = entry_of(meta.get("metadata", {})).get("file_name")
    if isinstance(known, str):
        return known
    return as_file_name(_WHAT_LABELS_ARE.sub("", str(meta.get("name", ""))))


def _colours_of(meta: Mapping[str, Any]) -> tuple[ClassTable | None, NDArray[np.uint8]]:
    """Return the classes of a layer, if its values are classes, and its palette."""
    scheme = _scheme_of(meta)
    if scheme is not None and scheme.kind == "semantic":
        return scheme.classes, scheme.classes.palette()
    colormap = meta.get("colormap")
    colours = getattr(colormap, "color_dict", None)
    if colours is not None:
        return None, _direct_palette(colours)
    if scheme is not None and colormap is not None:
        return None, _cyclic_palette(colormap)
    return None, voc_palette()


def _direct_palette(colours: Mapping[int | None, Any]) -> NDArray[np.uint8]:
    """Return (256, 3): colours by value, and VOC's for values that have none."""
    palette = voc_palette()
    for value, colour in colours.items():
        if value is not None and 0 <= value < len(palette):
            palette[value] = _as_bytes(np.asarray(colour))
    return palette


def _cyclic_palette(colormap: Any) -> NDArray[np.uint8]:
    """Return (256, 3): what a colormap that repeats its colours shows."""
    # Else the colours of all labels but the selected one may be hidden.
    shown = colormap.model_copy(update={"use_selection": False})
    return _as_bytes(shown.map(np.arange(256)))


def _as_bytes(colours: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return RGBA from 0 to 1 as RGB of 8 bits."""
    rgb: NDArray[np.uint8] = np.rint(colours[..., :3] * 255).astype(np.uint8)
    return rgb
