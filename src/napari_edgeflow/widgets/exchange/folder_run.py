"""What imports into a whole folder and their undo have in common."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.workers import Progress, Result

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.widgets.project.controller import ProjectController


@dataclass(slots=True, eq=False)
class FolderRequest:
    """What is asked of an open project."""

    project: "Project"
    pages: "ProjectController"
    touched: set[str] = field(default_factory=set, init=False)
    """Images that were opened or left since they may have been read."""


AnyRequest = TypeVar("AnyRequest", bound=FolderRequest)


class FolderRun(Run[AnyRequest, Progress, Result]):
    """Works on all images of a project; the one that is shown is written in turns.

    Parameters
    ----------
    title : str
        What the bar says.
    stream : callable
        See :class:`StreamCall`.
    """

    def __init__(
        self,
        title: str,
        stream: Callable[[AnyRequest], Generator[Progress, None, Result]],
        viewer: "Viewer",
    ) -> None:
        super().__init__(title, "import", stream)
        self._viewer = viewer

    def _begin(self, run: AnyRequest) -> None:
        # What is on disk must be what is seen.
        run.pages.page.flush()
        run.pages.page_leaves.connect(self._on_leaving)
        run.pages.page_asked.connect(run.touched.add)
        self._start(run, "Reading …")

    def _on_leaving(self) -> None:
        """Write the page that is left to its end; the run goes on without it."""
        self._turns.finish()
        if self._request is not None:
            self._request.touched.add(self._request.pages.current)

    def _is_open(self, run: AnyRequest) -> bool:
        """Return whether the folder is still open; if it is not, the run ends."""
        if run.pages.project is run.project:
            return True
        self._calls.cancel()
        self._end("Stopped: the folder was closed.")
        return False

    def _forget(self) -> None:
        run = self._request
        if run is not None:
            run.pages.page_leaves.disconnect(self._on_leaving)
            run.pages.page_asked.disconnect(run.touched.add)
        super()._forget()
