"""Exports in the background: from layers to files."""

from collections.abc import Generator
from dataclasses import dataclass, field

from napari_edgeflow.formats.export_folder import (
    ExportProgress,
    ExportSummary,
    export_folder,
)
from napari_edgeflow.formats.export_settings import ExportSettings
from napari_edgeflow.formats.export_targets import FORMATS
from napari_edgeflow.widgets.layer_annotation import LabelledLayers


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """What to export, and how."""

    source: LabelledLayers
    settings: ExportSettings


@dataclass(frozen=True, slots=True, eq=False)
class ExportOutcome:
    """What was written, and a sentence for each thing that was not."""

    summary: ExportSummary
    problems: list[str] = field(default_factory=list)


def export_layers(
    request: ExportRequest,
) -> Generator[ExportProgress, None, ExportOutcome]:
    """Write layers into files; see :func:`export_folder`."""
    source, settings = request.source, request.settings
    problems: list[str] = []
    classes = source.every_class()
    is_pixels = FORMATS[settings.format].image != "unused"
    items = source.items(classes, with_image=is_pixels)
    summary = yield from export_folder(
        items, classes, source.names, settings, problems.append
    )
    return ExportOutcome(summary, problems)
