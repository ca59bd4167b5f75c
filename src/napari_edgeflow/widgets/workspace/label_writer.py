"""Writing new labels into a Labels layer, part by part and as one step."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind, match_classes
from napari_edgeflow.engine.labels.places import exchanged
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import (
    add_labels,
    check_target,
    next_object_id,
    read_scheme,
    rename_classes,
    write_scheme,
)
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, Source
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.class_steps import TableEdit
from napari_edgeflow.widgets.workspace.history import Effect
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

_PART = 100_000
"""Pixels that are written at a time: a few milliseconds of the window's thread."""

_LONGEST_TABLE = 1 << 20

_MOST_OBJECTS = int(np.iinfo(np.uint16).max)
"""Ids that a new layer of objects has room for."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelTarget:
    """Where labels go.

    Parameters
    ----------
    image : Image
        The image they are for.
    labels : Labels or None
        The layer; None for a new one.
    kind : {"semantic", "object"}
        What the values are to be.
    keep_existing : bool
        Whether pixels that have a label keep it.
    """

    image: "Image"
    labels: "Labels | None"
    kind: Kind
    keep_existing: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class PlaneLabels:
    """The labels of a plane, with ids of their own.

    Parameters
    ----------
    plane : Plane
        The plane.
    labels : ndarray
        (H, W) ids of classes, or of objects.
    classes : ClassTable
        What the ids of classes mean.
    class_of : mapping
        Of objects: the class of each.
    """

    plane: Plane
    labels: NDArray[np.integer] = field(repr=False)
    classes: ClassTable
    class_of: Mapping[int, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class NewLabels:
    """What is to be written, and what it is called.

    Parameters
    ----------
    planes : sequence of PlaneLabels
        One or more.
    what : str
        What the step is called, as in "import".
    source : str
        What the objects were made with.
    too_many : str
        What to do if there are more objects than a new layer holds.
    is_whole : bool
        Whether the same id in several planes is one object.
    """

    planes: Sequence[PlaneLabels]
    what: str
    source: Source
    too_many: str
    is_whole: bool = False


@dataclass(slots=True)
class Written:
    """What became of labels.

    Parameters
    ----------
    target : Labels
        The layer they went to.
    pixels : int
        How many pixels have them now.
    changed : int
        How many pixels have another value now.
    objects : int
        How many objects were added.
    """

    target: "Labels"
    pixels: int = 0
    changed: int = 0
    objects: int = 0


class LabelWriter:
    """Writes labels into Labels layers, with their classes and the rows of objects.

    Parameters
    ----------
    replaces : bool
        Whether labels take the place of those written before in the same layer and
        plane, as far as these were not painted over since.
    """

    def __init__(self, viewer: "Viewer", *, replaces: bool = False) -> None:
        self._viewer, self._replaces = viewer, replaces
        self._target: Labels | None = None
        self._before: dict[Plane, NDArray[np.integer]] = {}

    def write(
        self, to: LabelTarget, new: NewLabels, *, waits: bool = True
    ) -> Generator[None, None, Written]:
        """Write labels as one step, a part at a time, so that the window can live.

        Whoever closes the generator before its end, or an error, leaves layers,
        classes and labels as they were. While another step is done to the layer it
        yields, or raises unless ``waits`` is set.

        Raises
        ------
        ValueError
            If they cannot be written.
        """
        viewer, target = self._viewer, to.labels
        workspace = Workspace.of(viewer)
        while waits and target is not None and workspace.history.is_written(target):
            yield
        scheme = read_scheme(target)
        present = ClassTable(()) if scheme is None else scheme.classes
        table, ids_of_classes = _matched(present, new.planes)
        first = 1 if target is None else next_object_id(target)
        is_object = to.kind == "object"
        ids = _numbered(new, first) if is_object else ids_of_classes
        highest = max((max(of.values(), default=0) for of in ids), default=0)
        if target is None and is_object and highest > _MOST_OBJECTS:
            raise ValueError(
                f"There are {highest} objects, but a layer has room for "
                f"{_MOST_OBJECTS}: {new.too_many}."
            )
        if target is not None:
            check_target(target, layer_shape(to.image), highest)
        classes = _Classes(viewer, to, LabelScheme(to.kind, table))
        target = classes.target
        written = Written(target)
        before = self._before if self._replaces and target is self._target else {}
        parts = [
            _Part(target, plane, of, to.keep_existing, before.get(plane.plane), written)
            for plane, of in zip(new.planes, ids, strict=True)
        ]
        edit = Effect()
        if scheme is not None and scheme.classes != table:
            edit = workspace.class_steps.effect(TableEdit(scheme.classes, table))
        try:
            yield from workspace.history.applying(
                target,
                new.what,
                (change for part in parts for change in part.changes()),
                _records(parts, ids_of_classes, table, new.source) if is_object else (),
                effect=edit,
                new_ids=range(first, highest + 1) if is_object else range(0),
            )
        except BaseException:
            # Also when nobody goes on with it.
            classes.take_back()
            raise
        if self._replaces:
            mine = {part.new.plane: part.mine for part in parts}
            self._target, self._before = target, before | mine
        yield
        # Edits leave out the thumbnail.
        target.refresh(data_displayed=False, highlight=False, extent=False)
        yield
        return written


class _Classes:
    """The target with the classes of new labels; and as it was before."""

    def __init__(self, viewer: "Viewer", to: LabelTarget, scheme: LabelScheme) -> None:
        self._viewer, self._is_new = viewer, to.labels is None
        if to.labels is None:
            self.target = add_labels(viewer, to.image, scheme)
            return
        self.target = layer = to.labels
        self._known = read_scheme(layer)
        self._before = dict(layer.metadata), layer.colormap
        write_scheme(layer, scheme)
        self._after = dict(layer.metadata), layer.colormap

    def take_back(self) -> None:
        layer = self.target
        if self._is_new:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
            return
        if layer.metadata == self._after[0] != self._before[0]:
            layer.metadata = self._before[0]
            if self._known is not None:
                rename_classes(layer, self._known.classes)
        if layer.colormap is self._after[1] is not self._before[1]:
            layer.colormap = self._before[1]


class _Part:
    """The labels of a plane on their way into a layer."""

    def __init__(
        self,
        target: "Labels",
        new: PlaneLabels,
        ids: Mapping[int, int],
        keep_existing: bool,
        before: NDArray[np.integer] | None,
        written: Written,
    ) -> None:
        self.new, self._target, self._ids = new, target, ids
        self._keep_existing, self._before = keep_existing, before
        self._written, self._seen = written, set[int]()
        self._table = _table(new.labels, ids)
        self.mine: NDArray[np.integer] = np.zeros(new.labels.shape, target.dtype)
        """What of it is in the layer."""

    def changes(self) -> Iterator[PixelChange]:
        """Yield what is to be written."""
        for window in strips_of(self.new.labels.shape):
            labels = self.new.labels[window.slices]
            if self._table is None:
                values = exchanged(labels, self._ids)
            else:
                values = self._table[labels]
            values = values.astype(self._target.dtype)
            present = self.new.plane.read(self._target.data, window)
            ours = np.zeros(values.shape, np.bool_)
            if self._before is not None:
                earlier = self._before[window.slices]
                ours = (earlier != 0) & (earlier == present)
            put = values != 0
            if self._keep_existing:
                put &= (present <= 0) | ours
            result = values * put
            mask = (put | ours) & (present != result)
            self._written.pixels += int(np.count_nonzero(put))
            self._written.changed += int(np.count_nonzero(mask))
            if self.new.class_of:
                self._seen.update(np.unique(result).tolist())
            self.mine[window.slices] = result
            yield PixelChange(self.new.plane, window, mask, result)

    def found(self, told: set[int]) -> Iterator[tuple[int, int]]:
        """Yield value and class of the objects with pixels, but those told before."""
        for object_id, class_id in self.new.class_of.items():
            value = self._ids[object_id]
            if value in self._seen and value not in told:
                told.add(value)
                self._written.objects += 1
                yield value, class_id


def _records(
    parts: Sequence[_Part],
    classes: Sequence[Mapping[int, int]],
    table: ClassTable,
    source: Source,
) -> Iterator[ObjectRecord]:
    names, told = {entry.id: entry.name for entry in table}, set[int]()
    for part, ids in zip(parts, classes, strict=True):
        for value, class_id in part.found(told):
            of, plane = ids[class_id], part.new.plane
            # Nobody clicked on it, or spent time on it.
            yield ObjectRecord(value, of, names[of], (), 0.0, plane, source)


def _table(
    labels: NDArray[np.integer], ids: Mapping[int, int]
) -> NDArray[np.integer] | None:
    """Return an array with the value for each label; None if it were too long."""
    highest = int(labels.max(initial=0))
    if highest > _LONGEST_TABLE:
        return None
    table = np.zeros(highest + 1, np.int64)
    known = [label for label in ids if label <= highest]
    table[known] = [ids[label] for label in known]
    return table


def strips_of(shape: tuple[int, ...]) -> Iterator[Window]:
    """Yield parts of a plane (H, W) that take some milliseconds to write."""
    height, width = shape
    rows = max(1, _PART // width)
    for top in range(0, height, rows):
        yield Window(top, 0, min(top + rows, height), width)


def _matched(
    classes: ClassTable, planes: Sequence[PlaneLabels]
) -> tuple[ClassTable, list[dict[int, int]]]:
    """Return one table for all planes, and the ids of their classes in it."""
    every: list[dict[int, int]] = []
    for plane in planes:
        classes, ids = match_classes(classes, plane.classes)
        every.append(ids)
    return classes, every


def _numbered(new: NewLabels, first: int) -> list[dict[int, int]]:
    """Return the ids that the objects of each plane get, from ``first`` on."""
    every: list[dict[int, int]] = []
    ids = dict[int, int]()
    for plane in new.planes:
        ids = ids if new.is_whole else {}
        for object_id in plane.class_of:
            if object_id not in ids:
                ids[object_id], first = first, first + 1
        every.append(ids)
    return every
