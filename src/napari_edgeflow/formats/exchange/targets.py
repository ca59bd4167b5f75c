"""What exports write: one function for each format, and the table of them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.settings import ExportItem, ExportSettings
from napari_edgeflow.formats.exchange.splits import write_split_lists
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.files.image_files import (
    copy_image,
    is_in_colour,
    relative_path,
)
from napari_edgeflow.formats.files.problems import Report
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.kinds.cutout import cutout, overlay, write_picture
from napari_edgeflow.formats.kinds.geojson import write_geojson
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.kinds.label_images.tiff import LabelTiff, write_label_tiff
from napari_edgeflow.formats.kinds.labelme.files import (
    write_labelme,
    write_labelme_classes,
)
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.kinds.voc.objects import write_voc
from napari_edgeflow.formats.kinds.voc.png import write_palette_png
from napari_edgeflow.formats.kinds.yolo import (
    IMAGES,
    LABELS,
    write_data_yaml,
    write_yolo,
)

COCO_FILE = "annotations.json"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """Where to write, and what all images share.

    Parameters
    ----------
    settings : ExportSettings
        What a person chose.
    classes : ClassTable
        Those of all images.
    splits : mapping
        Names of images for each split; empty if there is none.
    report : callable
        Told of what is left out.
    """

    settings: ExportSettings
    classes: ClassTable
    splits: Mapping[str, list[str]]
    report: Report
    stems: Mapping[str, str]
    """What the labels of each image are called, by its file name."""
    gathered: dict[str, list[ImageAnnotation]] = field(default_factory=dict)
    """What is written last, by file: COCO has one file for all images."""

    @property
    def output(self) -> Path:
        """The folder to write to."""
        return self.settings.output

    def stem(self, annotation: ImageAnnotation) -> str:
        """Return what the labels of an image are called, which is no other's name."""
        return self.stems[annotation.file_name]

    def split_of(self, annotation: ImageAnnotation) -> str | None:
        """Return the split of an image; None if there are no splits."""
        name = annotation.file_name
        return next((s for s, names in self.splits.items() if name in names), None)

    def path(self, item: ExportItem, suffix: str) -> Path:
        """Return the output file of an image.

        Raises
        ------
        ValueError
            If it is the image itself.
        """
        path = self.output / f"{self.stem(item.annotation)}{suffix}"
        if item.is_source(path):
            raise ValueError(
                f"{path} is the image itself, and would be replaced: "
                "choose another folder for the export"
            )
        return path

    def labels_path(self, item: ExportItem, suffix: str) -> Path:
        """Return the output file of an image's labels.

        Raises
        ------
        ValueError
            If it is the image itself, or any other picture that labels would replace.
        """
        path = self.path(item, suffix)
        if is_in_colour(path):
            raise ValueError(
                f"{path} is a picture and no label image, and would be replaced: "
                "choose another folder for the export, or move the picture"
            )
        return path


Write = Callable[[ExportTarget, ExportItem], None]
Finish = Callable[[ExportTarget], None]


def _nothing(target: ExportTarget) -> None:
    """Write nothing for all images together."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format.

    Parameters
    ----------
    title : str
        What a person reads.
    write : callable
        Writes one image.
    finish : callable
        Writes what is there once for all images: classes, and COCO's files.
    image : {"unused", "linked", "welcome", "needed"}
        Whether the pixels of an image are written too; linked: where they are in no
        file.
    has_void : bool
        Whether there is a place for VOC's void, which is no kind of object.
    flat, words : bool
        Whether names of outputs have no folders, and no white space, which parts the
        names on VOC's lists; see :func:`output_stems`.
    has_lists : bool
        Whether it says itself which image is in which split.
    """

    title: str
    write: Write
    finish: Finish = _nothing
    image: Literal["unused", "linked", "welcome", "needed"] = "unused"
    has_void: bool = False
    flat: bool = False
    words: bool = False
    has_lists: bool = False


def _coco(target: ExportTarget, item: ExportItem) -> None:
    split = target.split_of(item.annotation)
    name = COCO_FILE if split is None else f"annotations_{split}.json"
    annotation = item.annotation
    if isinstance(item.image, Path):
        annotation = replace(annotation, image=item.image)
    elif item.image is not None:
        # A slice of a stack is in no file that a training could read.
        picture = target.output / IMAGES / f"{target.stem(annotation)}.png"
        _save_image(item.image, picture)
        inside = picture.relative_to(target.output / IMAGES).as_posix()
        annotation = replace(annotation, file_name=inside, image=picture)
    target.gathered.setdefault(name, []).append(annotation)


def _finish_coco(target: ExportTarget) -> None:
    for name, annotations in target.gathered.items():
        update_coco(target.output / name, annotations, target.settings.segmentation)


def _labelme(target: ExportTarget, item: ExportItem) -> None:
    path = target.path(item, ".json")
    relative = None
    if isinstance(item.image, Path):
        relative = relative_path(item.image, path.parent)
    elif item.image is not None:
        picture = target.path(item, ".png")
        _save_image(item.image, picture)
        relative = picture.name
    write_labelme(path, item.annotation, relative)


def _finish_labelme(target: ExportTarget) -> None:
    write_labelme_classes(target.output, target.classes)


def _yolo(target: ExportTarget, item: ExportItem) -> None:
    split = target.split_of(item.annotation) or "train"
    name = target.stem(item.annotation)
    write_yolo(target.output / LABELS / split / f"{name}.txt", item.annotation)
    if item.image is not None:
        suffix = item.image.suffix if isinstance(item.image, Path) else ".png"
        _save_image(item.image, target.output / IMAGES / split / f"{name}{suffix}")


def _save_image(image: Path | NDArray[Any], path: Path) -> None:
    """Copy an image file, or write pixels as PNG."""
    if isinstance(image, Path):
        copy_image(image, path)
        return
    reader = ImageReader(image)
    write_picture(path, reader.read_whole())


def _finish_yolo(target: ExportTarget) -> None:
    used = [split for split, names in target.splits.items() if names]
    write_data_yaml(target.output, target.classes, used or ("train",))


def _voc(target: ExportTarget, item: ExportItem) -> None:
    split = target.split_of(item.annotation) or "train"
    annotation = replace(
        item.annotation, file_name=f"{target.stem(item.annotation)}.jpg"
    )
    folder, image = VocFolder(target.output), item.existing_image()
    write_voc(folder, annotation, image, split, target.report)


def _geojson(target: ExportTarget, item: ExportItem) -> None:
    write_geojson(target.path(item, ".geojson"), item.annotation)


def _gray(target: ExportTarget, item: ExportItem) -> None:
    annotation = item.annotation
    labels = (
        annotation.object_labels()
        if target.settings.values == "objects"
        else annotation.class_labels()
    )
    write_gray_png(target.labels_path(item, ".png"), labels)


def _palette(target: ExportTarget, item: ExportItem) -> None:
    labels, classes = item.annotation.class_labels(), item.annotation.classes
    path = target.labels_path(item, ".png")
    write_palette_png(path, labels, classes.palette(), classes)


def _finish_gray(target: ExportTarget) -> None:
    # A list of classes beside ids of objects would make classes of them.
    if target.settings.values == "classes":
        _finish_images(target)


def _finish_images(target: ExportTarget) -> None:
    write_class_list(target.output / "classes.txt", target.classes)


def _tiff(target: ExportTarget, item: ExportItem) -> None:
    annotation, classes = item.annotation, item.annotation.classes
    if target.settings.values == "objects":
        class_of = {entry.id: entry.class_id for entry in annotation.objects}
        labels = annotation.object_labels()
        content = LabelTiff(labels, classes, "object", class_of)
    else:
        content = LabelTiff(annotation.class_labels(), classes)
    write_label_tiff(target.labels_path(item, ".tif"), content)


def _cutout(target: ExportTarget, item: ExportItem) -> None:
    mask = item.annotation.class_labels() > 0
    picture = cutout(item.pixels(), mask, target.settings.background)
    write_picture(target.path(item, "_cutout.png"), picture)


def _overlay(target: ExportTarget, item: ExportItem) -> None:
    picture = overlay(item.pixels(), item.annotation, target.settings.opacity)
    write_picture(target.path(item, "_overlay.png"), picture)


FORMATS: dict[str, ExportFormat] = {
    "coco": ExportFormat("COCO JSON", _coco, _finish_coco, "linked", has_lists=True),
    "labelme": ExportFormat("LabelMe JSON", _labelme, _finish_labelme, "welcome"),
    "yolo": ExportFormat(
        "YOLO segmentation", _yolo, _finish_yolo, "welcome", flat=True,
        has_lists=True,
    ),
    "voc": ExportFormat(
        "Pascal VOC folder", _voc, image="needed", has_void=True, flat=True,
        words=True, has_lists=True,
    ),
    "geojson": ExportFormat("GeoJSON (QuPath)", _geojson),
    "gray": ExportFormat("Grey label PNG", _gray, _finish_gray, has_void=True),
    "palette": ExportFormat(
        "Palette label PNG", _palette, _finish_images, has_void=True
    ),
    "cutout": ExportFormat("Cut-out with alpha", _cutout, image="needed"),
    "overlay": ExportFormat("Overlay picture", _overlay, image="needed"),
    "tiff": ExportFormat("Label TIFF", _tiff, has_void=True),
}  # fmt: skip
"""What there is to write, by name."""


def finish(target: ExportTarget) -> None:
    """Write what is there once for all images: classes, lists and COCO's files.

    Raises
    ------
    ValueError
        If something does not fit.
    OSError
        If a file cannot be written.
    """
    chosen = FORMATS[target.settings.format]
    chosen.finish(target)
    if not chosen.has_lists:
        write_split_lists(target.output, target.splits)
