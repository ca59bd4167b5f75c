"""What the dock "Objects" offers for the selected objects: a list to add to.

An **action** is a button, and an entry of the table's context menu, for something that
is done to the selection at once. A **panel** is a tab of its own. Both are made with
the :class:`ObjectsController`, of which they may use:

- ``controller.viewer``, and ``controller.selection``: the layer and its selected
  :class:`ObjectEntry` with id, class, box, plane and record;
- ``controller.selection_changed``, a signal with the selection;
- ``controller.write(change)`` to change objects as one step that can be undone, in the
  background of the window; ``change`` gets a selection that is up to date and returns
  an :class:`ObjectChange`;
- ``controller.select(ids, look_at)``.

To add one, add it to :data:`ACTIONS` or :data:`PANELS`; nothing else knows of it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning

from napari_edgeflow.widgets.layers.labels import next_object_id
from napari_edgeflow.widgets.objects.effort.panel import EffortPanel
from napari_edgeflow.widgets.objects.outline.tab import OutlineTab
from napari_edgeflow.widgets.objects.propagate.tab import PropagateTab
from napari_edgeflow.widgets.objects.reopen import reopen_by_clicks
from napari_edgeflow.widgets.objects.table.edits import delete, merge, split

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_edgeflow.widgets.objects.table.controller import ObjectsController
    from napari_edgeflow.widgets.objects.table.edits import ObjectChange
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
        Does it; called with the controller.
    least, most : int
        How many objects have to be selected for it.
    shortcut : str
        Id of its key in the table of shortcuts; empty for none.
    """

    text: str
    tip: str
    run: "Callable[[ObjectsController], None]"
    least: int = 1
    most: int = 1_000_000
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class ObjectPanel:
    """A tab beside the table.

    Parameters
    ----------
    title : str
        What the tab says.
    make : callable
        Makes the widget, with the controller. What it connects to outside of Qt it
        disconnects when the widget is destroyed.
    """

    title: str
    make: "Callable[[ObjectsController], QWidget]"


def _reopen(controller: "ObjectsController") -> None:
    controller.when_listed(lambda: _reopen_now(controller))


def _reopen_now(controller: "ObjectsController") -> None:
    selection = controller.selection
    if selection.layer is None or len(selection.entries) != 1:
        return
    try:
        reopen_by_clicks(controller.viewer, selection.layer, selection.entries[0])
    except ValueError as error:
        show_warning(str(error))


def _merge(controller: "ObjectsController") -> None:
    controller.write(_merged)


def _merged(selection: "ObjectSelection") -> "ObjectChange":
    return merge(selection.chosen_layer, selection.entries)


def _split(controller: "ObjectsController") -> None:
    controller.write(_parted)


def _parted(selection: "ObjectSelection") -> "ObjectChange":
    layer = selection.chosen_layer
    return split(layer, selection.entries, next_object_id(layer))


def _delete(controller: "ObjectsController") -> None:
    controller.write(_deleted)


def _deleted(selection: "ObjectSelection") -> "ObjectChange":
    return delete(selection.chosen_layer, selection.entries)


def _effort(controller: "ObjectsController") -> "QWidget":
    panel = EffortPanel(controller.viewer)
    panel.follow(controller)
    return panel


ACTIONS: tuple[ObjectAction, ...] = (
    ObjectAction(
        "Open with clicks",
        "Go on clicking on the object; finishing replaces it",
        _reopen,
        most=1,
    ),
    ObjectAction(
        "Merge", "Make one object of them; the largest takes in the others", _merge, 2
    ),
    ObjectAction("Split", "Make an object of each part that hangs together", _split, 1),
    ObjectAction(
        "Delete",
        "Take the objects out of the layer",
        _delete,
        shortcut="delete_objects",
    ),
)
"""In the order of the buttons."""

PANELS: tuple[ObjectPanel, ...] = (
    ObjectPanel("Outline", OutlineTab),
    ObjectPanel("Propagate", PropagateTab),
    ObjectPanel("Effort", _effort),
)
"""In the order of the tabs, after the table."""
