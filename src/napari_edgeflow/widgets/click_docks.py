"""The click docks of a viewer, for docks that work together with them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDockWidget, QWidget

from napari_edgeflow.widgets.click import ClickWidget

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

_PLUGIN, _NAME = "napari-edgeflow", "Click to label"


def click_docks(viewer: "Viewer") -> Iterator[ClickWidget]:
    """Yield the click docks that are open."""
    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, ClickWidget):
            yield widget


def open_click_dock(viewer: "Viewer") -> ClickWidget:
    """Return the click dock, which is opened if need be."""
    dock: ClickWidget | None = next(click_docks(viewer), None)
    if dock is None:
        # In the place of the latest dock, behind a tab: beside it there is no room.
        _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _NAME, tabify=True)
    return dock


def is_click_helper(viewer: "Viewer", layer: "Layer") -> bool:
    """Return whether a layer is one that a click dock needs for its work."""
    return any(dock.controller.layers.owns(layer) for dock in click_docks(viewer))


def bring_to_front(dock: QWidget) -> None:
    """Bring a dock to the front of the tabs it may be behind."""
    parent: QWidget | None = dock.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    if parent is not None:
        parent.show()
        parent.raise_()
