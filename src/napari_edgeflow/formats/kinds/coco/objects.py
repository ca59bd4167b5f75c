"""Objects as COCO's annotations: polygons or run lengths."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.polygons import Polygon
from napari_edgeflow.formats.annotation.objects import LabelledObject, numbers
from napari_edgeflow.formats.kinds.coco.run_lengths import (
    compress,
    expand,
    from_run_lengths,
    run_lengths,
)

Segmentation = Literal["polygons", "rle"]
"""How pixels are written; objects with holes are run lengths in either case."""

OBJECT_ID = "object_id"
"""Our field for an object's id in its image; other programs skip it."""


def to_coco(
    entry: LabelledObject, shape: tuple[int, int], segmentation: Segmentation
) -> dict[str, Any]:
    """Return the fields of an annotation but for its ids.

    COCO's lists of polygons have no holes, so an object with a hole, like a crowd,
    is written as run lengths.

    Parameters
    ----------
    entry : LabelledObject
        What to write.
    shape : tuple of int
        (H, W) of the image.
    segmentation : {"polygons", "rle"}
        How, where there is a choice.

    Returns
    -------
    dict
        segmentation, area in pixels, bbox (x, y, width, height) and iscrowd.
    """
    polygons = entry.polygons()
    has_holes = any(polygon.holes for polygon in polygons)
    if segmentation == "rle" or has_holes or entry.is_crowd:
        written: Any = _run_lengths(entry.region, shape)
    else:
        written = [p.exterior[:, ::-1].ravel().tolist() for p in polygons]
    window = entry.region.window
    return {
        "segmentation": written,
        "area": entry.region.pixels,
        "bbox": [window.left, window.top, window.width, window.height],
        "iscrowd": int(entry.is_crowd),
        OBJECT_ID: entry.id,
    }


def from_coco(
    record: Mapping[str, Any], class_id: int, shape: tuple[int, int]
) -> LabelledObject:
    """Return the object of an annotation in an image of (H, W) pixels; its id is 1.

    Its segmentation is polygons, or run lengths as numbers or as a string. Without one,
    the bbox is taken.

    Raises
    ------
    ValueError
        If the segmentation cannot be understood or has no pixels.
    """
    written = record.get("segmentation")
    if isinstance(written, dict):
        entry = LabelledObject.from_mask(1, class_id, _mask(written, shape))
    elif isinstance(written, list) and written:
        polygons = [_polygon(part) for part in written]
        entry = LabelledObject.from_polygons(1, class_id, polygons, shape)
    else:
        polygons = [_box(record.get("bbox"))]
        entry = LabelledObject.from_polygons(1, class_id, polygons, shape)
    return replace(entry, is_crowd=bool(record.get("iscrowd", 0)))


def _run_lengths(region: MaskPart, shape: tuple[int, int]) -> dict[str, Any]:
    lengths = run_lengths(region.mask, shape, (region.window.top, region.window.left))
    return {"size": list(shape), "counts": compress(lengths)}


def _mask(written: Mapping[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    counts, size = written.get("counts"), written.get("size")
    if size != list(shape):
        raise ValueError(f"its run lengths are for {size}, the image is {list(shape)}")
    if isinstance(counts, str):
        counts = expand(counts)
    if not isinstance(counts, list):
        raise ValueError("its run lengths have no counts")
    return from_run_lengths(counts, shape)


def _polygon(part: Any) -> Polygon:
    try:
        values = numbers(part)
    except ValueError:
        values = np.zeros(1)
    if values.ndim != 1 or len(values) % 2:
        raise ValueError("a polygon is no list x, y, x, y, … of numbers")
    return Polygon(values.reshape(-1, 2)[:, ::-1])


def _box(box: Any) -> Polygon:
    try:
        x, y, width, height = (float(value) for value in box)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("it has neither a segmentation nor a bbox") from None
    right, bottom = x + width, y + height
    return Polygon(np.array([[y, x], [y, right], [bottom, right], [bottom, x]]))
