"""A whole project in any format."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind, match_classes
from napari_edgeflow.engine.raster.image import ImageReader, full_limits
from napari_edgeflow.formats.annotation.planes import completed, plane_annotation
from napari_edgeflow.formats.exchange.exports import (
    ExportProgress,
    ExportSummary,
    export_folder,
)
from napari_edgeflow.formats.exchange.settings import ExportItem, ExportSettings
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.formats.files.image_files import plane_name
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.images.read import read_any_image


@dataclass(slots=True)
class _ProjectSurvey:
    """What there is to export.

    Parameters
    ----------
    classes : ClassTable
        Of all images; those that the project has come first.
    names : list of str
        The file name of each plane that has labels.
    """

    classes: ClassTable = field(default_factory=lambda: ClassTable(()))
    names: list[str] = field(default_factory=list)


def _survey(project: Project) -> Generator[ExportProgress, None, _ProjectSurvey]:
    """Read what is labelled in a project; yield once for each image.

    A class is one that is used, or one that a layer with labels lists.
    """
    survey = _ProjectSurvey()
    for name, content in project.read_pages():
        layer = chosen_labels(content)
        if layer is not None:
            kind, class_of = meaning(layer)
            table = completed(layer.labels, kind, layer.classes, class_of)
            survey.classes, _ = match_classes(survey.classes, table)
            survey.names += [plane for plane, _ in _planes(name, layer.labels)]
        yield ExportProgress(0, len(project.names), name)
    known = [entry.name for entry in project.record.classes]
    # The order of the project's list decides which class covers which.
    ordered = sorted(
        survey.classes,
        key=lambda entry: (
            known.index(entry.name) if entry.name in known else len(known)
        ),
    )
    survey.classes = ClassTable(tuple(ordered))
    return survey


def export_project(
    project: Project, settings: ExportSettings, report: Report = refuse
) -> Generator[ExportProgress, None, ExportSummary]:
    """Write all labelled images of a project; see :func:`export_folder`.

    Of an image with several layers of labels, the first of objects is written, else
    the first of classes. Of a stack, each plane that has labels is an image.

    Parameters
    ----------
    project : Project
        What is on disk of it.
    settings : ExportSettings
        What to write, and where.
    report : callable
        Told of each image that cannot be written; the others are.

    Yields
    ------
    ExportProgress
        After each image.

    Raises
    ------
    ValueError
        If nothing is labelled, or something does not fit that all images share.
    OSError
        If a file that all share cannot be written.
    """
    survey = yield from _survey(project)
    if not survey.names:
        raise ValueError(f"no image of {project.images} has labels yet: label some")
    with_image = FORMATS[settings.format].image != "unused"
    items = _items(project, report, with_image=with_image)
    return (
        yield from export_folder(items, survey.classes, survey.names, settings, report)
    )


def _items(
    project: Project, report: Report, *, with_image: bool
) -> Iterator[ExportItem]:
    for name, content in project.read_pages():
        layer = chosen_labels(content)
        if layer is None:
            continue
        kind, class_of = meaning(layer)
        source = project.image(name)
        images = _Images(source if with_image and source.is_file() else None)
        for plane, index in _planes(name, layer.labels):
            try:
                annotation = plane_annotation(
                    plane, layer.labels[index], kind, layer.classes, class_of
                )
                yield ExportItem(annotation, images.at(index), source)
            except (ValueError, OSError) as error:
                report(f"{plane} is left out: {error}")


class _Images:
    """The images of one file, as the project's page shows them.

    ``path`` is None if they are not wanted, or not there.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def at(self, index: tuple[int, ...]) -> Path | NDArray[np.uint8] | None:
        """Return the file of an image, or the pixels of one plane of a stack."""
        if self._path is None or not index:
            return self._path
        stack, limits = self._stack
        return ImageReader(stack[index], limits).read_whole()

    @cached_property
    def _stack(self) -> tuple[NDArray[Any], tuple[float, float]]:
        stack = read_any_image(cast("Path", self._path))
        return stack, full_limits(stack)


def chosen_labels(content: PageContent) -> LabelContent | None:
    """Return the labels to export; None if nothing is labelled."""
    labelled = [layer for layer in content.layers.values() if layer.labels.any()]
    order = ("object", "semantic", "plain")
    return min(labelled, key=lambda layer: order.index(layer.kind), default=None)


def meaning(layer: LabelContent) -> tuple[Kind, dict[int, int]]:
    """Return what values are, and the class of each object."""
    if layer.kind == "semantic":
        return "semantic", {}
    class_of = {
        index: class_id
        for index, row in layer.rows.items()
        if isinstance(class_id := row.get("class_id"), int)
    }
    return "object", class_of


def _planes(
    name: str, labels: NDArray[np.integer[Any]]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the file name and the place of each plane that has labels."""
    if labels.ndim == 2:
        yield name, ()
        return
    sides = labels.shape[:-2]
    for index in product(*map(range, sides)):
        if labels[index].any():
            yield plane_name(name, index, sides), index
