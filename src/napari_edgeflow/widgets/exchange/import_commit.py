"""From labels that were read to a Labels layer, a part at a time."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind, match_classes
from napari_edgeflow.engine.labels.places import exchanged
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import without_void
from napari_edgeflow.widgets.exchange.import_work import Imported
from napari_edgeflow.widgets.layers.labels import (
    add_labels,
    check_target,
    next_object_id,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.class_steps import TableEdit
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

_PART = 100_000
"""Pixels that are written at a time: a few milliseconds of the window's thread."""

_MOST_OBJECTS = int(np.iinfo(np.uint16).max)
"""Ids that a new layer of objects has room for."""


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """Where labels go.

    Parameters
    ----------
    image : Image
        The image they are for.
    labels : Labels or None
        The layer; None for a new one.
    kind : {"semantic", "object"}
        What a new layer holds.
    keep_existing : bool
        Whether pixels that have a label keep it.
    """

    image: "Image"
    labels: "Labels | None"
    kind: Kind
    keep_existing: bool = True


@dataclass(slots=True)
class ImportSummary:
    """What was written: into which layer, and how many objects and pixels."""

    labels: "Labels"
    objects: int = 0
    pixels: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The labels of a plane, as values of the layer."""

    plane: Plane
    labels: NDArray[np.integer]
    records: Mapping[int, ObjectRecord] = field(default_factory=dict)


def write_import(
    viewer: "Viewer", imported: Imported, target: ImportTarget
) -> Generator[None, None, ImportSummary]:
    """Write labels as one step of the viewer's history.

    Yields whenever some milliseconds have passed, so that the window can live.

    Raises
    ------
    ValueError
        If they cannot be written; nothing is changed then.
    """
    labels, image = target.labels, target.image
    kind = _kind_of(target)
    found = [(p, without_void(a) if kind == "object" else a) for p, a in imported.found]
    scheme = read_scheme(labels)
    table, ids = _matched(ClassTable(()) if scheme is None else scheme.classes, found)
    first = 1 if labels is None else next_object_id(labels)
    parts = list(_parts(found, kind, table, ids, first, imported.is_whole))
    yield
    highest = max((int(part.labels.max()) for part in parts), default=0)
    if labels is None and highest > _MOST_OBJECTS:
        raise ValueError(
            f"there are {highest} objects, a layer has room for {_MOST_OBJECTS}: "
            "import them as classes"
        )
    if labels is None:
        labels = add_labels(viewer, image, LabelScheme(kind, table))
    check_target(labels, layer_shape(image), highest)
    before = None if scheme is None else TableEdit(scheme.classes, table)
    write_scheme(labels, LabelScheme(kind, table))
    yield
    summary, seen = ImportSummary(labels), list[ObjectRecord]()
    pixels = _counted(_changes(labels, parts, target.keep_existing, seen), summary)
    what = f"import of {len(found)} images" if len(found) > 1 else "import"
    history = Workspace.of(viewer).history
    yield from history.applying(labels, what, pixels, _each(seen), effect=before)
    summary.objects = len(seen)
    yield
    # Edits leave out the thumbnail.
    labels.refresh(data_displayed=False, highlight=False, extent=False)
    return summary


def _kind_of(target: ImportTarget) -> Kind:
    scheme = read_scheme(target.labels)
    return target.kind if scheme is None else scheme.kind


def _matched(
    classes: ClassTable, found: list[tuple[Plane, ImageAnnotation]]
) -> tuple[ClassTable, list[dict[int, int]]]:
    """Return one table for all images, and the ids of their classes in it."""
    every: list[dict[int, int]] = []
    for _, annotation in found:
        classes, ids = match_classes(classes, annotation.classes)
        every.append(ids)
    return classes, every


def _parts(
    found: list[tuple[Plane, ImageAnnotation]],
    kind: Kind,
    table: ClassTable,
    ids: list[dict[int, int]],
    first: int,
    is_whole: bool,
) -> Iterator[_Part]:
    """Yield the labels of each plane; objects get ids from ``first`` on."""
    names, given = {entry.id: entry.name for entry in table}, dict[int, int]()
    for (plane, annotation), of_image in zip(found, ids, strict=True):
        if kind == "semantic":
            labels = annotation.class_labels()
            yield _Part(plane, exchanged(labels, of_image))
            continue
        given = given if is_whole else {}
        for entry in annotation.objects:
            if entry.id not in given:
                given[entry.id], first = first, first + 1
        records = {
            given[o.id]: ObjectRecord(
                given[o.id],
                of_image[o.class_id],
                names[of_image[o.class_id]],
                (),
                0.0,
                plane,
                "import",
            )
            for o in annotation.objects
        }
        yield _Part(plane, exchanged(annotation.object_labels(), given), records)


def _changes(
    target: "Labels",
    parts: list[_Part],
    keep_existing: bool,
    seen: list[ObjectRecord],
) -> Iterator[PixelChange]:
    """Yield what to write, strip by strip; note the objects that are in it."""
    told: set[int] = set()
    for part in parts:
        ids: set[int] = set()
        for window in strips_of(part.labels.shape):
            values = part.labels[window.slices]
            mask = values > 0
            if keep_existing:
                present = part.plane.read(target.data, window)
                mask &= present == 0
            if mask.any():
                ids.update(np.unique(values[mask]).tolist())
                yield PixelChange(part.plane, window, mask, values)
        seen += [part.records[i] for i in sorted(ids - told) if i in part.records]
        told |= ids


def strips_of(shape: tuple[int, ...]) -> Iterator[Window]:
    """Yield parts of a plane (H, W) that take some milliseconds to write."""
    height, width = shape
    rows = max(1, _PART // width)
    for top in range(0, height, rows):
        yield Window(top, 0, min(top + rows, height), width)


def _counted(
    changes: Iterator[PixelChange], summary: ImportSummary
) -> Iterator[PixelChange]:
    for change in changes:
        summary.pixels += int(np.count_nonzero(change.mask))
        yield change


def _each(seen: list[ObjectRecord]) -> Iterator[ObjectRecord]:
    """Yield what is in a list by the time it is asked for."""
    yield from seen
