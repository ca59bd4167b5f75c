"""What happens when labels are exported, without any of the dock's buttons."""

from pathlib import Path

from qtpy.QtCore import Signal

from napari_edgeflow.formats.exchange.exports import ExportProgress
from napari_edgeflow.widgets.exchange.export_work import (
    ExportOutcome,
    ExportRequest,
    run_export,
)
from napari_edgeflow.widgets.exchange.texts import exported_text, exporting_text
from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.qt.workers import show_problem


class ExportController(Run[ExportRequest, ExportProgress, ExportOutcome]):
    """Writes labels into files in the background."""

    written = Signal(object)
    """The folder that was written to; None while it is being done."""

    def __init__(self) -> None:
        super().__init__("Exporting", "export", run_export)
        self._done = 0

    def run(self, request: ExportRequest) -> None:
        """Start to write."""
        if not self.busy:
            self._done = 0
            self.written.emit(None)
            self._start(request, "Exporting …")

    def _reported(self, request: ExportRequest, made: ExportProgress) -> None:
        self._done = made.done
        self._show(made.done, made.total, exporting_text(made))

    def _made(self, request: ExportRequest, outcome: ExportOutcome) -> None:
        self._end(exported_text(outcome.summary, outcome.problems))
        if outcome.summary.images:
            self.written.emit(Path(outcome.summary.output))

    def _stopped(self, request: ExportRequest) -> None:
        self._end(f"Cancelled after {counted(self._done, 'image')}.")

    def _failed(self, error: Exception) -> None:
        self._end("It did not work: the export ended before its last file.")
        show_problem(error)
