"""The dock "Objects" of a viewer, for docks that work together with it."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.click_docks import bring_to_front
from napari_edgeflow.widgets.dock import real_viewer
from napari_edgeflow.widgets.objects import ObjectsWidget
from napari_edgeflow.widgets.outline_tab import OutlineTab

if TYPE_CHECKING:
    from napari.viewer import Viewer

_PLUGIN, _NAME = "napari-edgeflow", "Objects"


def open_outline_tab(viewer: "Viewer") -> OutlineTab:
    """Return the tab for outlines, in front of others; the dock is opened if need be.

    Raises
    ------
    ValueError
        If the dock has no such tab.
    """
    viewer = real_viewer(viewer)
    docks = viewer.window.dock_widgets.values()
    dock = next((one for one in docks if isinstance(one, ObjectsWidget)), None)
    if dock is None:
        _, dock = viewer.window.add_plugin_dock_widget(_PLUGIN, _NAME, tabify=True)
    tabs = dock.controls.tabs
    for at in range(tabs.count()):
        tab = tabs.widget(at)
        if isinstance(tab, OutlineTab):
            tabs.setCurrentIndex(at)
            bring_to_front(dock)
            return tab
    raise ValueError("The dock of objects has no outlines: close it and open it again.")
