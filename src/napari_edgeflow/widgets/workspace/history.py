"""Undo and redo, without limit, of everything that happens to finished objects."""

import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import colouring, read_scheme
from napari_edgeflow.widgets.layers.object_records import (
    ObjectRecord,
    ObjectRow,
    ObjectRows,
    Values,
)
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import ChangedPixels

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_ROWS_AT_A_TIME = 500
_ROW_BYTES = 2048
"""What a row of the features takes in memory, about."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelChange:
    """Pixels of a plane of a Labels layer, and what they are to be.

    Parameters
    ----------
    plane : Plane
        The plane.
    window : Window
        Where ``mask`` lies in the plane.
    mask : ndarray
        (h, w) bool, the pixels to write.
    values : int or ndarray
        One value, or (h, w) with one for each pixel.
    """

    plane: Plane
    window: Window
    mask: NDArray[np.bool_] = field(repr=False)
    values: int | NDArray[np.integer] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectEdit:
    """One step of the history.

    Parameters
    ----------
    what : str
        What was done, as in "delete 3 objects".
    draft : object
        What the one who did it needs to go back to the state before; others ignore it.
    """

    what: str
    draft: object
    _layer: "weakref.ref[Labels] | None" = field(default=None, repr=False)
    _shape: tuple[int, ...] = field(default=(), repr=False)
    _pixels: tuple[ChangedPixels, ...] = field(default=(), repr=False)
    _rows: "tuple[_Rows, _Rows]" = field(default=({}, {}), repr=False)

    @property
    def layer(self) -> "Labels | None":
        """The layer it was done to; None if that is gone, or it was done to none."""
        return None if self._layer is None else self._layer()

    @property
    def is_possible(self) -> bool:
        """Whether its layer is there and has the same shape; also if it has none."""
        if self._layer is None:
            return True
        layer = self._layer()
        # Somebody may have given the layer other data.
        return layer is not None and layer_shape(layer) == self._shape

    @property
    def nbytes(self) -> int:
        """How much memory it takes without its draft, about."""
        pixels = sum(part.nbytes for part in self._pixels)
        return pixels + _ROW_BYTES * (1 + sum(map(len, self._rows)))

    def moved(self, layer: "Labels", draft: object) -> "ObjectEdit":
        """Return the same step for a layer that holds what its own layer held."""
        return replace(self, _layer=weakref.ref(layer), draft=draft)

    def recoded(self, old: int, new: int, name: str, *, pixels: bool) -> "ObjectEdit":
        """Return the same step for labels in which a class has become another one.

        Parameters
        ----------
        old, new : int
            The classes; 0 for none.
        name : str
            Of the new class.
        pixels : bool
            Whether the labels' values are classes.
        """
        before, after = (
            {i: row and row.recoded(old, new, name) for i, row in rows.items()}
            for rows in self._rows
        )
        parts = self._pixels
        if pixels:
            parts = tuple(part.recoded(old, new) for part in parts)
        return replace(self, _pixels=parts, _rows=(before, after))


@dataclass(frozen=True, slots=True, eq=False)
class KeptSteps:
    """Steps without the layers they were done to; see :meth:`ObjectHistory.give_up`.

    Parameters
    ----------
    done, undone : tuple of (str, ObjectEdit)
        What can be undone and redone, and a name for the layer of each.
    """

    done: tuple[tuple[str, ObjectEdit], ...] = ()
    undone: tuple[tuple[str, ObjectEdit], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, ObjectEdit]]:
        """Iterate over all of them."""
        yield from self.done
        yield from self.undone

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.done or self.undone)


class ObjectHistory(QObject):
    """Does things to the objects of Labels layers, and can undo and redo them all.

    A step remembers only what it changed: the pixels in the smallest window around
    them, packed, and the rows of the features. It takes back no more than that: what
    a brush or napari's own undo changed since stays as it is. Each step is one edit
    for napari's own undo too.

    It holds neither the viewer nor its layers; steps of a layer that is taken out of
    the viewer are dropped.

    Parameters
    ----------
    viewer : Viewer
        Whose layers it is for.
    """

    changed = Signal(object)
    """The Labels layer whose objects were changed by a step, by undo or by redo."""
    moved = Signal(object, bool)
    """A step was done or redone (False), or undone (True)."""
    steps_changed = Signal()
    """There is something else to undo or to redo."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._done: list[ObjectEdit] = []
        self._undone: list[ObjectEdit] = []
        # napari remembers methods weakly.
        viewer.layers.events.removed.connect(self._on_removed)

    def apply(
        self,
        layer: "Labels",
        what: str,
        pixels: Iterable[PixelChange],
        records: Sequence[ObjectRecord] = (),
        removed: Sequence[int] = (),
        draft: object = None,
    ) -> None:
        """Do something to objects, as one step.

        Parameters
        ----------
        layer : Labels
            The layer; see :func:`label_layers.check_target`.
        what : str
            What it is, as in "delete 3 objects".
        pixels : iterable of PixelChange
            What to write, in this order. Pixels that have the value are left out.
        records : sequence of ObjectRecord
            The rows of the objects that are new or changed; they take their class's
            colour from the layer's scheme.
        removed : sequence of int
            Ids of the objects whose rows go.
        draft : object
            Is found in the step when it is undone.
        """
        for _ in self.applying(layer, what, pixels, records, removed, draft):
            pass

    def applying(
        self,
        layer: "Labels",
        what: str,
        pixels: Iterable[PixelChange],
        records: Iterable[ObjectRecord] = (),
        removed: Sequence[int] = (),
        draft: object = None,
        *,
        always: bool = False,
    ) -> Generator[None, None, None]:
        """Do :meth:`apply` step by step, so that the window can live meanwhile.

        ``records`` is asked for once all pixels are written. What changes nothing is
        a step only if ``always`` is set.
        """
        parts = []
        with layer.block_history():
            for change in pixels:
                part = ChangedPixels.written(
                    layer, change.plane, change.window, change.mask, change.values
                )
                if part is not None:
                    parts.append(part)
                yield
        values = {}
        for at, record in enumerate(records):
            values[record.object_id] = record.as_row()
            if at % _ROWS_AT_A_TIME == 0:
                yield
        change_of_rows: tuple[_Rows, _Rows] = {}, {}
        ids = [*values, *removed]
        if ids:
            change_of_rows = _write_rows(layer, values, ids)
            yield
            yield from _colouring(layer, change_of_rows[1])
        if parts or ids or always:
            self._add(layer, what, draft, tuple(parts), change_of_rows)

    def note(self, layer: "Labels | None", what: str, draft: object) -> None:
        """Remember a step that changed neither pixels nor rows; see :attr:`moved`.

        Parameters
        ----------
        layer : Labels or None
            The layer it belongs to, and goes with; None if it belongs to none.
        what : str
            What was done, as in "rename class cat".
        draft : object
            What undo and redo need.
        """
        self._add(layer, what, draft)

    def _add(
        self,
        layer: "Labels | None",
        what: str,
        draft: object,
        pixels: tuple[ChangedPixels, ...] = (),
        rows: "tuple[_Rows, _Rows]" = ({}, {}),
    ) -> None:
        self._undone.clear()
        if layer is None:
            self._done.append(ObjectEdit(what, draft))
        else:
            shape = layer_shape(layer)
            edit = ObjectEdit(what, draft, weakref.ref(layer), shape, pixels, rows)
            self._done.append(edit)
        self.moved.emit(self._done[-1], False)
        self._tell(layer)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return bool(self._undone)

    @property
    def next_undo(self) -> ObjectEdit | None:
        """The step that undo takes back."""
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> ObjectEdit | None:
        """The step that redo brings back."""
        return self._undone[-1] if self._undone else None

    @property
    def undo_text(self) -> str:
        """What undo takes back, as in "delete 3 objects"; "" for nothing."""
        return self._done[-1].what if self._done else ""

    @property
    def redo_text(self) -> str:
        """What redo brings back; "" for nothing."""
        return self._undone[-1].what if self._undone else ""

    def undo(self) -> ObjectEdit | None:
        """Take the last step back, and return it; None if there is none."""
        return self._move(self._done, self._undone, _take_back, back=True)

    def redo(self) -> ObjectEdit | None:
        """Bring back the step undone last, and return it; None if there is none."""
        return self._move(self._undone, self._done, _bring_back, back=False)

    def give_up(self, layers: "Mapping[str, Labels]") -> KeptSteps:
        """Forget the steps of layers, and return them for :meth:`take_up`.

        Parameters
        ----------
        layers : mapping
            The layers by the names they are known by then.
        """
        kept = []
        for edits in (self._done, self._undone):
            named = [(_name_in(layers, edit), edit) for edit in edits]
            kept.append(tuple((name, edit) for name, edit in named if name is not None))
            edits[:] = [edit for name, edit in named if name is None]
        self.steps_changed.emit()
        return KeptSteps(*kept)

    def take_up(
        self,
        kept: KeptSteps,
        layers: "Mapping[str, Labels]",
        moved: "Callable[[ObjectEdit, Labels], ObjectEdit]",
    ) -> None:
        """Go on with steps that were given up, on layers that hold the same.

        Parameters
        ----------
        kept : KeptSteps
            The steps; those of layers that are not there are dropped.
        layers : mapping
            The layers by the names they were given up with.
        moved : callable
            Returns a step for a layer; see :meth:`ObjectEdit.moved`.
        """
        for edits, steps in ((self._done, kept.done), (self._undone, kept.undone)):
            edits += [
                moved(edit, layers[name]) for name, edit in steps if name in layers
            ]
        self.steps_changed.emit()

    def _move(
        self,
        source: list[ObjectEdit],
        target: list[ObjectEdit],
        do: "Callable[[Labels, ObjectEdit], None]",
        *,
        back: bool,
    ) -> ObjectEdit | None:
        while source:
            edit = source.pop()
            if edit.is_possible:
                layer = edit.layer
                if layer is not None:
                    do(layer, edit)
                target.append(edit)
                self.moved.emit(edit, back)
                self._tell(layer)
                return edit
        self.steps_changed.emit()
        return None

    def _on_removed(self, event: Any) -> None:
        for edits in (self._done, self._undone):
            edits[:] = [edit for edit in edits if edit.layer is not event.value]
        self.steps_changed.emit()

    def _tell(self, layer: "Labels | None") -> None:
        if layer is not None:
            self.changed.emit(layer)
        self.steps_changed.emit()


_Rows = Mapping[int, ObjectRow | None]


def _name_in(layers: "Mapping[str, Labels]", edit: ObjectEdit) -> str | None:
    """Return the name of the layer that a step was done to."""
    layer = edit.layer
    return next((name for name, one in layers.items() if one is layer), None)


def _take_back(layer: "Labels", edit: ObjectEdit) -> None:
    with layer.block_history():
        for part in reversed(edit._pixels):
            part.take_back(layer)
    before, after = edit._rows
    _exchange_rows(layer, after, before)


def _bring_back(layer: "Labels", edit: ObjectEdit) -> None:
    with layer.block_history():
        for part in edit._pixels:
            part.bring_back(layer)
    before, after = edit._rows
    _exchange_rows(layer, before, after)


def _write_rows(
    layer: "Labels", values: Mapping[int, Values], ids: Sequence[int]
) -> "tuple[_Rows, _Rows]":
    """Write the rows that are given, remove the others of ``ids``.

    Returns the rows of all ids before and after.
    """
    rows = ObjectRows(layer)
    before = rows.get(ids)
    rows.update(values.values())
    rows.remove(i for i in ids if i not in values)
    rows.store()
    return before, rows.get(ids)


def _exchange_rows(layer: "Labels", old: _Rows, new: _Rows) -> None:
    if not new:
        return
    rows = ObjectRows(layer)
    rows.exchange(old, new)
    rows.store()
    for _ in _colouring(layer, rows.get(new)):
        pass


def _colouring(layer: "Labels", rows: _Rows) -> Iterator[None]:
    """Give objects whose rows were changed the colours of their classes."""
    scheme = read_scheme(layer)
    if scheme is not None and scheme.kind == "object":
        class_of = {i: None if row is None else row.class_id for i, row in rows.items()}
        yield from colouring(layer, scheme.classes, class_of)
