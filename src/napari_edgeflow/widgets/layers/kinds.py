"""What the values of a Labels layer are: one rule for all docks.

It is

1. what our own metadata say, be it a scheme or what a person told of the layer,
2. else objects, where it has rows that give each value a class,
3. else what the values look like, which a dock shows but asks before it writes, unless
   there can hardly be a doubt.
"""

from typing import TYPE_CHECKING

import numpy as np

from napari_edgeflow.engine.labels.kinds import KindGuess, guess_kind
from napari_edgeflow.engine.labels.scheme import entry_of, with_entry
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import layer_array

if TYPE_CHECKING:
    from napari.layers import Labels, Layer

    from napari_edgeflow.engine.labels.classes import Kind

_SIDE = 1024
"""Of the part of a plane that is looked at."""


def told_kind(layer: "Layer") -> "Kind | None":
    """Return what somebody said that the values are; None if nobody did."""
    scheme = read_scheme(layer)
    if scheme is not None:
        return scheme.kind
    told = entry_of(layer.metadata).get("values")
    if told == "semantic":
        return "semantic"
    return "object" if told == "object" or "class_id" in layer.features else None


def tell_kind(layer: "Labels", kind: "Kind") -> None:
    """Note what a person says that the values of a layer are."""
    if read_scheme(layer) is None:
        layer.metadata = with_entry(layer.metadata, values=kind)


def guess_layer(layer: "Labels") -> KindGuess | None:
    """Return what the values of a layer look like; None if there are none.

    Of a stack the plane in the middle is looked at, and all of it if that is empty; of
    a large plane a part in the middle.
    """
    data = layer_array(layer)
    middle = tuple(side // 2 for side in data.shape[:-2])
    sides = data.shape[-2:]
    starts = [max((side - _SIDE) // 2, 0) for side in sides]
    part = tuple(slice(start, start + _SIDE) for start in starts)
    guess = guess_kind(np.asarray(data[(*middle, *part)]))
    if guess is None and isinstance(data, np.ndarray) and (data > 0).any():
        *place, _, _ = np.unravel_index(int(np.argmax(data > 0)), data.shape)
        guess = guess_kind(data[tuple(int(at) for at in place)])
    return guess
