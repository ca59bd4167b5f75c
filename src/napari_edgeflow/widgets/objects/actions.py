"""What can be done to the selected objects at once: a list to add to.

Each action is a button and an entry of the table's context menu.
"""

from collections.abc import Callable
from dataclasses import dataclass

from napari.utils.notifications import show_warning

from napari_edgeflow.widgets.layers.labels import next_object_id
from napari_edgeflow.widgets.objects.reopen import reopen_by_clicks
from napari_edgeflow.widgets.objects.table.controller import ObjectsController
from napari_edgeflow.widgets.objects.table.edits import (
    ObjectChange,
    delete,
    merge,
    split,
)
from napari_edgeflow.widgets.objects.table.entries import ObjectSelection


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
