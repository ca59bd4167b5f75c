"""Commands about automatic segmentation: labelling and measuring."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_edgeflow.cli.console import (
    BAD_INPUT,
    add_device,
    complain,
    save_figures,
    two_columns,
    with_progress,
)
from napari_edgeflow.cli.training import (
    add_labelled_images,
    add_pairs,
    labelled_images,
)

if TYPE_CHECKING:
    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.engine.data.pairs import LabelledImage
    from napari_edgeflow.engine.evaluation.objects import (
        FindObjects,
        Ids,
        ObjectFigures,
    )
    from napari_edgeflow.engine.evaluation.semantic import SemanticFigures
    from napari_edgeflow.engine.segmentation.segmenter import (
        PredictSettings,
        SemanticSegmenter,
    )

_WILD = "*?["


def add_segment(commands: "Commands") -> None:
    """Add the command ``segment``."""
    parser = commands.add_parser(
        "segment",
        help="label images automatically",
        description="Writes a palette PNG of class ids for each image, under the "
        "image's stem. Images that have one already are skipped.",
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="files, folders or patterns"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true", help="skip no image")
    parser.add_argument(
        "--confidence",
        action="store_true",
        help="also write the probability of each label, as STEM_confidence.tif",
    )
    _add_model(parser)
    _add_prediction(parser)
    parser.set_defaults(run=_run_segment)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="deeplabv3plus-lite0-voc", metavar="NAME_OR_PATH"
    )
    add_device(parser)


def _add_prediction(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tile-size",
        type=int,
        default=512,
        metavar="N",
        help="pixels, each way, that go through the network at once: memory and "
        "speed, not the result",
    )
    parser.add_argument(
        "--overlap",
        type=int,
        metavar="N",
        help="of windows, in pixels; default: 128, or half a window",
    )
    parser.add_argument(
        "--scale",
        type=float,
        metavar="F",
        help="1 takes the image's pixels as they are; default: as the model was "
        "trained",
    )
    parser.add_argument("--flip", action="store_true", help="look mirrored as well")
    parser.add_argument(
        "--scales",
        type=float,
        nargs="+",
        default=[1.0],
        metavar="F",
        help="average over several scales",
    )


def _prediction(options: argparse.Namespace) -> "PredictSettings":
    from napari_edgeflow.engine.segmentation.segmenter import PredictSettings

    return PredictSettings(
        options.tile_size,
        options.overlap,
        options.scale,
        options.flip,
        tuple(options.scales),
    )


def _run_segment(options: argparse.Namespace) -> int:
    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter
    from napari_edgeflow.engine.system.files import check_folder

    settings = _prediction(options)
    images = find_images(options.inputs)
    check_folder(options.output)
    _check_output(images, options.output)
    wanted = [
        path
        for path in images
        if options.overwrite or not _result(path, options.output).exists()
    ]
    segmenter = SemanticSegmenter.from_pretrained(options.model, options.device)
    problems = 0
    for path in with_progress(wanted, len(wanted), "images"):
        try:
            segment_file(path, options.output, segmenter, settings, options.confidence)
            for notice in segmenter.notices:
                print(f"{path}: {notice}", file=sys.stderr)
        except (ValueError, OSError) as error:
            problems += 1
            complain(str(error))
    skipped = len(images) - len(wanted)
    print(
        f"{len(wanted) - problems} labelled · {skipped} skipped, since done · "
        f"{problems} failed · {segmenter.device} · {options.output}"
    )
    return BAD_INPUT if problems else 0


def _result(image: Path, output: Path) -> Path:
    return output / f"{image.stem}.png"


def _check_output(images: Sequence[Path], output: Path) -> None:
    """Raise ValueError if labels would be written over an image."""
    for image in images:
        if _result(image, output).resolve() == image.resolve():
            raise ValueError(
                f"the labels of {image} would replace it: "
                f"choose another folder than {output}"
            )


def find_images(inputs: Sequence[str]) -> list[Path]:
    """Return the image files that arguments name.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders (their images, not those of folders in them), or patterns.

    Raises
    ------
    ValueError
        If one names nothing, or two images would get the same name.
    """
    found = list(dict.fromkeys(path for text in inputs for path in _expand(text)))
    stems: dict[str, Path] = {}
    for path in found:
        other = stems.setdefault(path.stem, path)
        if other != path:
            raise ValueError(
                f"{other} and {path} would both be written as {path.stem}.png: "
                "label them into different folders"
            )
    return found


def _expand(text: str) -> Iterator[Path]:
    import glob

    from napari_edgeflow.engine.data.pairs import image_files
    from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES

    path = Path(text)
    if path.is_dir():
        files = image_files(path)
        if not files:
            raise ValueError(
                f"no images in the folder {text}: give one with "
                f"{', '.join(sorted(IMAGE_SUFFIXES))} files in it"
            )
    elif not path.exists() and any(sign in text for sign in _WILD):
        matches = (Path(match) for match in sorted(glob.glob(text, recursive=True)))
        files = [m for m in matches if m.suffix.lower() in IMAGE_SUFFIXES]
    else:
        files = [path]
    if not files or not all(file.is_file() for file in files):
        raise ValueError(f"no image {text}: give files, folders or patterns")
    yield from files


def segment_file(
    path: Path,
    output: Path,
    segmenter: "SemanticSegmenter",
    settings: "PredictSettings",
    confidence: bool,
) -> None:
    """Write the palette PNG of an image and, if asked, its confidence as float16 TIFF.

    Raises
    ------
    ValueError, OSError
        If the image cannot be read or a file not be written.
    """
    import numpy as np
    import tifffile

    from napari_edgeflow.engine.data.pixels import read_one_plane
    from napari_edgeflow.engine.system.files import replacing
    from napari_edgeflow.formats.kinds.voc.png import write_palette_png

    image = read_one_plane(path)
    labels: list[Any] = []
    scores: list[Any] = []
    try:
        for strip in segmenter.strips(image, settings):
            labels.append(strip.labels)
            if confidence:
                scores.append(strip.confidence.astype(np.float16))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if confidence:
        with replacing(output / f"{path.stem}_confidence.tif") as partial:
            tifffile.imwrite(partial, np.concatenate(scores), compression="zlib")
    classes = segmenter.classes
    target = _result(path, output)
    write_palette_png(target, np.concatenate(labels), classes.palette(), classes)


def add_evaluate_semantic(commands: "Commands") -> None:
    """Add the command ``evaluate semantic``."""
    parser = commands.add_parser("semantic", help="IoU of automatic segmentation")
    add_labelled_images(parser)
    parser.add_argument("--json", type=Path, metavar="OUT", help="figures as JSON")
    _add_model(parser)
    _add_prediction(parser)
    parser.set_defaults(run=_run_evaluate_semantic)


def _run_evaluate_semantic(options: argparse.Namespace) -> int:
    from napari_edgeflow.engine.evaluation.semantic import (
        evaluate_semantic,
        summarize_semantic,
    )
    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter
    from napari_edgeflow.engine.system.files import check_file
    from napari_edgeflow.formats.training.sources import read_source

    sources = labelled_images(options, "val")
    pairs = [pair for one in sources for pair in read_source(one, Path())[0]]
    if not pairs:
        raise ValueError("no labelled images: give --voc DIR or --pairs DIR")
    if options.json is not None:
        check_file(options.json)
    settings = _prediction(options)
    segmenter = SemanticSegmenter.from_pretrained(options.model, options.device)
    results = evaluate_semantic(segmenter, pairs, settings)
    figures = summarize_semantic(
        segmenter, list(with_progress(results, len(pairs), "images"))
    )
    print(semantic_table(figures))
    print(confusion_table(figures))
    save_figures(options.json, asdict(figures))
    return 0


def add_evaluate_objects(commands: "Commands") -> None:
    """Add the command ``evaluate objects``."""
    parser = commands.add_parser(
        "objects",
        help="AP, F1 and panoptic quality of objects found one by one",
        description="Compares objects with the ids in labels/: those that --labels "
        "has in files of the same stems, or else the connected pieces of each class "
        "that a model finds.",
    )
    add_pairs(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="DIR",
        help="label images of what was found, by any program",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="figures as JSON")
    _add_model(parser)
    _add_prediction(parser)
    parser.set_defaults(run=_run_evaluate_objects)


def _run_evaluate_objects(options: argparse.Namespace) -> int:
    from napari_edgeflow.engine.data.pairs import folder_pairs
    from napari_edgeflow.engine.evaluation.objects import (
        evaluate_objects,
        summarize_objects,
    )
    from napari_edgeflow.engine.system.files import check_file

    pairs = [
        pair
        for folder in options.pairs
        for pair in folder_pairs(folder / "images", folder / "labels")
    ]
    if not pairs:
        raise ValueError("no labelled images: give --pairs DIR")
    if options.json is not None:
        check_file(options.json)
    find = _pieces(options) if options.labels is None else _read(options.labels)
    results = evaluate_objects(find, pairs)
    figures = summarize_objects(list(with_progress(results, len(pairs), "images")))
    print(objects_table(figures))
    save_figures(options.json, asdict(figures))
    return 0


def _pieces(options: argparse.Namespace) -> "FindObjects":
    from napari_edgeflow.engine.labels.regions import objects_of
    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter

    settings = _prediction(options)
    segmenter = SemanticSegmenter.from_pretrained(options.model, options.device)
    return lambda _, image: objects_of(segmenter.predict(image, settings))[0]


def _read(folder: Path) -> "FindObjects":
    from napari_edgeflow.engine.data.names import NameIndex
    from napari_edgeflow.engine.data.pairs import image_files
    from napari_edgeflow.engine.data.pixels import read_label_image

    names = NameIndex(path.name for path in image_files(folder))

    def read(pair: "LabelledImage", _: object) -> "Ids":
        found = names.find_any(pair.image.name)
        if found is None:
            raise ValueError(
                f"no label image of {pair.image.name} in {folder}: every image needs "
                "one, empty where nothing was found"
            )
        return read_label_image(folder / found)

    return read


def objects_table(figures: "ObjectFigures") -> str:
    """Return figures as a table of two columns for a terminal."""
    rows = [
        ("AP at IoU 0.5", f"{figures.ap50:.3f}"),
        ("AP at IoU 0.75", f"{figures.ap75:.3f}"),
        ("AP, mean 0.5 to 0.95", f"{figures.ap:.3f}"),
        ("F1 at IoU 0.5", f"{figures.f1:.3f}"),
        ("panoptic quality", f"{figures.pq:.3f}"),
        ("objects", f"{figures.objects}"),
        ("found", f"{figures.found}"),
        ("split", f"{figures.split}"),
        ("merged", f"{figures.merged}"),
        ("images", f"{figures.images}"),
        ("ms per image, median", f"{figures.ms_per_image_median:.0f}"),
    ]
    return two_columns(rows)


def semantic_table(figures: "SemanticFigures") -> str:
    """Return figures as a table of two columns for a terminal."""
    rows = [
        *(
            (name, "-" if value is None else f"{value:.3f}")
            for name, value in figures.iou_per_class.items()
        ),
        ("mean IoU", f"{figures.miou:.3f}"),
        ("pixel accuracy", f"{figures.pixel_accuracy:.3f}"),
        ("images", f"{figures.images}"),
        ("ms per image, median", f"{figures.ms_per_image_median:.0f}"),
    ]
    return two_columns(rows)


def confusion_table(figures: "SemanticFigures") -> str:
    """Return, of each true class, which percentage of its pixels was called what."""
    names = list(figures.iou_per_class)
    head = "percent".ljust(14) + "".join(name[:5].rjust(6) for name in names)
    lines = ["", "true class in rows, prediction in columns", head]
    for name, row in zip(names, figures.confusion, strict=True):
        total = sum(row)
        cells = (f"{100 * n / total:.0f}" if total and n else "." for n in row)
        lines.append(name[:13].ljust(14) + "".join(cell.rjust(6) for cell in cells))
    return "\n".join(lines)
