"""What happens when labels are exported, without any of the dock's buttons."""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from qtpy.QtCore import Signal

from napari_edgeflow.formats.exchange.exports import (
    ExportProgress,
    ExportSummary,
    export_folder,
)
from napari_edgeflow.formats.exchange.settings import ExportSettings
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.project.exchange.exports import export_project
from napari_edgeflow.project.folder import Project
from napari_edgeflow.widgets.exchange.texts import exported_text, exporting_text
from napari_edgeflow.widgets.layers.annotation import LabelledLayers
from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.qt.workers import show_problem

_PATIENCE_S = 10.0
"""How long to wait for what is just being saved."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """What to export, and how."""

    source: LabelledLayers | Project
    settings: ExportSettings


@dataclass(frozen=True, slots=True, eq=False)
class ExportOutcome:
    """What was written, and a sentence for each thing that was not."""

    summary: ExportSummary
    problems: list[str] = field(default_factory=list)


def run_export(
    request: ExportRequest,
) -> Generator[ExportProgress, None, ExportOutcome]:
    """Write layers or a project into files; see :func:`export_folder`."""
    source, problems = request.source, list[str]()
    if isinstance(source, Project):
        source.wait(_PATIENCE_S)
        steps = export_project(source, request.settings, problems.append)
    else:
        steps = _export_layers(source, request.settings, problems)
    summary = yield from steps
    return ExportOutcome(summary, problems)


def _export_layers(
    source: LabelledLayers, settings: ExportSettings, problems: list[str]
) -> Generator[ExportProgress, None, ExportSummary]:
    classes = source.every_class()
    is_pixels = FORMATS[settings.format].image != "unused"
    items = source.items(classes, with_image=is_pixels)
    return (
        yield from export_folder(
            items, classes, source.names, settings, problems.append
        )
    )


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
