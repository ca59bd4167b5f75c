"""Stacks of labels: TIFFs of several planes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import without_void
from napari_edgeflow.formats.annotation.planes import completed, plane_annotation
from napari_edgeflow.formats.files.problems import Report
from napari_edgeflow.formats.kinds.label_images.folder import (
    LabelFile,
    label_files,
    read_each,
    read_label_values,
)


@dataclass(frozen=True, slots=True, eq=False)
class StackAnnotation:
    """The objects of a stack.

    Parameters
    ----------
    file_name : str
        As in :class:`ImageAnnotation`.
    shape : tuple of int
        (…, H, W) of the stack.
    classes : ClassTable
        The classes.
    slices : tuple of ImageAnnotation
        One for each plane, in the order of :func:`numpy.ndindex`.
    is_whole : bool
        Whether the same id in several slices is one object.
    """

    file_name: str
    shape: tuple[int, ...]
    classes: ClassTable
    slices: tuple[ImageAnnotation, ...]
    is_whole: bool


Labelled = ImageAnnotation | StackAnnotation
"""The objects of an image of any number of axes."""


def slices_of(labelled: Labelled) -> list[tuple[tuple[int, ...], ImageAnnotation]]:
    """Return the planes of an image, and where they are in it."""
    if isinstance(labelled, ImageAnnotation):
        return [((), labelled)]
    places = np.ndindex(labelled.shape[:-2])
    return list(zip(places, labelled.slices, strict=True))


def slices_without_void(labelled: Labelled) -> Labelled:
    """Do :func:`without_void` for all planes of an image."""
    if isinstance(labelled, ImageAnnotation):
        return without_void(labelled)
    slices = tuple(map(without_void, labelled.slices))
    return replace(labelled, classes=slices[0].classes, slices=slices)


def read_labels_and_stacks(
    path: Path, images: Path | None, report: Report, kind: Kind
) -> Iterator[Labelled]:
    """Read a label image, or all of a folder, planes and stacks.

    Parameters and errors are as for :func:`read_label_folder`.
    """
    files = label_files(path, images, None, kind, report)
    yield from read_each(files, _read, report)


def _read(file: LabelFile, report: Report) -> Labelled:
    found = read_label_values(file.path, file.classes, file.kind, report)
    labels, kind, name = found.labels, found.kind or file.kind, file.file_name
    # One table for all slices, so that a class has one id.
    table = completed(labels, kind, found.classes or ClassTable(()), found.class_of)
    planes = tuple(
        plane_annotation(name, labels[place], kind, table, found.class_of)
        for place in np.ndindex(labels.shape[:-2])
    )
    if labels.ndim == 2:
        return planes[0]
    return StackAnnotation(name, labels.shape, table, planes, kind == "object")
