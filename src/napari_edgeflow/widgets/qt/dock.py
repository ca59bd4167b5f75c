"""What all docks share: they scroll, find room in the window, and stop when closed."""

import atexit
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from napari.viewer import Viewer


def real_viewer(viewer: "Viewer") -> "Viewer":
    """Return the viewer itself for one that napari handed over wrapped.

    The wrapper makes a new wrapper of a layer each time; layers could not be told
    apart.
    """
    found: Viewer = getattr(viewer, "__wrapped__", viewer)
    return found


class Dock(QWidget):
    """Scrolls its content, and says when napari takes it away."""

    title: ClassVar[str] = ""
    """What napari's menu calls it."""

    def __init__(self) -> None:
        super().__init__()
        self._links = Connections()
        self._to_stop: list[Callable[[bool], None]] = []
        self._content: QWidget | None = None
        self._has_room = False

    def _set_up(self, content: QWidget, stop: Callable[[bool], None]) -> None:
        """Show the content.

        Parameters
        ----------
        content : QWidget
            All that is in the dock.
        stop : callable
            Called once when the dock goes, with whether the viewer remains. It must
            not be a method of the dock.
        """
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        self._content = content
        bar = scroll.verticalScrollBar()
        room = 0 if bar is None else bar.sizeHint().width()
        least = max(content.minimumSizeHint().width(), content.minimumWidth())
        self.setMinimumWidth(least + room)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        links, to_stop = self._links, self._to_stop
        to_stop.append(stop)

        # When the window closes nobody tells the widgets in it; they just go. What is
        # called then must not need this widget, and napari's layers are gone too.
        def stop_with_the_window() -> None:
            _stop_once(links, to_stop, viewer_remains=False)
            atexit.unregister(stop_with_the_window)

        self.destroyed.connect(stop_with_the_window)
        # A script or notebook may end while its window is open, which closes nothing.
        atexit.register(stop_with_the_window)

    @property
    def needed_height(self) -> int:
        """How high its content needs to be to be seen without scrolling, in pixels."""
        return 0 if self._content is None else self._content.minimumSizeHint().height()

    def remembered(self) -> Mapping[str, Any]:
        """Return the settings that a project is to remember, as JSON values."""
        return {}

    def remember(self, values: Mapping[str, Any]) -> None:
        """Take over what :meth:`remembered` gave; what makes no sense is left out."""

    def showEvent(self, event: QShowEvent | None) -> None:
        """Find a place when shown first; later a person moves docks as they like."""
        super().showEvent(event)
        if not self._has_room:
            self._has_room = True
            _find_room(self)

    def changeEvent(self, event: QEvent | None) -> None:
        """Stop when napari takes the dock away, which it does by unparenting it."""
        super().changeEvent(event)
        parted = event is not None and event.type() == QEvent.Type.ParentChange
        if parted and self.parent() is None:
            _stop_once(self._links, self._to_stop, viewer_remains=True)


def _stop_once(
    links: Connections, to_stop: list[Callable[[bool], None]], *, viewer_remains: bool
) -> None:
    # Empty for a dock that was taken away before and is garbage now.
    while to_stop:
        links.close()
        to_stop.pop()(viewer_remains)


def _find_room(widget: QWidget) -> None:
    """Put a new dock behind a tab where one of ours would have too little room.

    napari puts docks below each other: with two of ours, neither could be worked with
    in a window of usual height.
    """
    holder, window = _holder(widget), widget.window()
    if holder is None or not isinstance(window, QMainWindow) or holder.isFloating():
        return
    neighbours = [dock for dock in _beside(holder, window) if _needed_height(dock)]
    if not neighbours or window.tabifiedDockWidgets(holder):
        return
    if _needed_height(holder) + max(map(_needed_height, neighbours)) > window.height():
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


def _needed_height(holder: QDockWidget) -> int:
    return max((dock.needed_height for dock in holder.findChildren(Dock)), default=0)


def bring_to_front(dock: QWidget) -> None:
    """Bring a dock to the front of the tabs it may be behind."""
    holder = _holder(dock)
    if holder is not None:
        holder.show()
        holder.raise_()


def main_window(widget: QWidget) -> QMainWindow | None:
    """Return the window that a dock is in, also where it floats."""
    parent: QWidget | None = widget
    while parent is not None and not isinstance(parent, QMainWindow):
        parent = parent.parentWidget()
    return parent
