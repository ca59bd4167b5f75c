"""What a project remembers of a window: its docks, their settings, its size."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import npe2
from qtpy.QtCore import QByteArray
from qtpy.QtWidgets import QMainWindow

from napari_edgeflow.widgets.workspace.docks import open_dock
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer


def read_settings(viewer: "Viewer") -> dict[str, Any]:
    """Return the settings of all docks of ours that are open."""
    docks = Workspace.of(viewer).docks
    return {title: dict(dock.remembered()) for title, dock in docks}


def restore_settings(viewer: "Viewer", settings: Mapping[str, Any]) -> None:
    """Open the docks that were open, and give them their settings."""
    docks = Workspace.of(viewer).docks
    open_now = {title for title, _ in docks}
    known = {
        entry.display_name for entry in npe2.PluginManager.instance().iter_widgets()
    }
    for title in settings:
        if title not in open_now and title in known:
            open_dock(viewer, title)
    for title, dock in docks:
        values = settings.get(title)
        if isinstance(values, Mapping):
            dock.remember(values)


def read_window(window: QMainWindow) -> str:
    """Return a window's size and the places of its docks as text."""
    parts = window.saveGeometry(), window.saveState()
    return " ".join(part.toBase64().data().decode("ascii") for part in parts)


def restore_window(window: QMainWindow, text: str) -> None:
    """Give a window the size and the places of docks it had; damaged text does not."""
    parts = text.split(" ")
    if len(parts) == 2:
        geometry, state = (QByteArray.fromBase64(p.encode("ascii")) for p in parts)
        window.restoreGeometry(geometry)
        window.restoreState(state)
