"""What can be done to finished objects: each is one step of the history."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import LabelClass
from napari_edgeflow.engine.labels.objects import ObjectMeasure
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import components_by_size
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry, object_mask
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange

if TYPE_CHECKING:
    from napari.layers import Labels

_MANY = 100
"""Objects that are written one by one at most."""

_BAND = 1 << 18
"""Pixels that are written at a time: a few milliseconds of the window's thread."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectChange:
    """What :meth:`ObjectHistory.apply` takes.

    Parameters
    ----------
    what : str
        What is done, for the person.
    pixels : iterable of PixelChange
        Asked for one after the other, while they are written.
    records : sequence of ObjectRecord
        Of the objects that are new or changed.
    removed : sequence of int
        Ids of those that go.
    """

    what: str
    pixels: Iterable[PixelChange] = ()
    records: Sequence[ObjectRecord] = ()
    removed: Sequence[int] = ()


def change_class(entries: Sequence[ObjectEntry], to: LabelClass) -> ObjectChange:
    """Give objects another class."""
    records = [
        replace(_record(entry), class_id=to.id, class_name=to.name) for entry in entries
    ]
    return ObjectChange(f"make {_count(entries)} {to.name}", records=records)


def delete(layer: "Labels", entries: Sequence[ObjectEntry]) -> ObjectChange:
    """Take objects out of a layer."""
    ids = [entry.id for entry in entries]
    return ObjectChange(
        f"delete {_count(entries)}", _painted(layer, entries, 0), removed=ids
    )


def merge(layer: "Labels", entries: Sequence[ObjectEntry]) -> ObjectChange:
    """Make one object of several: the largest takes in the others.

    Their clicks and seconds add up.

    Raises
    ------
    ValueError
        If there are less than two.
    """
    if len(entries) < 2:
        raise ValueError("Select two objects or more to merge them.")
    largest = max(entries, key=lambda entry: entry.measure.pixels)
    others = [entry for entry in entries if entry is not largest]
    records = [_record(entry) for entry in (largest, *others)]
    said = tuple(prompt for record in records for prompt in record.said)
    clicks = tuple(click for record in records for click in record.clicks)
    record = replace(
        records[0],
        clicks=clicks,
        seconds=sum(record.seconds for record in records),
        prompts=() if said == clicks else said,
    )
    return ObjectChange(
        f"merge {_count(entries)}",
        _painted(layer, others, largest.id),
        [record],
        [entry.id for entry in others],
    )


def split(layer: "Labels", entries: Sequence[ObjectEntry], free: int) -> ObjectChange:
    """Make an object of each connected part; the largest part keeps id and clicks.

    ``free`` is the first id that may be used.

    Raises
    ------
    ValueError
        If they have one part each, or the layer has no room for more ids.
    """
    pixels: list[PixelChange] = []
    records: list[ObjectRecord] = []
    for entry in entries:
        parts = components_by_size(object_mask(layer.data, entry))
        count = int(parts.max())
        # Part 1, the largest, stays what it is.
        values = np.where(parts > 1, parts.astype(np.int64) + (free - 2), entry.id)
        if count > 1:
            pixels += _in_planes(entry.measure, parts > 1, values)
        part = replace(_record(entry), clicks=(), seconds=0.0, prompts=())
        new = range(free, free + count - 1)
        records += [replace(part, object_id=i) for i in new]
        free += count - 1
    if not records:
        raise ValueError("Each of the selected objects is in one piece already.")
    highest = int(np.iinfo(layer.dtype).max)
    if free - 1 > highest:
        raise ValueError(
            f"{layer.name!r} holds ids up to {highest}, which {len(records)} more "
            "parts would pass: delete small parts first"
        )
    return ObjectChange(f"split {_count(entries)}", pixels, records)


def _record(entry: ObjectEntry) -> ObjectRecord:
    """Return an object's record, or one for an object that nobody told about."""
    if entry.record is not None:
        return entry.record
    return ObjectRecord(entry.id, 0, "", (), 0.0, entry.plane, "import")


def _painted(
    layer: "Labels", entries: Sequence[ObjectEntry], value: int
) -> Iterator[PixelChange]:
    """Yield the objects' pixels as they are when they are written."""
    if len(entries) > _MANY:
        yield from _painted_in_bands(layer, entries, value)
    else:
        for entry in entries:
            yield from _in_planes(entry.measure, object_mask(layer.data, entry), value)


def _painted_in_bands(
    layer: "Labels", entries: Sequence[ObjectEntry], value: int
) -> Iterator[PixelChange]:
    """Yield the pixels of many objects, which one by one take long to write."""
    starts = np.min([entry.measure.start for entry in entries], axis=0)
    stops = np.max([entry.measure.stop for entry in entries], axis=0)
    ids = [entry.id for entry in entries]
    (top, left), (bottom, right) = starts[-2:].tolist(), stops[-2:].tolist()
    step = max(_BAND // (right - left), 1)
    for place in np.ndindex(*(stops - starts)[:-2].tolist()):
        held = (starts[:-2] + place).tolist()
        plane = Plane((*held, None, None))
        for first in range(top, bottom, step):
            window = Window(first, left, min(first + step, bottom), right)
            pixels = plane.read(layer.data, window)
            yield PixelChange(plane, window, np.isin(pixels, ids), value)


def _in_planes(
    measure: ObjectMeasure, mask: NDArray[np.bool_], values: Any
) -> Iterator[PixelChange]:
    """Yield what is to be written in the box of an object, plane by plane."""
    top, left = measure.start[-2:]
    bottom, right = measure.stop[-2:]
    window = Window(top, left, bottom, right)
    for place in np.ndindex(mask.shape[:-2]):
        held = tuple(a + b for a, b in zip(measure.start[:-2], place, strict=True))
        inside = values if isinstance(values, int) else values[place]
        yield PixelChange(Plane((*held, None, None)), window, mask[place], inside)


def _count(entries: Sequence[ObjectEntry]) -> str:
    return f"object {entries[0].id}" if len(entries) == 1 else f"{len(entries)} objects"
