"""The docks of ours that are open in a viewer, so that they find each other."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable
from weakref import ref

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.qt.dock import Dock, real_viewer

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project

D = TypeVar("D")


@runtime_checkable
class ProjectDock(Protocol):
    """A dock that has a folder of images open."""

    @property
    def project(self) -> "Project | None":
        """The folder that is open."""

    def save(self) -> None:
        """Note the last edits of the image that is shown."""


_PLUGIN = "napari-edgeflow"


class Docks(QObject):
    """The open docks of one viewer by their titles in napari's menu.

    Docks register when they are made and leave when they stop. One works with another
    through what it needs of it, a class below its own room or a protocol.
    """

    changed = Signal()
    """A dock was opened or closed."""

    def __init__(self) -> None:
        super().__init__()
        # A dock knows its viewer, which must not be kept by what is kept for it.
        self._open: dict[int, ref[Dock]] = {}

    def register(self, dock: Dock) -> Callable[[], None]:
        """Let others find a dock; return what ends that, for when the dock stops."""
        self._open[id(dock)] = ref(dock)
        self.changed.emit()
        return partial(self._leave, id(dock))

    def _leave(self, key: int) -> None:
        del self._open[key]
        self.changed.emit()

    def __iter__(self) -> Iterator[tuple[str, Dock]]:
        """Iterate over titles and docks, in the order they were opened."""
        for known in tuple(self._open.values()):
            if (dock := known()) is not None:
                yield dock.title, dock

    def all_of(self, kind: type[D]) -> list[D]:
        """Return the open docks of a class or protocol."""
        return [dock for _, dock in self if isinstance(dock, kind)]

    def find(self, kind: type[D]) -> D | None:
        """Return the first open dock of a class or protocol; None if there is none."""
        return next(iter(self.all_of(kind)), None)

    def opened(self, viewer: "Viewer", title: str, kind: type[D]) -> D:
        """Return a dock, which is opened if need be, by its title in the menu."""
        if not self.all_of(kind):
            open_dock(viewer, title)
        return self.all_of(kind)[0]


def open_dock(viewer: "Viewer", title: str) -> None:
    """Open a dock of ours by its title in napari's menu."""
    # In the place of the latest dock, behind a tab: beside it there is no room.
    real_viewer(viewer).window.add_plugin_dock_widget(_PLUGIN, title, tabify=True)
