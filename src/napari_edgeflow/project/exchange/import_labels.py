"""Labels that were read, written into those that an image has."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.labels.places import exchanged
from napari_edgeflow.formats.kinds.label_images.stack import (
    Labelled,
    StackAnnotation,
    slices_of,
)
from napari_edgeflow.project.content.records import LabelContent, PageContent, Row

_KEYS: dict[Kind, str] = {"object": "objects", "semantic": "classes"}


def target_of(content: PageContent, kind: Kind) -> tuple[str, LabelContent | None]:
    """Return the labels that get more: the first that say what they are.

    Their short name comes first; the labels are None if there are none yet.
    """
    for key, layer in content.layers.items():
        if layer.kind != "plain":
            return key, layer
    return _KEYS[kind], None


def check_shape(labelled: Labelled, shape: tuple[int, ...]) -> None:
    """Raise ValueError if labels are for an image of another shape."""
    if labelled.shape == shape:
        return
    if len(shape) > 2:
        raise ValueError(
            f"it is a stack of {_sides(shape)} pixels, its labels are "
            f"{_sides(labelled.shape)}: give a label TIFF of the same shape, or open "
            "it and import the labels of its slices there"
        )
    if len(labelled.shape) > 2:
        raise ValueError(
            f"its labels are a stack of {_sides(labelled.shape)} pixels, it is one "
            f"plane of {_sides(shape)}: give labels of the same shape"
        )
    (height, width), (y, x) = labelled.shape, shape
    raise ValueError(
        f"the labels are for an image of {width} x {height} pixels, this one has "
        f"{x} x {y}"
    )


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def with_labels(
    layer: LabelContent, labelled: Labelled, ids: Mapping[int, int], keep_existing: bool
) -> tuple[LabelContent, int]:
    """Return labels with those that were read, and the number of new objects.

    Parameters
    ----------
    layer : LabelContent
        The labels of an image.
    labelled : ImageAnnotation or StackAnnotation
        Those that were read, of the same shape.
    ids : mapping
        The class in ``layer`` of each class of ``labelled``.
    keep_existing : bool
        Whether pixels that have a label keep it.
    """
    found: NDArray[np.integer[Any]] = np.zeros(layer.labels.shape, np.uint32)
    if layer.kind == "semantic":
        count = 0
        for place, plane in slices_of(labelled):
            found[place] = exchanged(plane.class_labels(), ids)
            count += len(plane.objects)
        return _written(layer, found, {}, keep_existing), count
    first = max(int(layer.labels.max(initial=0)), *layer.rows, 0) + 1
    names = {entry.id: entry.name for entry in layer.classes}
    rows: dict[int, Row] = {}
    given: dict[int, int] = {}
    is_whole = isinstance(labelled, StackAnnotation) and labelled.is_whole
    for place, plane in slices_of(labelled):
        if not is_whole:
            given = {}
        for entry in plane.objects:
            if entry.id not in given:
                given[entry.id] = first + len(rows)
                class_id = ids[entry.class_id]
                rows[given[entry.id]] = _row(class_id, names[class_id], place)
        found[place] = exchanged(plane.object_labels(), given)
    new = _written(layer, found, rows, keep_existing)
    return new, len(new.rows) - len(layer.rows)


def _row(class_id: int, class_name: str, place: tuple[int, ...]) -> Row:
    return {
        "class_id": class_id,
        "class_name": class_name,
        "clicks": [],
        "seconds": 0.0,
        "plane": [*place, None, None],
        "source": "import",
    }


def _written(
    layer: LabelContent,
    found: NDArray[np.integer[Any]],
    rows: Mapping[int, Row],
    keep_existing: bool,
) -> LabelContent:
    mask = (found > 0) & ((layer.labels == 0) | (not keep_existing))
    highest = np.min_scalar_type(int(found.max(initial=0)))
    labels = layer.labels.astype(np.promote_types(layer.labels.dtype, highest))
    labels[mask] = found[mask]
    there = set(np.unique(found[mask]).tolist())
    new = {index: row for index, row in rows.items() if index in there}
    return replace(layer, labels=labels, rows={**layer.rows, **new})
