"""From the result of automatic segmentation to labels, a part at a time."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, match_classes
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import (
    add_labels,
    check_target,
    next_object_id,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.segment.settings import SegmentSettings
from napari_edgeflow.widgets.segment.work import PlaneResult, SegmentResult
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

_PART = 100_000
"""Pixels that are written at a time: a few milliseconds of the window's thread."""

_MOST_OBJECTS = int(np.iinfo(np.uint16).max)
"""Ids that a new layer of objects has room for."""


@dataclass(slots=True)
class Written:
    """What became of a result.

    Parameters
    ----------
    target : Labels or None
        The layer it went to; None if there was nothing to write.
    changed : int
        How many pixels have another value now.
    objects : int
        How many objects were added.
    """

    target: "Labels | None" = None
    changed: int = 0
    objects: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """What is written where, for one plane.

    ``table`` gives the value to write for each label, and ``before`` holds what an
    earlier result left in the plane.
    """

    target: "Labels"
    part: PlaneResult
    table: NDArray[np.integer]
    only_unlabelled: bool
    before: NDArray[np.integer] | None
    seen: set[int] = field(default_factory=set)


class ResultWriter:
    """Writes results into Labels layers.

    A result takes the place of the one before in the same layer and plane, as far as
    that has not been painted over since; other labels are never cleared.
    """

    def __init__(self) -> None:
        self._target: Labels | None = None
        self._before: dict[Plane, NDArray[np.integer]] = {}

    @property
    def target(self) -> "Labels | None":
        """The layer of the latest result."""
        return self._target

    def write(
        self, viewer: "Viewer", settings: SegmentSettings, result: SegmentResult
    ) -> Generator[None, None, Written]:
        """Write a result as one edit that napari's own undo takes back.

        Yields whenever some milliseconds have passed, so that the window can live.

        Raises
        ------
        ValueError
            If it cannot be written; nothing is changed then.
        """
        written = Written()
        image = settings.image
        if image is None or (settings.target is None and not _found(result).classes):
            return written
        _check_objects(settings, image, result)
        target: Labels = settings.target
        if target is None:
            scheme = LabelScheme(settings.kind, result.classes)
            target = add_labels(viewer, image, scheme)
        ids = _adopted(target, settings, image, result)
        yield
        if target is not self._target:
            self._target, self._before = target, {}
        written.target = target
        orders = list(self._orders(target, settings, result, ids))
        objects = settings.kind == "object"
        yield from Workspace.of(viewer).history.applying(
            target,
            "segment automatically",
            chain.from_iterable(self._changes(order, written) for order in orders),
            _records(orders, ids, written) if objects else (),
        )
        yield
        # Edits leave out the thumbnail.
        target.refresh(data_displayed=False, highlight=False, extent=False)
        yield
        return written

    def _orders(
        self,
        target: "Labels",
        settings: SegmentSettings,
        result: SegmentResult,
        ids: dict[int, int],
    ) -> Iterator[_Order]:
        free = next_object_id(target) if settings.kind == "object" else 0
        for part in result.planes:
            if settings.kind == "semantic":
                table = _table(ids)
            else:
                table = np.arange(free - 1, free + len(part.objects))
                table[0] = 0
                free += len(part.objects)
            before = self._before.get(part.plane)
            yield _Order(
                target,
                part,
                table.astype(target.dtype),
                settings.only_unlabelled,
                before,
            )

    def _changes(self, order: _Order, written: Written) -> Iterator[PixelChange]:
        """Yield what is to be written into a plane, a part at a time."""
        height, width = order.part.labels.shape
        mine = np.zeros((height, width), order.target.dtype)
        step = max(_PART // width, 1)
        for top in range(0, height, step):
            window = Window(top, 0, min(top + step, height), width)
            change = _change(order, window)
            written.changed += int(np.count_nonzero(change.mask))
            mine[window.slices] = change.values
            yield change
        self._before[order.part.plane] = mine


def _change(order: _Order, window: Window) -> PixelChange:
    """Return what changes in a window of a plane.

    Its values are what is ours there afterwards.
    """
    values = order.table[order.part.labels[window.slices]]
    plane = order.part.plane
    present = plane.read(order.target.data, window)
    ours = np.zeros(values.shape, np.bool_)
    if order.before is not None:
        earlier = order.before[window.slices]
        ours = (earlier != 0) & (earlier == present)
    put = values != 0
    if order.only_unlabelled:
        put &= (present == 0) | ours
    result: NDArray[np.integer] = values * put
    if order.part.objects:
        order.seen.update(np.unique(result).tolist())
    return PixelChange(plane, window, (put | ours) & (present != result), result)


def _records(
    orders: list[_Order], ids: dict[int, int], written: Written
) -> Iterator[ObjectRecord]:
    """Yield the rows of the objects that have pixels."""
    scheme = read_scheme(orders[0].target)
    if scheme is None:
        return
    for order in orders:
        for region in order.part.objects:
            value = int(order.table[region.object_id])
            if value in order.seen:
                entry = scheme.classes.get(ids[region.class_id])
                written.objects += 1
                # Nobody clicked on it, or spent time on it.
                yield ObjectRecord(
                    value, entry.id, entry.name, (), 0.0, order.part.plane, "auto"
                )


def _found(result: SegmentResult) -> ClassTable:
    """Return the classes of the model that occur in a result."""
    there = {share.class_id for share in result.summary}
    return ClassTable(tuple(c for c in result.classes if c.id in there))


def _check_objects(
    settings: SegmentSettings, image: "Image", result: SegmentResult
) -> None:
    """Make sure that there are ids for all objects, before anything is changed."""
    count = sum(len(part.objects) for part in result.planes)
    target = settings.target
    if target is not None and settings.kind == "object":
        check_target(target, layer_shape(image), next_object_id(target) - 1 + count)
    elif count > _MOST_OBJECTS:
        raise ValueError(
            f"{count} objects were found, but a layer holds {_MOST_OBJECTS}: "
            "leave out small ones"
        )


def _adopted(
    target: "Labels", settings: SegmentSettings, image: "Image", result: SegmentResult
) -> dict[int, int]:
    """Make a layer know the classes found; return the layer's id of each."""
    scheme = read_scheme(target)
    present = result.classes if scheme is None else scheme.classes
    classes, ids = match_classes(present, _found(result))
    highest = max(ids.values(), default=0) if settings.kind == "semantic" else 0
    check_target(target, layer_shape(image), highest)
    write_scheme(target, LabelScheme(settings.kind, classes))
    return ids


def _table(ids: dict[int, int]) -> NDArray[np.integer]:
    """Return an array that gives the layer's class id for each of the model's."""
    table = np.zeros(max(ids, default=0) + 1, np.int64)
    table[list(ids)] = list(ids.values())
    return table
