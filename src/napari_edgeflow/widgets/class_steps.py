"""Taking a class away, and what becomes of its labels: one step that can be undone."""

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.classes import ClassTable, LabelClass
from napari_edgeflow.engine.image import Window
from napari_edgeflow.widgets.label_layers import (
    LabelScheme,
    check_target,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.object_history import (
    ObjectEdit,
    ObjectHistory,
    PixelChange,
)
from napari_edgeflow.widgets.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.planes import Plane, layer_shape

if TYPE_CHECKING:
    from napari.layers import Labels

Tiles = list[tuple[tuple[int, ...], Window]]


@dataclass(frozen=True, slots=True)
class ClassRemoval:
    """A class that is taken away.

    Parameters
    ----------
    entry : LabelClass
        The class.
    place : int
        Where it was in the table.
    heir : LabelClass or None
        The class its labels get; None if they are deleted.
    """

    entry: LabelClass
    place: int
    heir: LabelClass | None

    @classmethod
    def of(cls, classes: ClassTable, class_id: int, heir: int | None) -> "ClassRemoval":
        """Return the removal of a class.

        Raises
        ------
        ValueError
            If one of them is none, both are the same, or no class would be left.
        """
        entry = classes.get(class_id)
        if heir == class_id:
            raise ValueError(f"{entry.name!r} cannot be merged into itself")
        if len(classes) == 1:
            raise ValueError("The last class cannot be removed: change it instead.")
        place = [c.id for c in classes].index(class_id)
        return cls(entry, place, None if heir is None else classes.get(heir))

    @property
    def text(self) -> str:
        """What is done, as in "delete class cat"."""
        if self.heir is None:
            return f"delete class {self.entry.name}"
        return f"merge class {self.entry.name} into {self.heir.name}"

    def done(self, classes: ClassTable) -> ClassTable:
        """Return a table without the class."""
        there = self._is_in(classes) and len(classes) > 1
        return classes.without(self.entry.id) if there else classes

    def undone(self, classes: ClassTable) -> ClassTable:
        """Return a table with the class where it was."""
        if self._is_in(classes):
            return classes
        return classes.with_class(self.entry).moved(self.entry.id, self.place)

    def _is_in(self, classes: ClassTable) -> bool:
        return any(entry.id == self.entry.id for entry in classes)


def values_of(layer: "Labels", class_id: int, heir: int | None) -> set[int]:
    """Return the values of a layer whose pixels change when a class is taken away."""
    scheme = read_scheme(layer)
    if scheme is None:
        return set()
    if scheme.kind == "semantic":
        return {class_id}
    return set() if heir is not None else set(_records(layer, class_id))


def removing(
    history: ObjectHistory, layer: "Labels", removal: ClassRemoval, tiles: Tiles
) -> Generator[None, None, None]:
    """Take a class away from a layer, in steps of milliseconds.

    Parameters
    ----------
    history : ObjectHistory
        Of the viewer.
    layer : Labels
        A layer with a scheme.
    removal : ClassRemoval
        The class.
    tiles : list
        Where the layer has :func:`values_of` the class.

    Raises
    ------
    ValueError
        If the layer cannot be edited; nothing is changed then.
    """
    scheme = read_scheme(layer)
    if scheme is None:
        return
    heir = removal.heir
    if tiles:
        check_target(layer, layer_shape(layer), 0 if heir is None else heir.id)
    values = values_of(layer, removal.entry.id, None if heir is None else heir.id)
    written = heir.id if heir is not None and scheme.kind == "semantic" else 0
    changes = _changes(layer, tiles, values, written)
    records: list[ObjectRecord] = []
    gone: list[int] = []
    if scheme.kind == "object":
        found = _records(layer, removal.entry.id)
        if heir is None:
            gone = list(found)
        else:
            records = [
                replace(record, class_id=heir.id, class_name=heir.name)
                for record in found.values()
            ]
    yield from history.applying(
        layer, removal.text, changes, records, gone, draft=removal
    )
    write_scheme(layer, LabelScheme(scheme.kind, removal.done(scheme.classes)))


class ClassSteps(QObject):
    """Brings classes back that undo brings back, and takes away what redo does.

    Parameters
    ----------
    history : ObjectHistory
        Of the viewer.
    """

    changed = Signal(object)
    """The Labels layer whose classes undo or redo changed."""

    def __init__(self, history: ObjectHistory) -> None:
        super().__init__()
        self._history = history
        self._seen: tuple[ObjectEdit | None, ObjectEdit | None] = None, None
        history.changed.connect(self._on_changed)
        history.steps_changed.connect(self._on_steps)

    def _on_steps(self) -> None:
        self._seen = self._history.next_undo, self._history.next_redo

    def _on_changed(self, layer: Any) -> None:
        done, undone = self._seen
        scheme = read_scheme(layer)
        if scheme is None:
            return
        classes = scheme.classes
        back = _removal_in(done) if done is self._history.next_redo else None
        again = _removal_in(undone) if undone is self._history.next_undo else None
        if back is not None:
            classes = back.undone(classes)
        elif again is not None:
            classes = again.done(classes)
        if classes != scheme.classes:
            write_scheme(layer, LabelScheme(scheme.kind, classes))
            self.changed.emit(layer)


def _removal_in(edit: ObjectEdit | None) -> ClassRemoval | None:
    draft = None if edit is None else edit.draft
    return draft if isinstance(draft, ClassRemoval) else None


def _records(layer: "Labels", class_id: int) -> dict[int, ObjectRecord]:
    records = read_records(layer)
    return {i: r for i, r in records.items() if r.class_id == class_id}


def _changes(
    layer: "Labels", tiles: Tiles, values: Collection[int], written: int
) -> Iterator[PixelChange]:
    wanted = np.array(sorted(values), np.int64)
    for place, window in tiles:
        plane = Plane((*place, None, None))
        present = np.asarray(layer.data[plane.select(*window.slices)])
        # Now and not when the tiles were found: somebody may have painted since.
        yield PixelChange(plane, window, np.isin(present, wanted), written)
