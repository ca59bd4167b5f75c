"""What a project remembers of a window: its docks, their settings, its size."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import npe2
from qtpy.QtCore import QByteArray
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_edgeflow.widgets.dock import Dock

if TYPE_CHECKING:
    from napari.viewer import Viewer

_PLUGIN = "napari-edgeflow"


def dock_title(dock: Dock) -> str:
    """Return what napari's menu calls a dock; "" for one that is not in it."""
    kind = type(dock)
    python_name = f"{kind.__module__}:{kind.__qualname__}"
    manager = npe2.PluginManager.instance()
    for entry in manager.iter_widgets():
        command = manager.get_manifest(entry.command).contributions.commands or ()
        if any(c.id == entry.command and c.python_name == python_name for c in command):
            return str(entry.display_name)
    return ""


def our_docks(viewer: "Viewer") -> Iterator[tuple[str, Dock]]:
    """Yield the docks of ours that are open, and their titles."""
    for widget in list(viewer.window.dock_widgets.values()):
        if isinstance(widget, Dock) and (title := dock_title(widget)):
            yield title, widget


def read_settings(viewer: "Viewer") -> dict[str, Any]:
    """Return the settings of all docks of ours that are open."""
    return {title: dict(dock.remembered()) for title, dock in our_docks(viewer)}


def restore_settings(viewer: "Viewer", settings: Mapping[str, Any]) -> None:
    """Open the docks that were open, and give them their settings."""
    open_now = {title for title, _ in our_docks(viewer)}
    known = {
        entry.display_name for entry in npe2.PluginManager.instance().iter_widgets()
    }
    for title in settings:
        if title not in open_now and title in known:
            viewer.window.add_plugin_dock_widget(_PLUGIN, title, tabify=True)
    for title, dock in our_docks(viewer):
        values = settings.get(title)
        if isinstance(values, Mapping):
            dock.remember(values)


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return the window that a dock is in, also where it floats."""
    parent: QWidget | None = widget
    while parent is not None and not isinstance(parent, QMainWindow):
        parent = parent.parentWidget()
    return parent


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
