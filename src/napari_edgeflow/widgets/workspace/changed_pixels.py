"""Pixels of a Labels layer before and after an edit, packed."""

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.widgets.layers.labels import commit_mask
from napari_edgeflow.widgets.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, slots=True, eq=False)
class ChangedPixels:
    """Pixels that were changed: where, and their values before and after."""

    plane: Plane
    window: Window
    packed_mask: bytes
    before: "_Packed"
    after: "_Packed"

    @classmethod
    def written(
        cls,
        layer: "Labels",
        plane: Plane,
        window: Window,
        mask: NDArray[np.bool_],
        values: int | NDArray[np.integer],
    ) -> "ChangedPixels | None":
        """Write pixels, and return those that changed; None for none."""
        present = plane.read(layer.data, window)
        changing = mask & (present != values)
        box = bounding_window(changing)
        if box is None:
            return None
        inside = Window(*box)
        window = inside.moved(window.top, window.left)
        changing, before = changing[inside.slices], present[inside.slices]
        new = np.broadcast_to(values, mask.shape)[inside.slices]
        packed_mask = zlib.compress(np.packbits(changing).tobytes(), 1)
        after = new[changing].astype(present.dtype)
        pixels = cls(
            plane, window, packed_mask, _Packed.of(before[changing]), _Packed.of(after)
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

    def take_back(self, layer: "Labels") -> None:
        """Give the pixels that are as they became the values from before."""
        self._exchange(layer, self.after, self.before)

    def bring_back(self, layer: "Labels") -> None:
        """Give the pixels that are as they were the values from after."""
        self._exchange(layer, self.before, self.after)

    def recoded(self, old: int, new: int) -> "ChangedPixels":
        """Return the same edit for labels that have another value by now."""
        before, after = self.before.recoded(old, new), self.after.recoded(old, new)
        return replace(self, before=before, after=after)

    def _exchange(self, layer: "Labels", old: "_Packed", new: "_Packed") -> None:
        present = self.plane.read(layer.data, self.window)
        mask = self.mask
        there, values = np.zeros_like(mask), np.zeros_like(present)
        there[mask] = present[mask] == old.values
        values[mask] = new.values
        commit_mask(layer, self.plane, self.window, there, values)


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

    def recoded(self, old: int, new: int) -> "_Packed":
        values = self.values
        there = values == old
        if not there.any():
            return self
        dtype = np.promote_types(self.dtype, np.min_scalar_type(new))
        return _Packed.of(np.where(there, new, values).astype(dtype))

    @property
    def values(self) -> NDArray[np.integer]:
        unpacked: NDArray[np.integer] = np.frombuffer(
            zlib.decompress(self.data), self.dtype
        )
        return unpacked
