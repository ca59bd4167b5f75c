"""Objects as COCO's annotations: polygons or run lengths."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.polygons import Polygon
from napari_edgeflow.formats.annotation.objects import (
    LabelledObject,
    kept_parts,
    numbers,
)
from napari_edgeflow.formats.files.problems import Report, refuse
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
    record: Mapping[str, Any],
    class_id: int,
    shape: tuple[int, int],
    report: Report = refuse,
) -> LabelledObject:
    """Return the object of an annotation in an image of (H, W) pixels; its id is 1.

    Its segmentation is polygons, or run lengths as numbers or as a string. A polygon is
    a list x, y, x, y, …, or one of pairs [x, y]; the only one may come without the list
    around it, or in one more. Without a segmentation, or with nothing left of it, the
    bbox is taken.

    Parameters
    ----------
    record : mapping
        The annotation.
    class_id : int
        The id of its class.
    shape : tuple of int
        (H, W) of the image.
    report : callable
        Told of parts that are left out.

    Raises
    ------
    ValueError
        If the segmentation cannot be understood or has no pixels.
    """
    is_crowd = truth(record.get("iscrowd", 0))
    parts = _parts(record.get("segmentation"))
    masks = [_mask(part, shape) for part in parts if isinstance(part, dict)]
    if masks:
        mask = np.logical_or.reduce(masks)
        return replace(LabelledObject.from_mask(1, class_id, mask), is_crowd=is_crowd)
    polygons, problems = kept_parts(parts, _polygon, shape)
    if problems and not polygons and not record.get("bbox"):
        raise ValueError(problems[0])
    if problems:
        others = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        report(f"has a part that is left out ({problems[0]}){others}")
    if not polygons:
        polygons = [_box(record.get("bbox"))]
    entry = LabelledObject.from_polygons(1, class_id, polygons, shape)
    return replace(entry, is_crowd=is_crowd)


def has_outline(record: Mapping[str, Any]) -> bool:
    """Return whether an annotation has more than a box."""
    return bool(_parts(record.get("segmentation")))


def truth(value: object) -> bool:
    """Return what a file says by a number, a boolean or a word."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "0.0", "false", "no", "n", "none")
    return bool(value)


def _parts(written: Any) -> list[Any]:
    """Return the parts of a segmentation in whatever depth of lists they are."""
    if isinstance(written, dict):
        return [written] if written else []
    if not isinstance(written, list):
        return []
    if _is_polygon(written):
        return [written]
    # A list of lists of parts: one too many around them.
    if written and all(
        isinstance(part, list) and part and not _is_polygon(part)
        and all(isinstance(inner, list | dict) for inner in part)
        for part in written
    ):  # fmt: skip
        return [inner for part in written for inner in part]
    return written


def _is_polygon(part: list[Any]) -> bool:
    """Return whether a list is numbers x, y, x, y, …, or three or more pairs."""
    if all(isinstance(value, int | float) for value in part):
        return bool(part)
    pairs = [pair.values() if isinstance(pair, dict) else pair for pair in part]
    return len(part) > 2 and all(
        not isinstance(pair, int | float | str | None)
        and len(pair) == 2
        and all(isinstance(value, int | float) for value in pair)
        for pair in pairs
    )


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
    is_points = isinstance(part, list) and all(isinstance(p, dict) for p in part)
    try:
        values = numbers([[p["x"], p["y"]] for p in part] if is_points else part)
    except (KeyError, ValueError):
        values = np.zeros(1)
    is_pairs = values.ndim == 2 and values.shape[1] == 2
    if not is_pairs and (values.ndim != 1 or len(values) % 2):
        raise ValueError("a polygon is no list x, y, x, y, … of numbers")
    return Polygon(values.reshape(-1, 2)[:, ::-1])


def _box(box: Any) -> Polygon:
    try:
        x, y, width, height = (float(value) for value in box)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("it has neither a segmentation nor a bbox") from None
    right, bottom = x + width, y + height
    return Polygon(np.array([[y, x], [y, right], [bottom, right], [bottom, x]]))
