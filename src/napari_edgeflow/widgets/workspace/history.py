"""Undo and redo, without limit, of everything that happens to finished objects."""

import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.layers.labels import colouring, read_scheme
from napari_edgeflow.widgets.layers.object_records import (
    ObjectRecord,
    ObjectRow,
    ObjectRows,
    RowValues,
)
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import (
    ChangedPixels,
    PixelChange,
    Recoding,
    UndoItem,
)

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

_ROWS_AT_A_TIME = 500
_ROW_BYTES = 2048
"""What a row of the features takes in memory, about."""


class StepEndedError(ValueError):
    """A step that cannot go on: what it changed was taken back."""


class Effect:
    """What a step is or does beside pixels and rows; the history keeps it with it.

    By default it does nothing, takes no memory and fits every layer.
    """

    def do(self, layer: "Labels | None", *, back: bool) -> None:
        """Do it, or take it back, now that the step did so with pixels and rows."""

    @property
    def in_progress(self) -> Any:
        """The object in progress that the step finished; None if it finished none."""
        return None

    @property
    def nbytes(self) -> int:
        """How much memory it takes, about."""
        return 0

    def moved(self, image: "Image") -> "Effect":
        """Return the same for another layer that shows the same image."""
        return self


_NOTHING = Effect()


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One entry of the history, undone and redone as a whole.

    Parameters
    ----------
    what : str
        What was done, as in "delete 3 objects".
    effect : Effect
        What it does beside pixels and rows.
    """

    what: str
    effect: Effect = _NOTHING
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
        """How much memory it takes, about."""
        pixels = sum(part.nbytes for part in self._pixels)
        return (
            self.effect.nbytes + pixels + _ROW_BYTES * (1 + sum(map(len, self._rows)))
        )

    def moved(self, layer: "Labels", image: "Image") -> "Step":
        """Return the same step for a layer that holds what its own layer held."""
        return replace(self, _layer=weakref.ref(layer), effect=self.effect.moved(image))

    def recoded(
        self, values: Recoding | None, row: Callable[[RowValues], Mapping[str, object]]
    ) -> "Step":
        """Return the same step for labels whose values and rows are others by now."""
        before, after = (
            {i: one and one.recoded(row) for i, one in rows.items()}
            for rows in self._rows
        )
        parts = self._pixels
        if values is not None:
            parts = tuple(part.recoded(values) for part in parts)
        return replace(self, _pixels=parts, _rows=(before, after))

    def _undo(self, layer: "Labels") -> "Step":
        """Take it back, and return the step that redo is to bring back.

        That is what was taken back: what others changed since stays as it is.
        """
        item = UndoItem(layer)
        with item.writing():
            parts = [part.undo(layer) for part in reversed(self._pixels)]
        item.file()
        before, after = self._rows
        now, then = _exchange_rows(layer, after, before)
        return self._narrowed(parts[::-1], then, now)

    def _redo(self, layer: "Labels") -> "Step":
        """Bring it back, and return the step that undo is to take back."""
        item = UndoItem(layer)
        with item.writing():
            parts = [part.redo(layer) for part in self._pixels]
        item.file()
        return self._narrowed(parts, *_exchange_rows(layer, *self._rows))

    def _narrowed(
        self, parts: list[ChangedPixels | None], before: "_Rows", after: "_Rows"
    ) -> "Step":
        pixels = tuple(part for part in parts if part is not None)
        rows = before, after
        if _are_same(self._rows[0], before) and _are_same(self._rows[1], after):
            rows = self._rows
        if rows is self._rows and pixels == self._pixels:
            return self
        return replace(self, _pixels=pixels, _rows=rows)


@dataclass(frozen=True, slots=True, eq=False)
class KeptSteps:
    """Steps without their layers; see :meth:`ObjectHistory.take_out`.

    Parameters
    ----------
    done, undone : tuple of (str, Step)
        What can be undone and redone, and a name for the layer of each.
    """

    done: tuple[tuple[str, Step], ...] = ()
    undone: tuple[tuple[str, Step], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, Step]]:
        """Iterate over all of them."""
        yield from self.done
        yield from self.undone

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.done or self.undone)


class _Writing:
    """A step while it is done: what it has changed so far can be taken back."""

    def __init__(self, layer: "Labels", what: str, new_ids: range) -> None:
        self.layer, self.what, self._new_ids = layer, what, new_ids
        self._data = layer.data
        self._item = UndoItem(layer)
        self._parts: list[ChangedPixels] = []
        self._rows: tuple[_Rows, _Rows] = {}, {}
        self._ended = ""
        # napari remembers methods weakly.
        layer.events.selected_label.connect(self._on_selected)
        self._on_selected()

    def _on_selected(self) -> None:
        """Let nobody paint with an id that is to become another object's.

        napari's "new label" is the highest that is there, plus one.
        """
        ids, layer = self._new_ids, self.layer
        chosen = layer.selected_label
        is_free = ids.stop <= np.iinfo(layer.dtype).max
        if chosen in ids and is_free and not (layer.data == chosen).any():
            layer.selected_label = ids.stop

    def end(self) -> None:
        """Let go of the layer."""
        self.layer.events.selected_label.disconnect(self._on_selected)

    def check(self) -> None:
        """Raise StepEndedError unless it can go on."""
        if not self._ended and self.layer.data is not self._data:
            self.take_back("its labels were exchanged meanwhile")
        if self._ended:
            raise StepEndedError(
                f"Not done: {self.what}, since {self._ended}. All is as it was before."
            )

    def write(self, change: PixelChange) -> None:
        """Write a part."""
        with self._item.writing():
            part = ChangedPixels.written(self.layer, change)
        if part is not None:
            self._parts.append(part)

    def write_rows(
        self, values: Mapping[int, RowValues], ids: Sequence[int]
    ) -> "_Rows":
        """Write the rows that are given, remove the others of ``ids``."""
        rows = ObjectRows(self.layer)
        before = rows.get(ids)
        rows.update(values.values())
        rows.remove(i for i in ids if i not in values)
        rows.store()
        self._rows = before, rows.get(ids)
        return self._rows[1]

    def step(self, effect: Effect, *, always: bool) -> Step | None:
        """Return the step now that all is done; None if it changed nothing."""
        self._ended = "it is done"
        self._item.file()
        if not (self._parts or self._rows[1] or always):
            return None
        layer = self.layer
        shape, parts = layer_shape(layer), tuple(self._parts)
        return Step(self.what, effect, weakref.ref(layer), shape, parts, self._rows)

    def take_back(self, why: str) -> None:
        """End it, and leave no trace; what a person painted meanwhile stays."""
        if self._ended:
            return
        self._ended = why
        layer, parts = self.layer, self._parts[::-1]
        if layer.data is not self._data:
            # What was copied of the labels, as to give them another type, too.
            parts = [part for part in parts if part.is_alike(layer.data, self._data)]
            for part in self._parts[::-1]:
                part.undo_in(self._data)
        with self._item.writing(keep=False):
            for part in parts:
                part.undo(layer)
        self._item.forget(self._parts[::-1])
        before, after = self._rows
        _exchange_rows(layer, after, before)
        if self._parts:
            layer.refresh(highlight=False, extent=False)


class ObjectHistory(QObject):
    """Does things to the objects of Labels layers, and can undo and redo them all.

    A step remembers only what it changed: the pixels in the smallest window around
    them, packed, and the rows of the features. It takes back no more than that: what
    a brush or napari's own undo changed since stays as it is, also when it is redone.
    Each step is one edit for napari's own undo too.

    A step is done as a whole or not at all: one that ends early, by an error or
    because nobody goes on with it, takes back what it changed. Meanwhile a layer takes
    no other step, and none of its own is undone or redone.

    It holds neither the viewer nor its layers; steps of a layer that is taken out of
    the viewer are dropped.
    """

    changed = Signal(object)
    """The Labels layer whose objects were changed by a step, by undo or by redo."""
    steps_changed = Signal()
    """There is something else to undo or to redo."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._writing: list[_Writing] = []
        self._changing: Labels | None = None
        self._count = 0
        # napari remembers methods weakly.
        viewer.layers.events.removed.connect(self._on_removed)

    def apply(
        self,
        layer: "Labels",
        what: str,
        pixels: Iterable[PixelChange],
        records: Sequence[ObjectRecord] = (),
        removed: Sequence[int] = (),
        effect: Effect = _NOTHING,
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
        effect : Effect, optional
            What it does beside them, and takes back when it is undone.

        Raises
        ------
        ValueError
            If another step is just being done to the layer.
        """
        for _ in self.applying(layer, what, pixels, records, removed, effect):
            pass

    def applying(
        self,
        layer: "Labels",
        what: str,
        pixels: Iterable[PixelChange],
        records: Iterable[ObjectRecord] = (),
        removed: Sequence[int] = (),
        effect: Effect = _NOTHING,
        *,
        always: bool = False,
        new_ids: range = range(0),
    ) -> Generator[None, None, None]:
        """Do :meth:`apply` part by part, so that the window can live meanwhile.

        ``records`` is asked for once all pixels are written. Whoever closes the
        generator before its end takes back what was done so far. What changes nothing
        is a step only if ``always`` is set. Nobody can choose one of ``new_ids`` in
        napari to paint with before it is written.

        Raises
        ------
        StepEndedError
            If the layer was taken out of the viewer or given other data meanwhile, or
            :meth:`stop` was called.
        """
        self._check_free(layer)
        writing = _Writing(layer, what, new_ids)
        self._writing.append(writing)
        try:
            for _ in _doing(writing, pixels, records, removed):
                yield
                writing.check()
            step = writing.step(effect, always=always)
        finally:
            self._end(writing, "it was stopped")
        if step is not None:
            self._add(step)

    def is_written(self, layer: "Labels") -> bool:
        """Return whether a step is just being done to a layer."""
        return any(one.layer is layer for one in self._writing)

    def quiet(self, layer: "Labels") -> int | None:
        """Return how many steps were done or undone; None while one is, to the layer.

        It may be asked in any thread.
        """
        is_changing = self._changing is layer or self.is_written(layer)
        return None if is_changing else self._count

    def _check_free(self, layer: "Labels") -> None:
        writing = next((one for one in self._writing if one.layer is layer), None)
        if writing is not None:
            raise ValueError(
                f"{layer.name!r} is just being written to ({writing.what}): "
                "wait until that is done, or cancel it."
            )

    def stop(self) -> None:
        """End all steps that are just being done, and leave no trace of them."""
        for writing in tuple(self._writing):
            self._end(writing, "it was stopped")

    def _end(self, writing: _Writing, why: str) -> None:
        if writing in self._writing:
            writing.take_back(why)
            if writing in self._writing:
                self._writing.remove(writing)
                writing.end()
            self._count += 1
            self.steps_changed.emit()

    def note(self, layer: "Labels | None", what: str, effect: Effect) -> None:
        """Do a step that changes neither pixels nor rows, and remember it.

        Parameters
        ----------
        layer : Labels or None
            The layer it belongs to, and goes with; None if it belongs to none.
        what : str
            What was done, as in "rename class cat".
        effect : Effect
            What it does.
        """
        if layer is None:
            self._add(Step(what, effect))
        else:
            self._add(Step(what, effect, weakref.ref(layer), layer_shape(layer)))

    def _add(self, step: Step) -> None:
        self._undone.clear()
        self._done.append(step)
        step.effect.do(step.layer, back=False)
        self._tell(step.layer)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.next_undo is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return self.next_redo is not None

    @property
    def next_undo(self) -> Step | None:
        """The step that undo takes back; None while its layer is written to."""
        return self._next(self._done)

    @property
    def next_redo(self) -> Step | None:
        """The step that redo brings back; None while its layer is written to."""
        return self._next(self._undone)

    def _next(self, steps: list[Step]) -> Step | None:
        layer = steps[-1].layer if steps else None
        held = layer is not None and self.is_written(layer)
        return steps[-1] if steps and not held else None

    @property
    def undo_text(self) -> str:
        """What undo takes back, as in "delete 3 objects"; "" for nothing."""
        return "" if self.next_undo is None else self.next_undo.what

    @property
    def redo_text(self) -> str:
        """What redo brings back; "" for nothing."""
        return "" if self.next_redo is None else self.next_redo.what

    def undo(self) -> Step | None:
        """Take the last step back, and return it; None if there is none."""
        return self._move(self._done, self._undone, Step._undo, back=True)

    def redo(self) -> Step | None:
        """Bring back the step undone last, and return it; None if there is none."""
        return self._move(self._undone, self._done, Step._redo, back=False)

    def take_out(self, layers: "Mapping[str, Labels]") -> KeptSteps:
        """Forget the steps of layers, and return them for :meth:`put_back`.

        Parameters
        ----------
        layers : mapping
            The layers by the names they are known by then.
        """
        kept = []
        for steps in (self._done, self._undone):
            named = [(_name_in(layers, step), step) for step in steps]
            kept.append(tuple((name, step) for name, step in named if name is not None))
            steps[:] = [step for name, step in named if name is None]
        self.steps_changed.emit()
        return KeptSteps(*kept)

    def put_back(
        self,
        kept: KeptSteps,
        layers: "Mapping[str, Labels]",
        moved: "Callable[[Step, Labels], Step]",
    ) -> None:
        """Go on with steps that were taken out, on layers that hold the same.

        Parameters
        ----------
        kept : KeptSteps
            The steps; those of layers that are not there are dropped.
        layers : mapping
            The layers by the names they were known by.
        moved : callable
            Returns a step for a layer; see :meth:`Step.moved`.
        """
        for steps, these in ((self._done, kept.done), (self._undone, kept.undone)):
            steps += [
                moved(step, layers[name]) for name, step in these if name in layers
            ]
        self.steps_changed.emit()

    def _move(
        self,
        source: list[Step],
        target: list[Step],
        do: "Callable[[Step, Labels], Step]",
        *,
        back: bool,
    ) -> Step | None:
        while self._next(source) is not None:
            step = source.pop()
            if step.is_possible:
                layer = step.layer
                step = step if layer is None else self._changed_by(do, step, layer)
                target.append(step)
                step.effect.do(layer, back=back)
                self._tell(layer)
                return step
        self.steps_changed.emit()
        return None

    def _changed_by(
        self, do: "Callable[[Step, Labels], Step]", step: Step, layer: "Labels"
    ) -> Step:
        self._changing = layer
        try:
            return do(step, layer)
        finally:
            self._changing = None
            self._count += 1

    def _on_removed(self, event: Any) -> None:
        for writing in tuple(self._writing):
            if writing.layer is event.value:
                self._end(writing, "its labels were deleted meanwhile")
        for steps in (self._done, self._undone):
            steps[:] = [step for step in steps if step.layer is not event.value]
        self.steps_changed.emit()

    def _tell(self, layer: "Labels | None") -> None:
        if layer is not None:
            self.changed.emit(layer)
        self.steps_changed.emit()


_Rows = Mapping[int, ObjectRow | None]


def _doing(
    writing: _Writing,
    pixels: Iterable[PixelChange],
    records: Iterable[ObjectRecord],
    removed: Sequence[int],
) -> Iterator[None]:
    for change in pixels:
        writing.write(change)
        yield
    values = {}
    for at, record in enumerate(records):
        values[record.object_id] = record.as_row()
        if at % _ROWS_AT_A_TIME == 0:
            yield
    ids = [*values, *removed]
    if ids:
        rows = writing.write_rows(values, ids)
        yield
        yield from _colouring(writing.layer, rows)


def _name_in(layers: "Mapping[str, Labels]", step: Step) -> str | None:
    """Return the name of the layer that a step was done to."""
    layer = step.layer
    return next((name for name, one in layers.items() if one is layer), None)


def _are_same(some: _Rows, others: _Rows) -> bool:
    return some.keys() == others.keys() and all(
        _values(row) == _values(others[i]) for i, row in some.items()
    )


def _values(row: ObjectRow | None) -> RowValues | None:
    return None if row is None else row.values


def _exchange_rows(layer: "Labels", old: _Rows, new: _Rows) -> tuple[_Rows, _Rows]:
    """Put rows in the place of others, as far as nobody changed them since.

    Returns those that changed, as they were and as they are.
    """
    if not new:
        return {}, {}
    rows = ObjectRows(layer)
    before = rows.get(new)
    rows.exchange(old, new)
    after = rows.get(new)
    gone = [i for i in new if _values(before[i]) == _values(after[i])]
    if len(gone) < len(before):
        rows.store()
    for _ in _colouring(layer, after):
        pass
    for i in gone:
        del before[i], after[i]
    return before, after


def _colouring(layer: "Labels", rows: _Rows) -> Iterator[None]:
    """Give objects whose rows were changed the colours of their classes."""
    scheme = read_scheme(layer)
    if scheme is not None and scheme.kind == "object":
        class_of = {i: None if row is None else row.class_id for i, row in rows.items()}
        yield from colouring(layer, scheme.classes, class_of)
