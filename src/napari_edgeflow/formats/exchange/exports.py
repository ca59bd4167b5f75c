"""A folder of labels in any format, written image by image."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_edgeflow.engine.data.names import output_stems
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import image_size
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.system.files import check_folder
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import (
    VOID_NAME,
    Simplification,
    simplify_annotation,
    with_classes,
    without_void,
)
from napari_edgeflow.formats.exchange.settings import ExportItem, ExportSettings
from napari_edgeflow.formats.exchange.splits import split_names
from napari_edgeflow.formats.exchange.targets import FORMATS, ExportTarget, finish
from napari_edgeflow.formats.files.problems import Report, refuse


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """An image is done: the ``done``-th of ``total``."""

    done: int
    total: int
    file_name: str


@dataclass(slots=True)
class ExportSummary:
    """What was written.

    Parameters
    ----------
    output : Path
        The folder.
    images, objects : int
        How many of them.
    without_image : int
        How many images only have their labels written, though the format has a place
        for the image too.
    cost : Simplification
        What simpler outlines cost.
    """

    output: Path
    images: int = 0
    objects: int = 0
    without_image: int = 0
    cost: Simplification = field(default_factory=Simplification)

    @property
    def text(self) -> str:
        """One line for a person."""
        parts = [f"{self.images} images", f"{self.objects} objects"]
        if self.without_image:
            parts.append(f"{self.without_image} images not found")
        if self.cost.vertices_before:
            before, after = self.cost.vertices_before, self.cost.vertices_after
            parts.append(f"{before} -> {after} vertices")
            parts.append(f"IoU kept {self.cost.iou:.4f}")
        return " · ".join((*parts, str(self.output)))


def export_folder(
    items: Iterable[ExportItem],
    classes: ClassTable,
    names: Sequence[str],
    settings: ExportSettings,
    report: Report = refuse,
) -> Generator[ExportProgress, None, ExportSummary]:
    """Write images one by one; what all share, such as COCO's file, comes last.

    Stopped between two images, it leaves those that are done; of COCO, nothing.

    Parameters
    ----------
    items : iterable of ExportItem
        Images with their labels, made as they are asked for.
    classes : ClassTable
        Of all images together, known by their names; it decides on ids, colours and
        which class covers which.
    names : sequence of str
        File names of all images, which the split and the progress need beforehand.
    settings : ExportSettings
        What to write, and where.
    report : callable
        Told of each image that cannot be written; the others are.

    Yields
    ------
    ExportProgress
        After each image.

    Returns
    -------
    ExportSummary
        What was written.

    Raises
    ------
    ValueError
        If there is no such format or split, or something does not fit that all share.
    OSError
        If the folder is a file, or a file that all share cannot be written.
    """
    check_folder(settings.output)
    if settings.format not in FORMATS:
        raise ValueError(f"no format {settings.format!r}: use {', '.join(FORMATS)}")
    splits = split_names(names, settings.split, settings.seed) if settings.split else {}
    if not FORMATS[settings.format].has_void:
        classes = _without_void_class(classes)
    chosen = FORMATS[settings.format]
    stems = output_stems(names, flat=chosen.flat, words=chosen.words)
    target = ExportTarget(settings, classes, splits, report, stems)
    summary = ExportSummary(settings.output)
    for done, item in enumerate(items, 1):
        _write(item, target, summary)
        yield ExportProgress(done, len(names), item.annotation.file_name)
    if summary.images:
        finish(target)
    return summary


def _without_void_class(classes: ClassTable) -> ClassTable:
    is_void = any((entry.id, entry.name) == (VOID, VOID_NAME) for entry in classes)
    return classes.without(VOID) if is_void else classes


def _write(item: ExportItem, target: ExportTarget, summary: ExportSummary) -> None:
    """Write one image; what does not fit is reported."""
    try:
        annotation, cost = _prepared(item.annotation, target)
        _check_size(item)
        chosen = FORMATS[target.settings.format]
        chosen.write(target, replace(item, annotation=annotation))
    except (ValueError, OSError) as error:
        target.report(f"{item.annotation.file_name} is left out: {error}")
        return
    summary.images += 1
    summary.objects += len(annotation.objects)
    summary.without_image += chosen.image == "welcome" and item.image is None
    summary.cost += cost


def _check_size(item: ExportItem) -> None:
    """Raise ValueError if labels have another size than the file of their image."""
    if not isinstance(item.image, Path):
        return
    height, width = image_size(item.image)
    if (height, width) != item.annotation.shape:
        raise ValueError(
            f"its labels are for {item.annotation.width} x {item.annotation.height} "
            f"pixels, {item.image} has {width} x {height}: is it the image they were "
            "made on?"
        )


def _prepared(
    annotation: ImageAnnotation, target: ExportTarget
) -> tuple[ImageAnnotation, Simplification]:
    """Return an image with the classes of all, simplified if that is wanted."""
    settings = target.settings
    if not FORMATS[settings.format].has_void:
        annotation = without_void(annotation)
    annotation = with_classes(annotation, target.classes)
    if not settings.tolerance:
        return annotation, Simplification()
    return simplify_annotation(annotation, settings.tolerance)
