"""What ``convert`` writes: one function for each format.

Loaded when the command runs, with all it needs.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.formats.annotation import ImageAnnotation
from napari_edgeflow.formats.class_lists import write_class_list
from napari_edgeflow.formats.coco import update_coco
from napari_edgeflow.formats.coco_objects import Segmentation
from napari_edgeflow.formats.cutout import cutout, overlay, write_picture
from napari_edgeflow.formats.geojson import write_geojson
from napari_edgeflow.formats.images import read_image
from napari_edgeflow.formats.label_folder import write_gray_png
from napari_edgeflow.formats.label_tiff import LabelTiff, write_label_tiff
from napari_edgeflow.formats.labelme import write_labelme, write_labelme_classes
from napari_edgeflow.formats.problems import Report
from napari_edgeflow.formats.splits import write_split_lists
from napari_edgeflow.formats.voc import write_palette_png
from napari_edgeflow.formats.voc_folder import VocFolder
from napari_edgeflow.formats.voc_objects import write_voc
from napari_edgeflow.formats.yolo import IMAGES, LABELS, write_data_yaml, write_yolo


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write, and what all images share.

    Parameters
    ----------
    output : Path
        The folder.
    classes : ClassTable
        Those of all images.
    images : Path or None
        The folder of the images, if it is known.
    splits : mapping
        Names of images for each split; empty if there is none.
    segmentation : {"polygons", "rle"}
        How COCO gets objects without holes.
    report : callable
        Told of what is left out.
    is_flat : bool
        Whether the format has no folders inside its folders.
    """

    output: Path
    classes: ClassTable
    images: Path | None
    splits: Mapping[str, list[str]]
    segmentation: Segmentation
    report: Report
    is_flat: bool = False
    gathered: dict[str, list[ImageAnnotation]] = field(default_factory=dict)
    """What is written last, by file: COCO has one file for all images."""
    claimed: dict[str, str] = field(default_factory=dict)
    """Which image each output name belongs to."""

    def claim(self, annotation: ImageAnnotation) -> None:
        """Take the output name of an image, which is that of no other.

        Raises
        ------
        ValueError
            If it is taken.
        """
        stem = PurePosixPath(annotation.stem).name if self.is_flat else annotation.stem
        owner = self.claimed.setdefault(stem, annotation.file_name)
        if owner != annotation.file_name:
            raise ValueError(f"{owner!r} has the same name for its labels: rename one")

    def split_of(self, annotation: ImageAnnotation) -> str | None:
        """Return the split of an image; None if there are no splits."""
        name = annotation.file_name
        return next((s for s, names in self.splits.items() if name in names), None)

    def path(self, annotation: ImageAnnotation, suffix: str) -> Path:
        """Return the output file of an image."""
        return self.output / f"{annotation.stem}{suffix}"

    def find_image(self, annotation: ImageAnnotation) -> Path | None:
        """Return the image file; None if it is not there."""
        if self.images is None:
            return None
        name = PurePosixPath(annotation.file_name)
        for path in (self.images / name, self.images / name.name):
            if path.is_file():
                return path
        return None

    def image(self, annotation: ImageAnnotation) -> Path:
        """Return the image file.

        Raises
        ------
        ValueError
            If it is not there.
        """
        path = self.find_image(annotation)
        if path is None:
            raise ValueError(
                f"no image {annotation.file_name!r} in {self.images or 'any folder'}: "
                "name its folder with --images"
            )
        return path


Write = Callable[[Target, ImageAnnotation], None]


def _coco(target: Target, annotation: ImageAnnotation) -> None:
    split = target.split_of(annotation)
    name = "annotations.json" if split is None else f"annotations_{split}.json"
    target.gathered.setdefault(name, []).append(annotation)


def _labelme(target: Target, annotation: ImageAnnotation) -> None:
    path, image = target.path(annotation, ".json"), target.find_image(annotation)
    relative = None
    if image is not None:
        absolute = image.resolve(), path.parent.resolve()
        relative = Path(os.path.relpath(*absolute)).as_posix()
    write_labelme(path, annotation, relative)


def _yolo(target: Target, annotation: ImageAnnotation) -> None:
    split = target.split_of(annotation) or "train"
    name = PurePosixPath(annotation.file_name)
    write_yolo(target.output / LABELS / split / f"{name.stem}.txt", annotation)
    image = target.find_image(annotation)
    if image is not None:
        copy = target.output / IMAGES / split / name.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, copy)


def _voc(target: Target, annotation: ImageAnnotation) -> None:
    split = target.split_of(annotation) or "train"
    folder, image = VocFolder(target.output), target.image(annotation)
    write_voc(folder, annotation, image, split, target.report)


def _geojson(target: Target, annotation: ImageAnnotation) -> None:
    write_geojson(target.path(annotation, ".geojson"), annotation)


def _gray(target: Target, annotation: ImageAnnotation) -> None:
    write_gray_png(target.path(annotation, ".png"), annotation.class_labels())


def _palette(target: Target, annotation: ImageAnnotation) -> None:
    classes = annotation.classes
    path = target.path(annotation, ".png")
    write_palette_png(path, annotation.class_labels(), classes.palette(), classes)


def _tiff(target: Target, annotation: ImageAnnotation) -> None:
    content = LabelTiff(annotation.class_labels(), annotation.classes)
    write_label_tiff(target.path(annotation, ".tif"), content)


def _cutout(target: Target, annotation: ImageAnnotation) -> None:
    picture = cutout(
        read_image(target.image(annotation)), annotation.class_labels() > 0
    )
    write_picture(target.path(annotation, "_cutout.png"), picture)


def _overlay(target: Target, annotation: ImageAnnotation) -> None:
    picture = overlay(read_image(target.image(annotation)), annotation)
    write_picture(target.path(annotation, "_overlay.png"), picture)


TARGETS: dict[str, Write] = {
    "coco": _coco,
    "labelme": _labelme,
    "yolo": _yolo,
    "voc": _voc,
    "geojson": _geojson,
    "gray": _gray,
    "palette": _palette,
    "cutout": _cutout,
    "overlay": _overlay,
    "tiff": _tiff,
}

OF_OBJECTS = ("coco", "labelme", "yolo", "geojson", "cutout", "overlay")
"""Formats in which VOC's void, which is no kind of object, has no place."""


def finish(target: Target, name: str) -> None:
    """Write what is there once for all images: classes, lists and COCO's files.

    Parameters
    ----------
    target : Target
        Where to write.
    name : str
        A key of :data:`TARGETS`.

    Raises
    ------
    ValueError
        If something does not fit.
    OSError
        If a file cannot be written.
    """
    for file_name, annotations in target.gathered.items():
        update_coco(target.output / file_name, annotations, target.segmentation)
    if name == "labelme":
        write_labelme_classes(target.output, target.classes)
    elif name in ("gray", "palette"):
        write_class_list(target.output / "classes.txt", target.classes)
    elif name == "yolo":
        used = [split for split, names in target.splits.items() if names]
        write_data_yaml(target.output, target.classes, used or ("train",))
    # VOC has lists of its own, and YOLO folders.
    if name not in ("coco", "voc", "yolo"):
        write_split_lists(target.output, target.splits)
