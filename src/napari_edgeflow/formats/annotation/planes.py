"""Planes of labels as annotations, also where nobody told the classes of everything."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.files.class_lists import voc_colour, with_names

UNNAMED = "object"
"""Name of the class of objects that have none."""

_MAX_COUNTED = 1 << 20
"""Values up to here are counted, which is faster than sorting."""


def used_values(labels: NDArray[np.integer]) -> list[int]:
    """Return the values of an array of labels that are not 0, from low to high."""
    flat = labels.ravel()
    low, high = int(flat.min(initial=0)), int(flat.max(initial=0))
    if low >= 0 and high <= _MAX_COUNTED:
        found = np.flatnonzero(np.bincount(flat.astype(np.intp, copy=False)))
    else:
        found = np.unique(flat)
    return [value for value in found.tolist() if value]


def with_values(classes: ClassTable, values: list[int]) -> ClassTable:
    """Return a table with "class 7" or the like for values that are no class of it.

    Raises
    ------
    ValueError
        If a value is no number that a class can have.
    """
    known = {entry.id for entry in classes}
    added = [
        LabelClass(value, f"class {value}", voc_colour(value))
        for value in values
        if value not in known
    ]
    return ClassTable((*classes, *added)) if added else classes


def classes_of_objects(features: Any) -> dict[int, int]:
    """Return the class of each object id that has one, in the features of a layer.

    They have a row for each object, with the columns "index" and "class_id".
    """
    if "class_id" not in features or "index" not in features:
        return {}
    rows = features[["index", "class_id"]].dropna()
    return {int(i): int(c) for i, c in rows.itertuples(index=False)}


def completed(
    labels: NDArray[np.integer],
    kind: Kind,
    classes: ClassTable,
    class_of: Mapping[int, int],
) -> ClassTable:
    """Return a table that has a class for all labels.

    Parameters
    ----------
    labels : ndarray
        (…, H, W) integer.
    kind : {"semantic", "object"}
        Whether a label is a class or an object.
    classes : ClassTable
        The classes that are known.
    class_of : mapping
        The class of each object that has one. The others are of the class "object".
    """
    values = used_values(labels)
    if kind == "semantic":
        return with_values(classes, values)
    told = {class_of.get(value, 0) for value in values}
    classes = with_values(classes, sorted(told - {0}))
    return with_names(classes, (UNNAMED,)) if 0 in told else classes


def plane_annotation(
    file_name: str,
    labels: NDArray[np.integer],
    kind: Kind,
    classes: ClassTable,
    class_of: Mapping[int, int],
) -> ImageAnnotation:
    """Return the objects of a plane of labels.

    Parameters
    ----------
    file_name : str
        Of the image.
    labels : ndarray
        (H, W) integer, 0 for background.
    kind, classes, class_of
        See :func:`completed`.

    Raises
    ------
    ValueError
        If a label cannot be a class or an object.
    """
    table = completed(labels, kind, classes, class_of)
    if kind == "semantic":
        return ImageAnnotation.from_labels(file_name, labels, table)
    unnamed = next((entry.id for entry in table if entry.name == UNNAMED), 0)
    told = {i: class_of.get(i) or unnamed for i in used_values(labels)}
    return ImageAnnotation.from_objects(file_name, labels, told, table)
