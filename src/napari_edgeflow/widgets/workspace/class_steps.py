"""Edits of classes as steps that can be undone: of their table, and of their labels."""

import weakref
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import (
    check_target,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import Effect, ObjectHistory, Step

if TYPE_CHECKING:
    from napari.layers import Labels

_OtherPages = Callable[["Labels", int], str]
Tiles = list[tuple[tuple[int, ...], Window]]


class ClassChange(Protocol):
    """What a step does to a table of classes."""

    def done(self, classes: ClassTable) -> ClassTable:
        """Return a table with the change."""

    def undone(self, classes: ClassTable) -> ClassTable:
        """Return a table without the change."""


@dataclass(frozen=True, slots=True)
class TableEdit(Effect):
    """A table of classes that a person edited; no labels change by that."""

    before: ClassTable
    after: ClassTable

    @property
    def text(self) -> str:
        """What is done, as in "rename class cat"."""
        old, new = set(self.before), set(self.after)
        gone, come = old - new, new - old
        if len(gone) == 1 and len(come) == 1:
            return _text_of_edit(*gone, *come)
        if len(gone) + len(come) == 1:
            what = "delete" if gone else "add"
            return f"{what} class {(gone or come).pop().name}"
        return "change the classes" if gone or come else "reorder the classes"

    @property
    def went(self) -> tuple[int, int] | None:
        """The id of a class that has another one now, and that; None for none."""
        gone = [entry for entry in self.before if entry not in self.after.classes]
        come = [entry for entry in self.after if entry not in self.before.classes]
        if len(gone) == len(come) == 1 and gone[0].id != come[0].id:
            return gone[0].id, come[0].id
        return None

    def done(self, classes: ClassTable) -> ClassTable:
        """Return a table with what was edited."""
        return classes.exchanged(self.before, self.after)

    def undone(self, classes: ClassTable) -> ClassTable:
        """Return a table without it; what was edited since stays."""
        return classes.exchanged(self.after, self.before)


def _text_of_edit(old: LabelClass, new: LabelClass) -> str:
    if old.name != new.name:
        return f"rename class {old.name} to {new.name}"
    if old.id != new.id:
        return f"give class {old.name} the id {new.id}"
    return f"recolour class {old.name}"


@dataclass(frozen=True, slots=True)
class ClassRemoval(Effect):
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

    @property
    def went(self) -> tuple[int, int]:
        """The id of the class, and of the one its labels get; 0 for none."""
        return self.entry.id, 0 if self.heir is None else self.heir.id

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
        layer, removal.text, changes, records, gone, effect=removal, always=True
    )


class ClassSteps(QObject):
    """Does to classes what steps of the history are to do, and takes it back."""

    changed = Signal(object)
    """The Labels layer whose classes a step changed."""
    list_asked = Signal(object, object, bool)
    """A list of classes that has no layer is to undo (True) or redo a change."""
    taken_away = Signal(object, int, int, bool)
    """A class of a layer has another id (0 for none) now; or has its own again."""
    finish_asked = Signal()
    """Who is about to take a class away is to do it now: the layer goes."""

    def __init__(self, history: ObjectHistory) -> None:
        super().__init__()
        self._history = history
        self._on_other_pages: weakref.WeakMethod[_OtherPages] | None = None
        history.moved.connect(self._on_moved)

    def ask(self, tell: "_OtherPages") -> None:
        """Ask a method what labels of a class there are that no layer shows.

        It is not kept alive for that.
        """
        self._on_other_pages = weakref.WeakMethod(tell)

    def on_other_pages(self, layer: "Labels", class_id: int) -> str:
        """Return what labels of a class a project has beside a layer; "" for none."""
        ask = None if self._on_other_pages is None else self._on_other_pages()
        return "" if ask is None else ask(layer, class_id)

    def note(
        self,
        layer: "Labels | None",
        view: QObject,
        before: ClassTable,
        after: ClassTable,
    ) -> None:
        """Remember that a person edited a table of classes.

        Parameters
        ----------
        layer : Labels or None
            The layer whose classes they are; None for classes of no layer yet.
        view : QObject
            The list that was edited.
        before, after : ClassTable
            The classes.
        """
        edit = TableEdit(before, after)
        effect = edit if layer is not None else _ListEdit(weakref.ref(view), edit)
        self._history.note(layer, edit.text, effect)

    def _on_moved(self, step: Step, back: bool) -> None:
        effect, layer = step.effect, step.layer
        if isinstance(effect, _ListEdit):
            self.list_asked.emit(effect.view(), effect.edit, back)
        scheme = read_scheme(layer)
        if layer is None or scheme is None:
            return
        if isinstance(effect, ClassRemoval | TableEdit):
            classes = changed(effect, scheme.classes, back=back)
            if classes != scheme.classes:
                write_scheme(layer, LabelScheme(scheme.kind, classes))
            if effect.went is not None:
                self._tell_of_labels(layer, effect, back)
            # Who did the step may have written them already.
            self.changed.emit(layer)

    def _tell_of_labels(
        self, layer: "Labels", effect: "ClassRemoval | TableEdit", back: bool
    ) -> None:
        """Tell which labels have another class now, also where nobody sees them."""
        class_id, heir = effect.went or (0, 0)
        if back and isinstance(effect, TableEdit):
            # What was labelled since has the new id: it goes the same way back.
            self.taken_away.emit(layer, heir, class_id, False)
        else:
            self.taken_away.emit(layer, class_id, heir, back)


@dataclass(frozen=True, slots=True, eq=False)
class _ListEdit(Effect):
    """An edit of classes that no layer has yet, and the list it was made in."""

    view: "weakref.ref[QObject]"
    edit: TableEdit


def changed(change: ClassChange, classes: ClassTable, *, back: bool) -> ClassTable:
    """Return a table with a change, or without it."""
    return change.undone(classes) if back else change.done(classes)


def _records(layer: "Labels", class_id: int) -> dict[int, ObjectRecord]:
    records = read_records(layer)
    return {i: r for i, r in records.items() if r.class_id == class_id}


def _changes(
    layer: "Labels", tiles: Tiles, values: Collection[int], written: int
) -> Iterator[PixelChange]:
    wanted = np.array(sorted(values), np.int64)
    for place, window in tiles:
        plane = Plane((*place, None, None))
        present = plane.read(layer.data, window)
        # Now and not when the tiles were found: somebody may have painted since.
        yield PixelChange(plane, window, np.isin(present, wanted), written)
