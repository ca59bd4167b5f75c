"""Docks of ours share the height of the window, or the place behind a tab."""

from collections.abc import Callable, Iterator

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

NeededHeight = Callable[[QDockWidget], int]
"""Returns how high a dock needs to be, in pixels; 0 for a dock that is not ours."""


def find_room(widget: QWidget, needed: NeededHeight) -> None:
    """Put a new dock behind a tab where one of ours would have too little room.

    napari puts docks below each other: with two of ours, neither could be worked with
    in a window of usual height.

    Parameters
    ----------
    widget : QWidget
        What is in the new dock.
    needed : callable
        How high the docks of a window need to be.
    """
    holder, window = _holder(widget), widget.window()
    if holder is None or not isinstance(window, QMainWindow) or holder.isFloating():
        return
    neighbours = [dock for dock in _beside(holder, window) if needed(dock)]
    if not neighbours or window.tabifiedDockWidgets(holder):
        return
    if needed(holder) + max(map(needed, neighbours)) > window.height():
        window.tabifyDockWidget(neighbours[-1], holder)
        holder.raise_()


def _holder(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget is in."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def _beside(holder: QDockWidget, window: QMainWindow) -> Iterator[QDockWidget]:
    """Yield the other docks at the same side of the window."""
    area = window.dockWidgetArea(holder)
    for dock in window.findChildren(QDockWidget):
        is_there = not dock.isFloating() and not dock.isHidden()
        if dock is not holder and is_there and window.dockWidgetArea(dock) == area:
            yield dock
