"""Exports in the background: from layers, or a whole project, to files."""

from collections.abc import Generator
from dataclasses import dataclass, field

from napari_edgeflow.formats.exchange.exports import (
    ExportProgress,
    ExportSummary,
    export_folder,
)
from napari_edgeflow.formats.exchange.settings import ExportSettings
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.project.exchange.exports import export_project
from napari_edgeflow.project.folder import Project
from napari_edgeflow.widgets.layers.annotation import LabelledLayers

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
