"""Files that napari saves with this package: Labels layers as palette PNGs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_edgeflow.engine.classes import METADATA, ClassTable, voc_palette
from napari_edgeflow.formats.voc import write_palette_png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


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
    labels = np.asarray(data[0] if meta.get("multiscale") else data)
    try:
        classes, palette = _colours_of(meta)
        write_palette_png(Path(path), labels, palette, classes)
    except ValueError as error:
        # napari takes a ValueError to mean that there is no writer, and drops its text.
        raise OSError(str(error)) from error
    return [path]


def _colours_of(
    meta: Mapping[str, Any],
) -> tuple[ClassTable | None, NDArray[np.uint8]]:
    """Return the classes of a layer, if its values are classes, and its palette."""
    ours = meta.get("metadata", {}).get(METADATA)
    kind = ours.get("kind") if isinstance(ours, dict) else None
    if kind == "semantic":
        classes = ClassTable.from_records(ours["classes"])
        return classes, classes.palette()
    colormap = meta.get("colormap")
    colours = getattr(colormap, "color_dict", None)
    if colours is not None:
        return None, _direct_palette(colours)
    if kind == "object" and colormap is not None:
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
