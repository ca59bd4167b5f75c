"""Undo and redo, without limit, of everything that happens to finished objects."""

import weakref
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.masks import bounding_window
from napari_edgeflow.widgets.label_layers import (
    colouring,
    commit_mask,
    read_scheme,
)
from napari_edgeflow.widgets.object_records import (
    ObjectRecord,
    ObjectRow,
    ObjectRows,
    Values,
)
from napari_edgeflow.widgets.planes import Plane, layer_shape

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_ROWS_AT_A_TIME = 500


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
    _layer: "weakref.ref[Labels]" = field(repr=False)
    _shape: tuple[int, ...] = field(repr=False)
    _pixels: "tuple[_Pixels, ...]" = field(repr=False)
    _rows: "tuple[_Rows, _Rows]" = field(repr=False)

    @property
    def layer(self) -> "Labels | None":
        """The layer it was done to; None if that is gone."""
        return self._layer()


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
    ) -> Generator[None, None, None]:
        """Do :meth:`apply` step by step, so that the window can live meanwhile.

        ``records`` is asked for once all pixels are written.
        """
        parts = []
        with layer.block_history():
            for change in pixels:
                part = _write(layer, change)
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
        if not parts and not ids:
            return
        self._undone.clear()
        shape = layer_shape(layer)
        self._done.append(
            ObjectEdit(
                what, draft, weakref.ref(layer), shape, tuple(parts), change_of_rows
            )
        )
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
        return self._move(self._done, self._undone, _take_back)

    def redo(self) -> ObjectEdit | None:
        """Bring back the step undone last, and return it; None if there is none."""
        return self._move(self._undone, self._done, _bring_back)

    def _move(
        self,
        source: list[ObjectEdit],
        target: list[ObjectEdit],
        do: "Callable[[Labels, ObjectEdit], None]",
    ) -> ObjectEdit | None:
        while source:
            edit = source.pop()
            layer = edit.layer
            # Somebody may have given the layer other data.
            if layer is not None and layer_shape(layer) == edit._shape:
                do(layer, edit)
                target.append(edit)
                self._tell(layer)
                return edit
        self.steps_changed.emit()
        return None

    def _on_removed(self, event: Any) -> None:
        for edits in (self._done, self._undone):
            edits[:] = [edit for edit in edits if edit.layer is not event.value]
        self.steps_changed.emit()

    def _tell(self, layer: "Labels") -> None:
        self.changed.emit(layer)
        self.steps_changed.emit()


_Rows = Mapping[int, ObjectRow | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Pixels that were changed: where, and their values before and after."""

    plane: Plane
    window: Window
    packed_mask: bytes
    before: "_Packed"
    after: "_Packed"

    @property
    def mask(self) -> NDArray[np.bool_]:
        shape = self.window.height, self.window.width
        bits = np.frombuffer(zlib.decompress(self.packed_mask), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape) > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Packed:
    """Values (N,), compressed; only one if all are the same."""

    data: bytes
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, values: NDArray[np.integer]) -> "_Packed":
        if (values == values[0]).all():
            values = values[:1]
        return cls(zlib.compress(values.tobytes(), 1), values.dtype)

    @property
    def values(self) -> NDArray[np.integer]:
        unpacked: NDArray[np.integer] = np.frombuffer(
            zlib.decompress(self.data), self.dtype
        )
        return unpacked


def _write(layer: "Labels", change: PixelChange) -> _Pixels | None:
    """Write pixels, and return those that changed; None for none."""
    present = np.asarray(layer.data[change.plane.select(*change.window.slices)])
    mask = change.mask & (present != change.values)
    box = bounding_window(mask)
    if box is None:
        return None
    inside = Window(*box)
    window = inside.moved(change.window.top, change.window.left)
    mask, before = mask[inside.slices], present[inside.slices]
    values = np.broadcast_to(change.values, change.mask.shape)[inside.slices]
    packed_mask = zlib.compress(np.packbits(mask).tobytes(), 1)
    after = values[mask].astype(present.dtype)
    pixels = _Pixels(
        change.plane, window, packed_mask, _Packed.of(before[mask]), _Packed.of(after)
    )
    commit_mask(layer, change.plane, window, mask, values)
    return pixels


def _take_back(layer: "Labels", edit: ObjectEdit) -> None:
    with layer.block_history():
        for part in reversed(edit._pixels):
            _exchange(layer, part, part.after, part.before)
    before, after = edit._rows
    _exchange_rows(layer, after, before)


def _bring_back(layer: "Labels", edit: ObjectEdit) -> None:
    with layer.block_history():
        for part in edit._pixels:
            _exchange(layer, part, part.before, part.after)
    before, after = edit._rows
    _exchange_rows(layer, before, after)


def _exchange(layer: "Labels", part: _Pixels, old: _Packed, new: _Packed) -> None:
    """Give the pixels that still have their old value the new one."""
    present = np.asarray(layer.data[part.plane.select(*part.window.slices)])
    mask = part.mask
    there, values = np.zeros_like(mask), np.zeros_like(present)
    there[mask] = present[mask] == old.values
    values[mask] = new.values
    commit_mask(layer, part.plane, part.window, there, values)


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
