"""What the dock for exports and imports says."""

from collections.abc import Sequence

from napari_edgeflow.formats.exchange.exports import ExportProgress, ExportSummary
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.workspace.label_writer import Written

_SHOWN = 3
"""Problems that are told one by one."""


def exporting_text(made: ExportProgress) -> str:
    """Return what to say while images are written."""
    if not made.done:
        return f"Looking at {made.file_name}"
    return f"Written {made.done} of {made.total}: {made.file_name}"


def exported_text(summary: ExportSummary, problems: Sequence[str]) -> str:
    """Return what to say of an export that is done."""
    if not summary.images:
        return f"Nothing was written. {problems_text(problems)}".rstrip()
    images = counted(summary.images, "image")
    objects = counted(summary.objects, "object")
    lines = [f"Wrote {images}, {objects} to {summary.output}."]
    cost = summary.cost
    if cost.vertices_before:
        lines.append(
            f"Simpler outlines: {cost.vertices_before:,} → {cost.vertices_after:,} "
            f"vertices, IoU kept {cost.iou:.4f}."
        )
    if problems:
        lines.append(problems_text(problems))
    return "\n".join(lines)


def problems_text(problems: Sequence[str]) -> str:
    """Return the first problems, and how many more there are."""
    lines = list(problems[:_SHOWN])
    if len(problems) > _SHOWN:
        lines.append(f"… and {len(problems) - _SHOWN} more.")
    return "\n".join(lines)


def reading_text(images: int) -> str:
    """Return what to say while a file is read."""
    return f"Read the labels of {counted(images, 'image')}"


def imported_text(summary: Written, problems: Sequence[str]) -> str:
    """Return what to say of an import that is done."""
    name = summary.target.name
    if summary.objects:
        line = f"Imported {counted(summary.objects, 'object')} into {name!r}."
    elif summary.pixels:
        line = f"Imported {counted(summary.pixels, 'pixel')} into {name!r}."
    else:
        line = f"Nothing new for {name!r}: all of it has labels already."
    return "\n".join((line, *filter(None, [problems_text(problems)])))


def folder_progress_text(images: int, objects: int) -> str:
    """Return what to say while images of a folder get labels."""
    return f"{counted(images, 'image')}, {counted(objects, 'object')} so far"


def folder_imported_text(
    images: int, objects: int, left_alone: int, problems: Sequence[str]
) -> str:
    """Return what to say of an import into a folder that is done."""
    lines = [f"Imported {counted(objects, 'object')} into {counted(images, 'image')}."]
    if left_alone:
        lines.append(
            f"Left as before, since it has labels: {counted(left_alone, 'image')}."
        )
    return "\n".join((*lines, *filter(None, [problems_text(problems)])))


def folder_restored_text(images: int, edited: Sequence[str], opened: int) -> str:
    """Return what to say of an import into a folder that was taken back."""
    lines = [f"Undone: {counted(images, 'image')} as before the import."]
    if edited:
        shown = ", ".join(map(repr, edited[:3])) + (" …" if len(edited) > 3 else "")
        left = counted(len(edited), "image")
        lines.append(f"Left alone, since edited after the import: {left} ({shown}).")
    if opened:
        lines.append(
            f"Not undone yet: {counted(opened, 'image')}. Press Undo import again."
        )
    return "\n".join(lines)
