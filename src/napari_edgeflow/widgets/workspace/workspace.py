"""What all docks of one viewer share."""

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.qt.canvas import CanvasContext
from napari_edgeflow.widgets.qt.dock import Dock, real_viewer
from napari_edgeflow.widgets.workspace.class_steps import ClassSteps
from napari_edgeflow.widgets.workspace.docks import Docks
from napari_edgeflow.widgets.workspace.history import ObjectHistory

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget


class Workspace(QObject):
    """What all docks of one viewer share; see :meth:`of`.

    It holds neither the viewer nor its layers, and goes when the viewer goes.
    """

    project_changed = Signal()
    """Another folder is open, or none, or the state of an image is another one."""
    models_changed = Signal()
    """A model was trained or registered: lists of models are to be read again."""
    model_trained = Signal(object)
    """A training came to its good end; what it made is a :class:`TrainedModel`."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.history = ObjectHistory(viewer)
        self.class_steps = ClassSteps(self.history)
        self.docks = Docks()
        self.shortcuts = Shortcuts()
        self._canvas = CanvasContext(viewer)

    @classmethod
    def of(cls, viewer: "Viewer") -> "Workspace":
        """Return the workspace of a viewer, wrapped by napari or not."""
        viewer = real_viewer(viewer)
        workspace = _workspaces.get(viewer)
        if workspace is None:
            workspace = _workspaces[viewer] = cls(viewer)
        return workspace


# napari offers no place at a viewer where a plugin could keep something. Nothing in a
# workspace holds its viewer, so that it ends with the viewer.
_workspaces: "WeakKeyDictionary[Viewer, Workspace]" = WeakKeyDictionary()


class ViewerDock(Dock):
    """A dock that works with a viewer, and is found by the other docks of it."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = real_viewer(viewer)
        self._workspace = Workspace.of(self._viewer)

    def _set_up(self, content: "QWidget", stop: "Callable[[bool], None]") -> None:
        super()._set_up(content, stop)
        self._links.keep(self._workspace.docks.register(self))
