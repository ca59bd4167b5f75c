"""From an edited outline back to labels."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.engine.raster.outlines.outline import Filled
from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.objects.outline.work import OutlinedObject
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import ObjectHistory

if TYPE_CHECKING:
    from napari.layers import Labels


def commit_outline(
    history: ObjectHistory,
    labels: "Labels",
    target: OutlinedObject,
    mask: NDArray[np.bool_],
    filled: Filled,
) -> int:
    """Give an object the pixels that its outline encloses, as one step.

    Pixels of other objects stay theirs. The object's row stays too.

    Parameters
    ----------
    history : ObjectHistory
        What can take it back.
    labels : Labels
        The layer of the object.
    target : OutlinedObject
        The object.
    mask : ndarray
        (H, W) bool, the object when the outline was made.
    filled : Filled
        What the outline encloses.

    Returns
    -------
    int
        How many enclosed pixels stay those of other objects.

    Raises
    ------
    ValueError
        If the layer cannot be written to, or if no pixel is free for the object.
    """
    check_target(labels, layer_shape(labels), target.value)
    box = bounding_window(mask)
    window = filled.part.window if box is None else filled.part.window.union(box)
    new = filled.part.over(window).mask
    present = target.plane.read(labels.data, window)
    own = present == target.value
    free = new & (own | (present == 0))
    if not free.any():
        raise ValueError(
            "all pixels inside the outline belong to other objects: move it, or delete "
            "the object"
        )
    values = free * np.dtype(labels.dtype).type(target.value)
    written = free | (mask[window.slices] & own)
    change = PixelChange(target.plane, window, written, values)
    history.apply(labels, "edit the outline", [change])
    return int((new & ~free).sum())
