"""What happens when labels are imported, without any of the dock's buttons."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import Signal

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.widgets.exchange.import_commit import (
    ImportSummary,
    ImportTarget,
    write_import,
)
from napari_edgeflow.widgets.exchange.import_work import (
    Imported,
    ImportRequest,
    read_import,
)
from napari_edgeflow.widgets.exchange.run import ImportRun
from napari_edgeflow.widgets.exchange.texts import imported_text, reading_text
from napari_edgeflow.widgets.layers.annotation import image_names, path_of
from napari_edgeflow.widgets.layers.planes import every_plane, layer_shape, read_plane
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import StreamCall, show_problem

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer


@dataclass(slots=True, eq=False)
class _Run:
    request: ImportRequest
    target: ImportTarget
    imported: Imported | None = None


class ImportController(ImportRun):
    """Reads labels in the background and writes them into a Labels layer.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are.
    """

    committed = Signal(object)
    """The Labels layer that was written to."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self._run: _Run | None = None
        self._calls: StreamCall[ImportRequest, int, Imported] = StreamCall(
            read_import,
            report=self._on_progress,
            deliver=self._deliver,
            stopped=self._on_stopped,
            fail=lambda request, error: self._fail(error),
        )
        self._turns: Turns[ImportSummary] = Turns(self._finish, self._fail)
        self._links = Connections()
        self._links.connect(viewer.layers.events.removed, self._on_removed)

    def run(self, request: ImportRequest, target: ImportTarget) -> None:
        """Start to read."""
        if not self.busy:
            self._run = _Run(request, target)
            self._begin("Importing", request)

    def close(self, viewer_remains: bool) -> None:
        """Stop; what is just being written is written to its end."""
        self._links.close()
        super().close(viewer_remains)

    def _on_progress(self, request: ImportRequest, number: int) -> None:
        if self._run is not None and self._run.request is request:
            self._show_progress(number, reading_text(number))

    def _deliver(self, request: ImportRequest, imported: Imported) -> None:
        run = self._run
        if run is None or run.request is not request:
            return
        run.imported = imported
        self._note_read()
        self.state_changed.emit("Writing the labels …")
        self._turns.start(write_import(self._viewer, imported, run.target))

    def _finish(self, summary: ImportSummary) -> None:
        run = self._run
        problems = [] if run is None or run.imported is None else run.imported.problems
        self._end(imported_text(summary, problems))
        if summary.labels in self._viewer.layers:
            self._viewer.layers.selection.active = summary.labels
            self.committed.emit(summary.labels)

    def _on_stopped(self, request: ImportRequest) -> None:
        if self._run is not None and self._run.request is request:
            self._end("Cancelled: the labels are as they were.")

    def _fail(self, error: Exception) -> None:
        if self._run is not None:
            self._end("Nothing was imported.")
            show_problem(error)

    def _on_removed(self, event: Any) -> None:
        run = self._run
        if run is None:
            return
        for layer in (run.target.image, run.target.labels):
            if layer is event.value:
                self._calls.cancel()
                self._turns.stop()
                self._end("Stopped.")
                show_warning(
                    f"The import stopped, since its layer {layer.name!r} was deleted."
                )
                return

    def _forget(self) -> None:
        self._run = None
        super()._forget()


def import_request(
    viewer: "Viewer",
    image: "Image | None",
    path: Path | None,
    source: str | None = None,
    *,
    every: bool = False,
    values: Kind = "object",
    file: Path | None = None,
) -> ImportRequest:
    """Return what to read in the background.

    Parameters
    ----------
    viewer : Viewer
        Which plane it shows is what counts.
    image : Image
        The image that the labels are for.
    path : Path
        The file or folder.
    source : str, optional
        Its format. Default: found out.
    every : bool
        Whether labels of all planes are wanted.
    values : {"semantic", "object"}
        What the values of label images are that do not say it.
    file : Path, optional
        The image's file. Default: the one it was opened from, if any.

    Raises
    ------
    ValueError
        If there is no image or no path.
    """
    if image is None:
        raise ValueError("There is no image: open one first.")
    if path is None:
        raise ValueError("Choose a file or a folder to import from.")
    shown = read_plane(viewer, image)
    planes = every_plane(shown, layer_shape(image)) if every else (shown,)
    file = file or path_of(image)
    height, width = shown.shape[:2]
    return ImportRequest(
        path,
        source,
        values,
        None if file is None else file.parent,
        tuple(image_names(image, planes, file)),
        tuple(plane.plane for plane in planes),
        (height, width),
    )
