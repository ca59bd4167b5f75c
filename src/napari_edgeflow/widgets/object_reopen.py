"""From a finished object back to the dock that it was clicked in."""

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image

from napari_edgeflow.widgets.click_docks import bring_to_front, open_click_dock
from napari_edgeflow.widgets.confidence_layer import is_confidence
from napari_edgeflow.widgets.object_entries import ObjectEntry
from napari_edgeflow.widgets.object_view import plane_to_edit, show_object
from napari_edgeflow.widgets.planes import layer_shape

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer


def reopen_by_clicks(viewer: "Viewer", labels: "Labels", entry: ObjectEntry) -> None:
    """Go on clicking on an object; finishing replaces it.

    Its clicks come back if they still give its mask, else the mask is what new clicks
    start from.

    Raises
    ------
    ValueError
        If there is no image for it, or the dock is busy with another object.
    """
    dock = open_click_dock(viewer)
    dock.controller.again.check_free()
    image = image_of(viewer, labels, dock.controls.image.layer)
    plane, record = plane_to_edit(viewer, labels, entry), entry.record
    if plane == entry.plane:
        show_object(viewer, labels, entry)
    else:
        # Its clicks were made in another slice.
        record = None
    dock.controls.target.choose(labels)
    known = dock.controls.classes.classes
    listed = any(one.id == entry.class_id for one in known)
    class_id = entry.class_id if listed else dock.controls.classes.current_id
    rows, columns = (slice(0, labels.data.shape[axis]) for axis in plane.axes)
    mask = np.asarray(labels.data[plane.select(rows, columns)]) == entry.id
    dock.reopen(
        image,
        labels,
        plane,
        mask,
        class_id,
        () if record is None else record.said,
        view=None if record is None else record.view,
        seconds=0.0 if record is None else record.seconds,
    )
    bring_to_front(dock)


def image_of(
    viewer: "Viewer", labels: "Labels", preferred: Image | None = None
) -> Image:
    """Return the image that labels belong to: one of the same shape.

    Parameters
    ----------
    viewer : Viewer
        Where both are.
    labels : Labels
        The labels.
    preferred : Image, optional
        Is taken if it fits; else the image next to the labels.

    Raises
    ------
    ValueError
        If there is none.
    """
    shape, at = layer_shape(labels), viewer.layers.index(labels)
    fitting = [
        layer
        for layer in viewer.layers
        if isinstance(layer, Image)
        and not is_confidence(layer)
        and layer_shape(layer) == shape
    ]
    if preferred in fitting:
        return preferred
    if not fitting:
        raise ValueError(
            f"There is no image of the shape {shape} of {labels.name!r}: open the "
            "image that was labelled."
        )
    return min(fitting, key=lambda layer: abs(viewer.layers.index(layer) - at))
