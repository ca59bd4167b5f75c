"""From an object in the result to the dock that corrects it by clicks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDockWidget

from napari_edgeflow.widgets.click import ClickWidget
from napari_edgeflow.widgets.segment_pick import PickedObject

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

_PLUGIN, _NAME = "napari-edgeflow", "Click to label"


def refine_by_clicks(viewer: "Viewer", picked: PickedObject) -> None:
    """Hand an object over to the click dock, which is opened if need be.

    Raises
    ------
    ValueError
        If the dock is busy with another object, or cannot take this one.
    """
    dock = next(_click_docks(viewer), None)
    if dock is None:
        # In the place of this dock, behind a tab: beside it there is no room.
        _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _NAME, tabify=True)
    dock.refine(picked.image, picked.labels, picked.plane, picked.mask, picked.class_id)
    _raise(dock)


def is_click_helper(viewer: "Viewer", layer: "Layer") -> bool:
    """Return whether a layer is one that a click dock needs for its work."""
    return any(dock.controller.layers.owns(layer) for dock in _click_docks(viewer))


def _click_docks(viewer: "Viewer") -> Iterator[ClickWidget]:
    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, ClickWidget):
            yield widget


def _raise(dock: ClickWidget) -> None:
    """Bring a dock to the front of the tabs it may be behind."""
    parent = dock.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    if parent is not None:
        parent.show()
        parent.raise_()
