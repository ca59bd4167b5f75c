"""The command that turns labels of one format into another."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.console import BAD_INPUT, complain, finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.engine.labels.classes import ClassTable, Colour, Kind
    from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
    from napari_edgeflow.formats.exchange.exports import ExportSummary
    from napari_edgeflow.formats.exchange.settings import ExportItem, ExportSettings
    from napari_edgeflow.formats.files.problems import Report

    Read = Callable[[Report], Iterator[ImageAnnotation]]

# As in formats.imports and formats.export_targets, which take a while to load.
CONVERTED_FROM = ("voc", "coco", "labelme", "yolo", "eiseg", "labels", "geojson")
CONVERTED_TO = (
    "coco", "labelme", "yolo", "voc", "geojson", "gray", "palette", "cutout",
    "overlay", "tiff",
)  # fmt: skip

_SAME_FILES = {"labels": ("gray", "palette", "tiff")}
"""Targets whose files have the names of those that are read; others their own."""


def add_convert(commands: "Commands") -> None:
    """Add the command ``convert``."""
    parser = commands.add_parser(
        "convert",
        help="turn labels of one format into another",
        description="What cannot be used is named and left out, the rest is written; "
        "the exit status is 2 then.",
    )
    parser.add_argument("input", type=Path, metavar="INPUT", help="folder, or file")
    parser.add_argument("--from", dest="source", choices=CONVERTED_FROM, required=True)
    parser.add_argument(
        "--to", dest="target", type=target_format, choices=CONVERTED_TO, required=True
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    _add_choices(parser)
    add_export_choices(parser)
    parser.set_defaults(run=_run_convert)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the images are"
    )
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="list of 'id name r g b'"
    )
    parser.add_argument(
        "--instances",
        action="store_true",
        help="each value of a label image that does not say it is an object",
    )


def add_export_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how labels are written."""
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0,
        metavar="PX",
        help="simplify outlines; 0.75 straightens the stairs of slanted edges",
    )
    parser.add_argument("--rle", action="store_true", help="COCO without polygons")
    parser.add_argument(
        "--objects",
        action="store_true",
        help="gray and tiff hold ids of objects, not of classes",
    )
    parser.add_argument(
        "--background",
        type=_background,
        default=None,
        metavar="COLOUR",
        help="behind cut-outs: transparent (default), or such as white or #ff8800",
    )
    parser.add_argument(
        "--opacity",
        type=float,
        default=0.5,
        metavar="0..1",
        help="of the colours in overlays",
    )
    parser.add_argument(
        "--split",
        type=_ratios,
        default=(),
        metavar="0.8,0.1,0.1",
        help="train,val,test",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split")


def target_format(text: str) -> str:
    """Return the name of a format, which may be spelt as the documents spell it."""
    return "gray" if text == "grey" else text


def _background(text: str) -> "Colour | None":
    from napari_edgeflow.formats.kinds.cutout import parse_background

    try:
        return parse_background(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _ratios(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no split: write parts of 1, such as 0.8,0.1,0.1"
        ) from None


def _run_convert(options: argparse.Namespace) -> int:
    from napari_edgeflow.formats.exchange.exports import export_folder
    from napari_edgeflow.formats.exchange.targets import FORMATS
    from napari_edgeflow.formats.files.class_files import read_classes

    settings = export_settings(options)
    _check_apart(options)
    given = read_classes(options.classes) if options.classes else None
    report = Told()
    read = _reader(options, given)
    classes, names = _survey(read, given, not FORMATS[settings.format].has_void)
    if not names:
        list(read(report))
        raise ValueError(f"nothing in {options.input} could be read: see above")
    items = _items(read(report), options, report)
    summary = finished(export_folder(items, classes, names, settings, report))
    return report.ending(summary, "name the folder of the images by --images")


class Told:
    """Prints what is said of an export, and knows whether something was left out."""

    def __init__(self) -> None:
        """Nothing was said so far."""
        self._left_out = False

    def __call__(self, sentence: str) -> None:
        """Print what is left out, or is noted only."""
        from napari_edgeflow.formats.files.problems import Note

        self._left_out |= not isinstance(sentence, Note)
        complain(sentence)

    def ending(self, summary: "ExportSummary", remedy: str) -> int:
        """Print what was written, and return the exit status.

        ``remedy`` is what to do where images were not found.
        """
        if summary.without_image:
            complain(
                "labels were written without their images, which the format holds "
                f"too: {remedy}"
            )
        print(summary.text)
        return BAD_INPUT if self._left_out or summary.without_image else 0


def _check_apart(options: argparse.Namespace) -> None:
    """Raise ValueError if the output would replace what is still being read."""
    source: Path = options.input
    folder = source if source.is_dir() else source.parent
    writes = _SAME_FILES.get(options.source, (options.source,))
    if options.target in writes and folder.resolve() == options.output.resolve():
        raise ValueError(
            f"the output would replace the labels in {folder}: "
            "give --output another folder"
        )


def export_settings(options: argparse.Namespace) -> "ExportSettings":
    """Return what the options of :func:`add_export_choices` ask for."""
    from napari_edgeflow.formats.exchange.settings import ExportSettings

    return ExportSettings(
        options.target,
        options.output,
        options.split,
        options.seed,
        options.tolerance,
        "rle" if options.rle else "polygons",
        "objects" if options.objects else "classes",
        options.background,
        options.opacity,
    )


def _reader(options: argparse.Namespace, given: "ClassTable | None") -> "Read":
    """Return what reads the input, from its beginning each time."""
    from napari_edgeflow.formats.exchange.imports import read_annotations

    where = options.source, options.input, options.images, given
    kind: Kind = "object" if options.instances else "semantic"
    return lambda report: read_annotations(*where, report, kind)


def _items(
    annotations: "Iterator[ImageAnnotation]",
    options: argparse.Namespace,
    report: "Report",
) -> "Iterator[ExportItem]":
    """Yield labels with the files of their images, where there are any."""
    from napari_edgeflow.formats.exchange.imports import images_beside
    from napari_edgeflow.formats.exchange.settings import ExportItem
    from napari_edgeflow.formats.files.image_files import ImageFolder

    folder = options.images or images_beside(options.source, options.input)
    images = ImageFolder(folder)
    for annotation in annotations:
        image = annotation.image
        if image is None:
            try:
                image = images.find(annotation.file_name)
            except ValueError as error:
                report(str(error))
        yield ExportItem(annotation, image)


def _survey(
    read: "Read", given: "ClassTable | None", is_without_void: bool
) -> "tuple[ClassTable, Sequence[str]]":
    """Return the classes and the names of all images, which are read once for it."""
    from napari_edgeflow.engine.labels.classes import ClassTable, match_classes
    from napari_edgeflow.formats.annotation.changes import without_void

    classes, names = given or ClassTable(()), dict[str, None]()
    for annotation in read(lambda _: None):
        plain = without_void(annotation) if is_without_void else annotation
        classes, _ = match_classes(classes, plain.classes)
        names[plain.file_name] = None
    return classes, list(names)
