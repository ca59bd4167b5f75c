"""What can be done to the selected objects at once: a list to add to.

Each action is a button and an entry of the table's context menu.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning

from napari_edgeflow.widgets.clicks.dock import open_click_dock
from napari_edgeflow.widgets.layers.labels import next_object_id
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.objects.table.controller import ObjectsController
from napari_edgeflow.widgets.objects.table.edits import (
    ObjectChange,
    delete,
    merge,
    split,
)
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry, ObjectSelection
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


@dataclass(frozen=True, slots=True)
class ObjectAction:
    """Something that is done to the selected objects at once.

    Parameters
    ----------
    text : str
        What its button says.
    tip : str
        What a person reads on pointing at it.
    run : callable
        Does it; called with the controller, whose ``write`` makes one step of it that
        can be undone.
    least, most : int
        How many objects have to be selected for it.
    shortcut : str
        Id of its key in the table of shortcuts; empty for none.
    """

    text: str
    tip: str
    run: Callable[[ObjectsController], None]
    least: int = 1
    most: int = 1_000_000
    shortcut: str = ""


def _reopen(controller: ObjectsController) -> None:
    def reopen() -> None:
        selection = controller.selection
        if selection.layer is None or len(selection.entries) != 1:
            return
        try:
            reopen_by_clicks(controller.viewer, selection.layer, selection.entries[0])
        except ValueError as error:
            show_warning(str(error))

    controller.when_listed(reopen)


def _merge(selection: ObjectSelection) -> ObjectChange:
    return merge(selection.chosen_layer, selection.entries)


def _split(selection: ObjectSelection) -> ObjectChange:
    layer = selection.chosen_layer
    return split(layer, selection.entries, next_object_id(layer))


def _delete(selection: ObjectSelection) -> ObjectChange:
    return delete(selection.chosen_layer, selection.entries)


OBJECT_ACTIONS: tuple[ObjectAction, ...] = (
    ObjectAction(
        "Open with clicks",
        "Go on clicking on the object; finishing replaces it",
        _reopen,
        most=1,
    ),
    ObjectAction(
        "Merge",
        "Make one object of them; the largest takes in the others",
        lambda controller: controller.write(_merge),
        least=2,
    ),
    ObjectAction(
        "Split",
        "Make an object of each part that hangs together",
        lambda controller: controller.write(_split),
    ),
    ObjectAction(
        "Delete",
        "Take the objects out of the layer",
        lambda controller: controller.write(_delete),
        shortcut="delete_objects",
    ),
)
"""In the order of the buttons."""
