"""Pixels of a Labels layer before and after an edit, packed."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.widgets.layers.labels import commit_mask
from napari_edgeflow.widgets.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels

Recoding = Callable[[NDArray[np.integer]], NDArray[np.integer]]


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
class ChangedPixels:
    """Pixels that were changed: where, and their values before and after."""

    plane: Plane
    window: Window
    packed_mask: bytes
    before: "_Packed"
    after: "_Packed"

    @classmethod
    def written(cls, layer: "Labels", change: PixelChange) -> "ChangedPixels | None":
        """Write pixels, and return those that changed; None for none."""
        plane, window = change.plane, change.window
        present = plane.read(layer.data, window)
        changing = change.mask & (present != change.values)
        inside = bounding_window(changing)
        if inside is None:
            return None
        window = inside.moved(window.top, window.left)
        changing, before = changing[inside.slices], present[inside.slices]
        new = np.broadcast_to(change.values, change.mask.shape)[inside.slices]
        after = new[changing].astype(present.dtype)
        pixels = cls(
            plane,
            window,
            _packed_bits(changing),
            _Packed.of(before[changing]),
            _Packed.of(after),
        )
        commit_mask(layer, plane, window, changing, new)
        return pixels

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where in the window pixels were changed, (h, w)."""
        shape = self.window.height, self.window.width
        bits = np.frombuffer(zlib.decompress(self.packed_mask), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape) > 0

    @property
    def nbytes(self) -> int:
        """How much memory it takes, about."""
        return len(self.packed_mask) + len(self.before.data) + len(self.after.data)

    def undo(self, layer: "Labels") -> "ChangedPixels | None":
        """Give the pixels that are as they became the values from before.

        Returns the pixels that this changed; None for none.
        """
        return self._exchange(layer, self.after, self.before)

    def redo(self, layer: "Labels") -> "ChangedPixels | None":
        """Give the pixels that are as they were the values from after; see `undo`."""
        return self._exchange(layer, self.before, self.after)

    def undo_in(self, data: NDArray[np.integer]) -> None:
        """Do :meth:`undo` to an array that no layer shows."""
        window, there, values = self._exchanged(data, self.after, self.before)
        window[there] = values[there]

    def undo_at(
        self, places: tuple[NDArray[np.integer], ...], values: NDArray[np.integer]
    ) -> None:
        """Do :meth:`undo` to copies of some pixels.

        Parameters
        ----------
        places : tuple of ndarray
            Of each axis, where in the array each pixel is, (N,).
        values : ndarray
            (N,) values of the pixels.
        """
        window, mask = self.window, self.mask
        is_inside = np.ones(values.shape, np.bool_)
        for at, place in zip(self.plane.index, places, strict=True):
            is_inside &= True if at is None else place == at
        # Their types are too small for differences.
        rows, columns = (places[axis].astype(np.int64) for axis in self.plane.axes)
        rows, columns = rows - window.top, columns - window.left
        is_inside &= (rows >= 0) & (rows < window.height)
        is_inside &= (columns >= 0) & (columns < window.width)
        (found,) = np.nonzero(is_inside)
        before, after = (np.zeros(mask.shape, values.dtype) for _ in range(2))
        before[mask], after[mask] = self.before.values, self.after.values
        inside = rows[found], columns[found]
        was = mask[inside] & (values[found] == after[inside])
        values[found[was]] = before[inside][was]

    def is_alike(self, data: NDArray[np.integer], other: NDArray[np.integer]) -> bool:
        """Return whether two arrays are the same around the pixels."""
        if data.shape != other.shape:
            return False
        here, there = (self.plane.read(one, self.window) for one in (data, other))
        return np.array_equal(here, there)

    def recoded(self, values: Recoding) -> "ChangedPixels":
        """Return the same edit for labels that have other values by now."""
        before, after = (
            _Packed.of(values(x.values)) for x in (self.before, self.after)
        )
        return replace(self, before=before, after=after)

    def _exchange(
        self, layer: "Labels", old: "_Packed", new: "_Packed"
    ) -> "ChangedPixels | None":
        _, there, values = self._exchanged(layer.data, old, new)
        if not there.any():
            return None
        commit_mask(layer, self.plane, self.window, there, values)
        mask = self.mask
        at = there[mask]
        if at.all():
            return self
        return replace(
            self,
            packed_mask=_packed_bits(there),
            before=self.before.at(at),
            after=self.after.at(at),
        )

    def _exchanged(
        self, data: Any, old: "_Packed", new: "_Packed"
    ) -> tuple[NDArray[np.integer], NDArray[np.bool_], NDArray[np.integer]]:
        """Return the window of an array, what is ``old`` in it, and ``new`` values."""
        present = self.plane.read(data, self.window)
        mask = self.mask
        there, values = np.zeros_like(mask), np.zeros_like(present)
        there[mask] = present[mask] == old.values
        values[mask] = new.values
        return present, there, values


def _packed_bits(mask: NDArray[np.bool_]) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


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

    def at(self, chosen: NDArray[np.bool_]) -> "_Packed":
        """Return some of the values."""
        return _Packed.of(np.broadcast_to(self.values, chosen.shape)[chosen])

    @property
    def values(self) -> NDArray[np.integer]:
        unpacked: NDArray[np.integer] = np.frombuffer(
            zlib.decompress(self.data), self.dtype
        )
        return unpacked


class UndoItem:
    """Edits of a Labels layer that become one item of napari's own undo history.

    napari groups edits by ``block_history``, which cannot be held while the window
    lives: a stroke of the brush holds it, too, over many events of the mouse, and
    whoever ends first files the edits of both. Here the edits of each :meth:`writing`
    are set aside instead, so that napari's histories and a stroke that is being made
    stay what they are until :meth:`file`. napari has no public way to do that.
    """

    def __init__(self, layer: "Labels") -> None:
        self._layer = layer
        self._edits: list[Any] = []
        self._latest = self._latest_item()
        self._known = list(self._all_edits())

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[None]:
        """Set aside what is edited meanwhile, or forget it unless ``keep`` is set."""
        layer = self._layer
        held = layer._block_history, layer._staged_history, layer._redo_history
        layer._block_history, layer._staged_history = True, []
        layer._redo_history = deque(maxlen=held[2].maxlen)
        try:
            yield
        finally:
            if keep:
                self._edits += layer._staged_history
            layer._block_history, layer._staged_history, layer._redo_history = held

    def file(self) -> None:
        """Add all edits to napari's undo history as one item."""
        edits, self._edits = self._edits, []
        if self._layer._staged_history or self._latest_item() is not self._latest:
            # Somebody painted over them: undo must not bring back what was before.
            edits = [_remaining(self._layer.data, edit) for edit in edits]
            edits = [edit for edit in edits if edit[0][0].size]
        if edits:
            self._layer._redo_history.clear()
            self._layer._append_to_undo_history(edits)

    def forget(self, parts: Sequence[ChangedPixels]) -> None:
        """Keep what was taken back out of the edits that others made over it.

        Else napari's undo of those would bring it back.

        Parameters
        ----------
        parts : sequence of ChangedPixels
            What was taken back, the last first.
        """
        known = {id(edit) for edit in self._known}
        for edit in self._all_edits():
            if id(edit) not in known:
                places, before = _values_before(edit)
                values = before.reshape(-1)
                for part in parts:
                    part.undo_at(places, values)
                before[...] = values.reshape(before.shape)

    def _all_edits(self) -> Iterator[Any]:
        layer = self._layer
        items = (*layer._undo_history, *layer._redo_history, layer._staged_history)
        return (edit for item in items for edit in item)

    def _latest_item(self) -> object:
        items = self._layer._undo_history
        return items[-1] if items else None


def _values_before(edit: Any) -> tuple[tuple[NDArray[np.integer], ...], Any]:
    """Return where an edit of napari's was, (N,) for each axis, and what was there."""
    if len(edit) == 3:
        indices, before, _ = edit
        return tuple(np.asarray(index) for index in indices), before
    box, mask, before, _ = edit
    inside = np.ones(before.shape, np.bool_) if mask is None else mask
    places = zip(box, np.nonzero(inside), strict=True)
    return tuple(index + (side.start or 0) for side, index in places), before


def _remaining(data: Any, edit: Any) -> Any:
    """Return the part of an edit (indices, before, after) that is as it was made."""
    indices, before, after = edit
    there = np.asarray(data[indices]) == after
    kept = after[there] if np.ndim(after) else after
    return tuple(index[there] for index in indices), before[there], kept
