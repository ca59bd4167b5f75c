"""What happens when labels are exported, without any of the dock's buttons."""

from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.formats.exchange.exports import ExportProgress
from napari_edgeflow.widgets.exchange.export_work import (
    ExportOutcome,
    ExportRequest,
    run_export,
)
from napari_edgeflow.widgets.exchange.texts import exported_text, exporting_text
from napari_edgeflow.widgets.qt.activity import ActivityBar
from napari_edgeflow.widgets.qt.words import counted
from napari_edgeflow.widgets.qt.workers import StreamCall, show_problem


@dataclass(slots=True, eq=False)
class _Run:
    request: ExportRequest
    bar: ActivityBar
    latest: ExportProgress | None = None


class ExportController(QObject):
    """Writes labels into files in the background."""

    state_changed = Signal(str)
    running_changed = Signal(bool)
    written = Signal(object)
    """The folder that was written to; None while it is being done."""

    def __init__(self) -> None:
        super().__init__()
        self._run: _Run | None = None
        self._calls: StreamCall[ExportRequest, ExportProgress, ExportOutcome]
        self._calls = StreamCall(
            run_export,
            report=self._on_progress,
            deliver=self._deliver,
            stopped=self._on_stopped,
            fail=self._fail,
        )

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._run is not None

    def run(self, request: ExportRequest) -> None:
        """Start to write."""
        if self._run is not None:
            return
        self._run = _Run(request, ActivityBar("Exporting"))
        self.running_changed.emit(True)
        self.written.emit(None)
        self.state_changed.emit("Exporting …")
        self._calls(request)

    def cancel(self) -> None:
        """Stop after the image that is being written."""
        if self._run is not None:
            self._calls.cancel()
            self.state_changed.emit("Cancelling …")

    def close(self) -> None:
        """Stop, and tell nobody any more."""
        self._calls.close()
        run, self._run = self._run, None
        if run is not None:
            run.bar.close()

    def _on_progress(self, request: ExportRequest, made: ExportProgress) -> None:
        run = self._run
        if run is None or run.request is not request:
            return
        run.latest = made
        run.bar.show(made.done, made.total)
        self.state_changed.emit(exporting_text(made))

    def _deliver(self, request: ExportRequest, outcome: ExportOutcome) -> None:
        self._end(exported_text(outcome.summary, outcome.problems))
        if outcome.summary.images:
            self.written.emit(Path(outcome.summary.output))

    def _on_stopped(self, request: ExportRequest) -> None:
        latest = None if self._run is None else self._run.latest
        done = 0 if latest is None else latest.done
        self._end(f"Cancelled after {counted(done, 'image')}.")

    def _fail(self, request: ExportRequest, error: Exception) -> None:
        self._end("It did not work: the export ended before its last file.")
        show_problem(error)

    def _end(self, state: str) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.bar.close()
        self.running_changed.emit(False)
        self.state_changed.emit(state)
