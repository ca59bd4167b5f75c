"""What all imports have in common: they are read in the background, then written."""

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.qt.activity import ActivityBar
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import StreamCall

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.widgets.project.controller import ProjectController


class ImportRun(QObject):
    """Does one import at a time; who inherits says what is read and written.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are.
    """

    state_changed = Signal(str)
    running_changed = Signal(bool, bool)
    """Whether there is a run, and whether it can still be cancelled."""

    _calls: StreamCall[Any, Any, Any]
    _turns: Turns[Any]

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._bar: ActivityBar | None = None
        self._is_read = False

    @property
    def busy(self) -> bool:
        """Whether something is read or written."""
        return self._bar is not None

    def cancel(self) -> None:
        """Read no more; what was written stays."""
        if self.busy and not self._is_read:
            self._calls.cancel()
            self.state_changed.emit("Cancelling …")

    def close(self, viewer_remains: bool) -> None:
        """Stop; what is just being written is written to its end."""
        self._calls.close()
        if viewer_remains:
            self._turns.finish()
        self._turns.stop()
        self._forget()

    def _begin(self, title: str, request: object) -> None:
        """Start to read for a request."""
        self._bar, self._is_read = ActivityBar(title), False
        self.running_changed.emit(True, True)
        self.state_changed.emit("Reading …")
        self._calls(request)

    def _is_open(self, pages: "ProjectController", project: "Project") -> bool:
        """Return whether a folder is still open; if it is not, the run ends."""
        if pages.project is project:
            return True
        self._calls.cancel()
        self._end("Stopped: the folder was closed.")
        return False

    def _show_progress(self, number: int, text: str) -> None:
        if self._bar is not None:
            self._bar.show(number, 0)
        self.state_changed.emit(text)

    def _note_read(self) -> None:
        """All is read: from now on nothing can be cancelled."""
        self._is_read = True
        self.running_changed.emit(True, False)

    def _end(self, state: str) -> None:
        self._forget()
        self.running_changed.emit(False, False)
        self.state_changed.emit(state)

    def _forget(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()
