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
from napari_edgeflow.widgets.workspace.history import Effect, ObjectHistory

if TYPE_CHECKING:
    from napari.layers import Labels

_OtherPages = Callable[["Labels", int], str]
Tiles = list[tuple[tuple[int, ...], Window]]


class ClassChange(Protocol):
    """What a step does to a table of classes."""

    def applied(self, classes: ClassTable, *, back: bool) -> ClassTable:
        """Return a table with the change, or without it."""

    def relabelled(self, *, back: bool) -> tuple[int, int, bool] | None:
        """Return what becomes of labels: see :attr:`ClassSteps.taken_away`."""


@dataclass(frozen=True, slots=True)
class TableEdit:
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

    def applied(self, classes: ClassTable, *, back: bool) -> ClassTable:
        """Return a table with the edit, or without it; what came since stays."""
        if back:
            return classes.exchanged(self.after, self.before)
        return classes.exchanged(self.before, self.after)

    def relabelled(self, *, back: bool) -> tuple[int, int, bool] | None:
        """Return the id that a class had, and the one it has; None for no such edit."""
        gone = [entry for entry in self.before if entry not in self.after.classes]
        come = [entry for entry in self.after if entry not in self.before.classes]
        if len(gone) != 1 or len(come) != 1 or gone[0].id == come[0].id:
            return None
        # What was labelled since has the new id: it goes the same way back.
        old, new = (come, gone) if back else (gone, come)
        return old[0].id, new[0].id, False


def _text_of_edit(old: LabelClass, new: LabelClass) -> str:
    if old.name != new.name:
        return f"rename class {old.name} to {new.name}"
    if old.id != new.id:
        return f"give class {old.name} the id {new.id}"
    return f"recolour class {old.name}"


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

    def applied(self, classes: ClassTable, *, back: bool) -> ClassTable:
        """Return a table without the class, or with it where it was."""
        if any(entry.id == self.entry.id for entry in classes) == back:
            return classes
        if back:
            return classes.with_class(self.entry).moved(self.entry.id, self.place)
        return classes.without(self.entry.id) if len(classes) > 1 else classes

    def relabelled(self, *, back: bool) -> tuple[int, int, bool]:
        """Return the id of the class, that of the one its labels get, and ``back``."""
        return self.entry.id, 0 if self.heir is None else self.heir.id, back


def values_of(layer: "Labels", class_id: int, heir: int | None) -> set[int]:
    """Return the values of a layer whose pixels change when a class is taken away."""
    scheme = read_scheme(layer)
    if scheme is None:
        return set()
    if scheme.kind == "semantic":
        return {class_id}
    return set() if heir is not None else set(_records(layer, class_id))


class ClassSteps(QObject):
    """Makes steps of the history of what changes classes."""

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
        effect: Effect = _ListEdit(self, edit, weakref.ref(view))
        if layer is not None:
            effect = self.effect(edit)
        self._history.note(layer, edit.text, effect)

    def effect(self, change: ClassChange) -> Effect:
        """Return what a step of a layer does that changes its classes."""
        return _LayerEdit(self, change)

    def removing(
        self, layer: "Labels", removal: ClassRemoval, tiles: Tiles
    ) -> Generator[None, None, None]:
        """Take a class away from a layer, in steps of milliseconds.

        Parameters
        ----------
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
        yield from self._history.applying(
            layer,
            removal.text,
            changes,
            records,
            gone,
            effect=self.effect(removal),
            always=True,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _LayerEdit(Effect):
    """A change of the classes of the layer that the step is done to."""

    steps: ClassSteps
    change: ClassChange

    def do(self, layer: "Labels | None", *, back: bool) -> None:
        """Write the classes, and tell which labels have other ones, seen or not."""
        scheme = read_scheme(layer)
        if layer is None or scheme is None:
            return
        classes = self.change.applied(scheme.classes, back=back)
        if classes != scheme.classes:
            write_scheme(layer, LabelScheme(scheme.kind, classes))
        relabelled = self.change.relabelled(back=back)
        if relabelled is not None:
            self.steps.taken_away.emit(layer, *relabelled)
        # Who did the step may have written them already.
        self.steps.changed.emit(layer)


@dataclass(slots=True, eq=False)
class _ListEdit(Effect):
    """A change of classes that no layer has yet, and the list it was made in.

    The list may show other classes by now, those of a layer: what undo could not take
    back there redo does not bring there.
    """

    steps: ClassSteps
    change: ClassChange
    view: "weakref.ref[QObject]"
    _is_idle: bool = False

    def do(self, layer: "Labels | None", *, back: bool) -> None:
        """Ask the list."""
        self.steps.list_asked.emit(self.view(), self, back)

    def applied(self, classes: ClassTable, *, back: bool) -> ClassTable:
        """Return a table with the change, or without it."""
        if not back and self._is_idle:
            return classes
        after = self.change.applied(classes, back=back)
        self._is_idle = back and after == classes
        return after

    def relabelled(self, *, back: bool) -> tuple[int, int, bool] | None:
        """Return what becomes of labels: there are none."""
        return None


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
