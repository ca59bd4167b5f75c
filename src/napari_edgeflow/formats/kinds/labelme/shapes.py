"""Objects as labelme's shapes: polygons, boxes, circles and masks."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, Ring
from napari_edgeflow.formats.annotation.objects import (
    LabelledObject,
    check_drawable,
    kept_parts,
    numbers,
)
from napari_edgeflow.formats.files.problems import Report, refuse

_CIRCLE_VERTICES = 64


def to_shapes(entry: LabelledObject, label: str) -> list[dict[str, Any]]:
    """Return one shape for each part of an object, or one mask if it has a hole."""
    polygons = entry.polygons()
    base = {"label": label, "group_id": entry.id, "description": "", "flags": {}}
    if any(polygon.holes for polygon in polygons):
        return [{**base, **_mask_fields(entry.region)}]
    return [
        {
            **base,
            "points": polygon.exterior[:, ::-1].tolist(),
            "shape_type": "polygon",
            "mask": None,
        }
        for polygon in polygons
    ]


def _mask_fields(region: MaskPart) -> dict[str, Any]:
    window, buffer = region.window, io.BytesIO()
    Image.fromarray(region.mask).save(buffer, format="PNG")
    # labelme counts the last row and column as part of the box.
    last = [window.right - 1.0, window.bottom - 1.0]
    return {
        "points": [[float(window.left), float(window.top)], last],
        "shape_type": "mask",
        "mask": base64.b64encode(buffer.getvalue()).decode("ascii"),
    }


def from_shapes(
    number: int,
    class_id: int,
    shapes: list[dict[str, Any]],
    size: tuple[int, int],
    report: Report = refuse,
) -> LabelledObject:
    """Return the object of polygons, boxes, circles and masks that belong together.

    Parameters
    ----------
    number, class_id : int
        Its id, and that of its class.
    shapes : list of dict
        Its parts.
    size : tuple of int
        (H, W) of the image.
    report : callable
        Told of parts that have no area or cannot be understood, if others can.

    Raises
    ------
    ValueError
        If no part can be used.
    """
    outlines = [shape for shape in shapes if shape.get("shape_type") != "mask"]
    polygons, problems = kept_parts(outlines, _outline, size)
    masks = [shape for shape in shapes if shape.get("shape_type") == "mask"]
    drawn = _drawn(masks, size, problems) if masks else None
    if problems and not polygons and drawn is None:
        raise ValueError(problems[0])
    if problems:
        others = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        report(f"a part is left out: {problems[0]}{others}")
    if drawn is None:
        return LabelledObject.from_polygons(number, class_id, polygons, size)
    if polygons:
        part = LabelledObject.from_polygons(1, class_id, polygons, size)
        drawn |= part.region.full(size)
    return LabelledObject.from_mask(number, class_id, drawn)


def _drawn(
    shapes: list[dict[str, Any]], size: tuple[int, int], problems: list[str]
) -> NDArray[np.bool_] | None:
    """Return the pixels of masks; None if none of them can be used."""
    check_drawable(size)
    mask = np.zeros(size, np.bool_)
    before = len(problems)
    for shape in shapes:
        try:
            _draw_mask(shape, mask)
        except ValueError as error:
            problems.append(str(error))
    return mask if len(problems) - before < len(shapes) else None


_OPEN = ("line", "linestrip", "point", "points")
"""Types of shapes that enclose nothing."""


def _outline(shape: Mapping[str, Any]) -> Polygon:
    kind, points = shape.get("shape_type") or "polygon", _points(shape)
    if kind == "polygon":
        return Polygon(points)
    if kind == "rectangle" and len(points) == 2:
        (y0, x0), (y1, x1) = points.min(0), points.max(0)
        return Polygon(np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]]))
    if kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        angles = np.linspace(0, 2 * np.pi, _CIRCLE_VERTICES, endpoint=False)
        ring = np.stack((np.sin(angles), np.cos(angles)), 1) * radius
        return Polygon(points[0] + ring)
    if len(points) > 2 and kind not in _OPEN:
        # Whatever it is called, it is drawn as a ring.
        return Polygon(points)
    raise ValueError(f"a {kind} of {len(points)} points has no area")


def _points(shape: Mapping[str, Any]) -> Ring:
    """Return (N, 2) float64, (y, x)."""
    try:
        points = numbers(shape.get("points")).reshape(-1, 2)
    except ValueError:
        raise ValueError("its points are no pairs of numbers") from None
    return points[:, ::-1]


def _draw_mask(shape: Mapping[str, Any], mask: NDArray[np.bool_]) -> None:
    """Add the pixels of a shape of the type mask."""
    try:
        data = base64.b64decode(shape["mask"], validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            crop = np.asarray(image.convert("L")) > 0
    # Pillow raises whatever its decoders do for a broken file.
    except Exception as error:
        raise ValueError("its mask is no PNG in base64") from error
    points = _points(shape)
    if not len(points) or not np.isfinite(points).all():
        raise ValueError("its mask has no place")
    top, left = (int(v) for v in np.rint(points.min(0)))
    height, width = mask.shape
    rows = slice(max(top, 0), min(top + crop.shape[0], height))
    columns = slice(max(left, 0), min(left + crop.shape[1], width))
    if rows.stop > rows.start and columns.stop > columns.start:
        inside = crop[
            rows.start - top : rows.stop - top,
            columns.start - left : columns.stop - left,
        ]
        mask[rows, columns] |= inside
