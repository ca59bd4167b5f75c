"""From the mask of a finished object to labels."""

from typing import TYPE_CHECKING

import numpy as np

from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress
from napari_edgeflow.widgets.clicks.object.settings import ClickSettings
from napari_edgeflow.widgets.layers.labels import (
    add_labels,
    check_target,
    next_object_id,
    without_labelled,
    write_scheme,
)
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer


def commit_object(
    viewer: "Viewer", settings: ClickSettings, finished: ObjectInProgress
) -> "Labels":
    """Write an object into the target that was chosen, or into a new layer.

    Its step of the history remembers the object, which undo goes back to.

    Returns
    -------
    Labels
        The layer that was written to.

    Raises
    ------
    ValueError
        If it cannot be; nothing is changed then.
    """
    image, target = settings.image, settings.target
    mask = None if finished.mask is None else finished.mask.part
    if image is None:
        raise ValueError("The image is gone: open it again.")
    if mask is None:
        raise ValueError(
            "The mask is empty: click on the object, or lower the threshold in the "
            "tab Tidy."
        )
    if target is None:
        target = add_labels(viewer, image, settings.scheme)
    origin = finished.origin
    if origin is not None and origin.target is not target:
        # It is corrected for another layer, which has no such object.
        origin = None
    semantic = settings.kind == "semantic"
    if semantic:
        value = settings.class_id
    else:
        value = next_object_id(target) if origin is None else origin.value
    check_target(target, layer_shape(image), value)
    plane, inside = finished.plane, mask.mask
    window, gone = mask.window, np.zeros_like(inside)
    if origin is not None:
        window = window.union(origin.part.window)
        inside = mask.over(window).mask
        gone = origin.still_there(plane, window)
    if settings.keep_existing:
        free = without_labelled(target, plane, window, inside)
        inside = free | (inside & gone)
    if not inside.any():
        raise ValueError(
            "All pixels of the mask have a label already: switch off "
            "“Never overwrite labels”, or clear the clicks."
        )
    write_scheme(target, settings.scheme)
    values = inside * np.dtype(target.dtype).type(value)
    change = PixelChange(plane, window, inside | gone, values)
    entry = settings.classes.get(settings.class_id)
    records = [] if semantic else [finished.record(value, entry)]
    before = finished.at_rest().moved(image)
    history = Workspace.of(viewer).history
    history.apply(target, f"finish {entry.name}", [change], records, effect=before)
    return target
