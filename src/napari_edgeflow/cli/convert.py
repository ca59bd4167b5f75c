"""The command that turns labels of one format into another."""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.cli.convert_targets import Target
    from napari_edgeflow.engine.classes import ClassTable
    from napari_edgeflow.formats.annotation import ImageAnnotation
    from napari_edgeflow.formats.annotation_changes import Simplification
    from napari_edgeflow.formats.problems import Report

    Read = Callable[[Report], Iterator[ImageAnnotation]]

SOURCES = ("voc", "coco", "labelme", "yolo", "eiseg", "labels")
TARGETS = (
    "coco", "labelme", "yolo", "voc", "geojson", "gray", "palette", "cutout",
    "overlay", "tiff",
)  # fmt: skip

_LEFT_OUT = 2
"""Exit status if something was left out, the same as for other bad input."""


def add_convert(commands: "Commands") -> None:
    """Add the command ``convert``."""
    parser = commands.add_parser(
        "convert",
        help="turn labels of one format into another",
        description="What cannot be used is named and left out, the rest is written; "
        "the exit status is 2 then.",
    )
    parser.add_argument("input", type=Path, metavar="INPUT", help="folder, or file")
    parser.add_argument("--from", dest="source", choices=SOURCES, required=True)
    parser.add_argument("--to", dest="target", choices=TARGETS, required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    _add_choices(parser)
    parser.set_defaults(run=_run_convert)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the images are"
    )
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="list of 'id name r g b'"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0,
        metavar="PX",
        help="simplify outlines; 0.75 straightens the stairs of slanted edges",
    )
    parser.add_argument("--rle", action="store_true", help="COCO without polygons")
    parser.add_argument(
        "--split",
        type=_ratios,
        default=(),
        metavar="0.8,0.1,0.1",
        help="train,val,test",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split")


def _ratios(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no split: write parts of 1, such as 0.8,0.1,0.1"
        ) from None


@dataclass(slots=True)
class _Tally:
    """What was done, and what was left out."""

    images: int = 0
    objects: int = 0
    problems: int = 0
    costs: "list[Simplification]" = field(default_factory=list)

    def report(self, sentence: str) -> None:
        """Tell a person what is left out."""
        self.problems += 1
        print(f"napari-edgeflow: {sentence}", file=sys.stderr)


def _run_convert(options: argparse.Namespace) -> int:
    from napari_edgeflow.cli.convert_targets import OF_OBJECTS, Target, finish
    from napari_edgeflow.formats.class_lists import read_class_list
    from napari_edgeflow.formats.splits import split_names

    given = read_class_list(options.classes) if options.classes else None
    tally = _Tally()
    read = _reader(options, given)
    without_void = options.target in OF_OBJECTS
    classes, names = _survey(read, given, without_void)
    if not names:
        list(read(tally.report))
        raise ValueError(f"nothing in {options.input} could be read: see above")
    target = Target(
        options.output,
        classes,
        _image_folder(options),
        split_names(names, options.split, options.seed) if options.split else {},
        "rle" if options.rle else "polygons",
        tally.report,
        options.target in ("voc", "yolo"),
    )
    for annotation in read(tally.report):
        _convert(annotation, options, target, tally)
    finish(target, options.target)
    print(_summary(tally, options))
    return _LEFT_OUT if tally.problems else 0


def _reader(options: argparse.Namespace, given: "ClassTable | None") -> "Read":
    """Return what reads the input, from its beginning each time."""
    from napari_edgeflow.formats.coco import read_coco
    from napari_edgeflow.formats.eiseg import read_eiseg
    from napari_edgeflow.formats.label_folder import read_label_folder
    from napari_edgeflow.formats.labelme import read_labelme_folder
    from napari_edgeflow.formats.voc_objects import read_voc
    from napari_edgeflow.formats.yolo import read_yolo_folder

    root, images = options.input, options.images
    readers: dict[str, Read] = {
        "voc": lambda report: read_voc(root, report),
        "coco": lambda report: read_coco(_coco_file(root), report),
        "labelme": lambda report: read_labelme_folder(root, given, report),
        "yolo": lambda report: read_yolo_folder(root, images, report),
        "eiseg": lambda report: read_eiseg(root, images, given, report),
        "labels": lambda report: read_label_folder(root, images, given, report),
    }
    return readers[options.source]


def _coco_file(path: Path) -> Path:
    return path / "annotations.json" if path.is_dir() else path


def _image_folder(options: argparse.Namespace) -> Path | None:
    """Return the folder of the images; by default where the format has them."""
    if options.images is not None:
        return Path(options.images)
    root = Path(options.input)
    usual = {
        "voc": root / "JPEGImages",
        "coco": root if root.is_dir() else root.parent,
        "labelme": root,
        "yolo": root / "images",
    }
    # Where labels are images themselves, the image of that name would be they.
    return usual.get(options.source)


def _survey(
    read: "Read", given: "ClassTable | None", without_void: bool
) -> "tuple[ClassTable, Sequence[str]]":
    """Return the classes and the names of all images, which are read once for it."""
    from napari_edgeflow.engine.classes import ClassTable
    from napari_edgeflow.engine.semantic_regions import match_classes

    classes, names = given or ClassTable(()), dict[str, None]()
    for annotation in read(lambda _: None):
        plain = _plain(annotation, without_void)
        classes, _ = match_classes(classes, plain.classes)
        names[plain.file_name] = None
    return classes, list(names)


def _plain(annotation: "ImageAnnotation", is_without_void: bool) -> "ImageAnnotation":
    from napari_edgeflow.formats.annotation_changes import without_void

    return without_void(annotation) if is_without_void else annotation


def _convert(
    annotation: "ImageAnnotation",
    options: argparse.Namespace,
    target: "Target",
    tally: _Tally,
) -> None:
    """Write one image; what does not fit is reported."""
    from napari_edgeflow.cli.convert_targets import OF_OBJECTS
    from napari_edgeflow.cli.convert_targets import TARGETS as WRITERS
    from napari_edgeflow.formats.annotation_changes import (
        simplify_annotation,
        with_classes,
    )

    plain = _plain(annotation, options.target in OF_OBJECTS)
    plain = with_classes(plain, target.classes)
    if options.tolerance:
        plain, cost = simplify_annotation(plain, options.tolerance)
        tally.costs.append(cost)
    try:
        target.claim(plain)
        WRITERS[options.target](target, plain)
    except (ValueError, OSError) as error:
        tally.report(f"{plain.file_name} is left out: {error}")
        return
    tally.images += 1
    tally.objects += len(plain.objects)


def _summary(tally: _Tally, options: argparse.Namespace) -> str:
    parts = [f"{tally.images} images", f"{tally.objects} objects"]
    if tally.costs:
        from napari_edgeflow.formats.annotation_changes import Simplification

        cost = sum(tally.costs, Simplification())
        parts.append(f"{cost.vertices_before} -> {cost.vertices_after} vertices")
        parts.append(f"IoU kept {cost.iou:.4f}")
    return " · ".join((*parts, str(options.output)))
