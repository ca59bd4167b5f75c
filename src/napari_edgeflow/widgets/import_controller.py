"""What happens when labels are imported, without any of the dock's buttons."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import Signal

from napari_edgeflow.widgets.connections import Connections
from napari_edgeflow.widgets.export_texts import imported_text, reading_text
from napari_edgeflow.widgets.import_commit import (
    ImportSummary,
    ImportTarget,
    write_import,
)
from napari_edgeflow.widgets.import_run import ImportRun
from napari_edgeflow.widgets.import_work import Imported, ImportRequest, read_import
from napari_edgeflow.widgets.turns import Turns
from napari_edgeflow.widgets.workers import StreamCall, show_problem

if TYPE_CHECKING:
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
