"""Folders of label images: one PNG or TIFF for each image, whose values are classes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import joined
from napari_edgeflow.formats.annotation.planes import plane_annotation, used_values
from napari_edgeflow.formats.files.class_lists import find_class_list
from napari_edgeflow.formats.files.image_files import (
    ImageFolder,
    files_below,
    is_in_colour,
)
from napari_edgeflow.formats.files.problems import Note, Report, refuse
from napari_edgeflow.formats.kinds.label_images.tiff import LabelTiff, read_label_tiff
from napari_edgeflow.formats.kinds.voc.png import (
    is_palette_png,
    names_classes,
    read_palette_png,
)

_TIFF = (".tif", ".tiff")


def write_gray_png(path: Path, labels: NDArray[np.integer]) -> None:
    """Write labels (H, W), 0 to 65,535, as a grey PNG of 8 bits, or 16 where needed."""
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "bui":
        raise ValueError(
            f"labels of shape {labels.shape} and type {labels.dtype}: a PNG holds one "
            "plane (H, W) of whole numbers"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > 65_535:
        raise ValueError(
            f"labels go from {low} to {high}, a PNG holds 0 to 65535: save as TIFF"
        )
    pixels = labels.astype(np.uint8 if high <= 255 else np.uint16)
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG")


def read_label_values(
    path: Path,
    classes: ClassTable | None = None,
    kind: Kind = "semantic",
    report: Report = refuse,
) -> LabelTiff:
    """Read a label image of any number of axes, which says what its values are.

    Parameters and errors are as for :func:`read_label_file`.
    """
    if path.suffix.lower() in _TIFF:
        found = read_label_tiff(path)
        table = found.classes or classes
        whole = _whole_mask(path, found.labels, table, report)
        return replace(found, labels=whole, classes=table, kind=found.kind or kind)
    if is_in_colour(path):
        return LabelTiff(*read_palette_png(path, classes), "semantic")
    labels: NDArray[np.integer] = read_label_image(path)
    if not is_palette_png(path) and not names_classes(path):
        plain = _whole_mask(path, labels, classes, report)
        if plain is not labels:
            return LabelTiff(plain, classes, kind)
    is_small = labels.dtype in (np.uint8, np.bool_)
    if is_small and (kind == "semantic" or names_classes(path)):
        labels, classes = read_palette_png(path, classes)
        kind = "semantic"
    return LabelTiff(labels, classes, kind)


def _whole_mask(
    path: Path,
    labels: NDArray[np.integer],
    classes: ClassTable | None,
    report: Report,
) -> NDArray[np.integer]:
    """Return labels whose only one, 255, is an object and not the void, as 0 and 1."""
    void = {entry.id for entry in classes or ()} & {VOID}
    if void or used_values(labels) != [VOID]:
        return labels
    report(Note(f"{path}: 255 is its only label, and is taken for the object"))
    mask: NDArray[np.integer] = (labels == VOID).astype(np.uint8)
    return mask


def read_label_file(
    path: Path,
    file_name: str,
    classes: ClassTable | None = None,
    kind: Kind = "semantic",
    report: Report = refuse,
) -> ImageAnnotation:
    """Read a label image; connected pixels of a class are an object.

    Parameters
    ----------
    path : Path
        A PNG, grey or with a palette, or a TIFF; our TIFFs may hold objects.
    file_name : str
        Of the image that was labelled.
    classes : ClassTable, optional
        The classes of a file that does not name them itself. Values that are none of
        them become "class 7" or the like.
    kind : {"semantic", "object"}
        Whether the values of a file that does not say it are classes or objects.
        Objects are of the class "object" then. Our palette PNGs say it.
    report : callable
        Told where 255, elsewhere the void, is taken for the object: where it is the
        only label of a file whose colours or classes do not say it is the void.

    Raises
    ------
    ValueError
        If it holds no plane of labels.
    OSError
        If it cannot be read.
    """
    found = read_label_values(path, classes, kind, report)
    if found.labels.ndim != 2:
        sides = " x ".join(map(str, found.labels.shape))
        raise ValueError(
            f"it is a stack of {sides} pixels, not one plane: import it into a project "
            "folder that has the stack of images"
        )
    table = found.classes or ClassTable(())
    return plane_annotation(
        file_name, found.labels, found.kind or kind, table, found.class_of
    )


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label image, the file name of its image, and what is known of its values."""

    path: Path
    file_name: str
    classes: ClassTable | None
    kind: Kind
    image: Path | None = None

    def plane(self, report: Report = refuse) -> ImageAnnotation:
        """Return its objects; errors are those of :func:`read_label_file`."""
        found = read_label_file(
            self.path, self.file_name, self.classes, self.kind, report
        )
        return replace(found, image=self.image)


Read = TypeVar("Read")


def read_each(
    files: Sequence[LabelFile],
    read: Callable[[LabelFile, Report], Read],
    report: Report,
) -> Iterator[Read]:
    """Yield what is read of each file; report those that cannot be used."""
    for file in files:
        try:
            found = read(file, report)
        except (ValueError, OSError) as error:
            report(f"{file.path.name} is left out: {error}")
        else:
            yield found


def read_label_folder(
    folder: Path,
    images: Path | None = None,
    classes: ClassTable | None = None,
    report: Report = refuse,
    kind: Kind = "semantic",
) -> Iterator[ImageAnnotation]:
    """Read all label images of a folder and of those in it, by the order of names.

    Parameters
    ----------
    folder : Path
        With PNGs and TIFFs, and a list of classes if there is one.
    images : Path, optional
        With images of the same names. Default: an image has the file name of its
        labels.
    classes : ClassTable, optional
        Default: those of the list.
    report : callable
        Told of files that cannot be used.
    kind : {"semantic", "object"}
        See :func:`read_label_file`. Where there is a list of classes, they are classes.
    """
    files = label_files(folder, images, classes, kind, report)
    read = read_each(files, LabelFile.plane, report)
    yield from joined(read, Counter(file.file_name for file in files), report)


def label_files(
    path: Path,
    images: Path | None = None,
    classes: ClassTable | None = None,
    kind: Kind = "semantic",
    report: Report = refuse,
) -> list[LabelFile]:
    """Return the label images of a folder, or the only one that a file is.

    Parameters and errors are as for :func:`read_label_folder`.
    """
    folder = path.parent if path.is_file() else path
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}: give one with label images in it")
    table = classes or find_class_list(folder)
    if classes is None and table is not None:
        kind = "semantic"
    if path.is_file():
        single = ImageFolder(images)
        name = single.name_of(path.name) or path.name
        return [LabelFile(path, name, table, kind, single.find(name))]
    known = ImageFolder(images)
    paths = [p for p in files_below(folder) if p.suffix.lower() in (".png", *_TIFF)]
    if not paths:
        raise ValueError(f"no PNG or TIFF in {folder}: give a folder of label images")
    found = []
    for path in paths:
        labels = path.relative_to(folder).as_posix()
        try:
            name = known.name_of(labels) or labels
        except ValueError as error:
            report(f"{labels} is left out: {error}")
            continue
        image = known.find(name) if known.path is not None else None
        found.append(LabelFile(path, name, table, kind, image))
    return found
