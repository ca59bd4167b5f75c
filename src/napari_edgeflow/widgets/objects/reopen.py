"""From a finished object back to the dock that it was clicked in."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.clicks.dock import open_click_dock
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry
from napari_edgeflow.widgets.objects.table.view import plane_to_edit, show_object
from napari_edgeflow.widgets.qt.dock import bring_to_front

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
    dock.controller.check_free()
    image = image_of(viewer.layers, labels, dock.controls.image.layer)
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
    mask = plane.read(labels.data) == entry.id
    dock.correct(
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
