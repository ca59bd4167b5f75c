"""The option of trainings that names a COCO file."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_edgeflow.engine.data.pairs import LabelledImage
    from napari_edgeflow.engine.labels.classes import ClassTable, Kind

LABELS_FOLDER = "coco-labels"
"""Inside the folder of a training."""


def add_coco(parser: argparse.ArgumentParser, form: str) -> None:
    """Add the option."""
    parser.add_argument(
        "--coco",
        action="append",
        default=[],
        metavar=form,
        help="COCO JSON; its images are in DIR, in images beside it, or beside it",
    )


def split_settings(text: str, known: "Collection[str]") -> tuple[Path, dict[str, str]]:
    """Return the path and the settings of a source, PATH[,name=value]...

    The path may have commas itself.

    Raises
    ------
    ValueError
        If a setting is unknown.
    """
    path, settings = text, dict[str, str]()
    while True:
        rest, _, part = path.rpartition(",")
        name, equals, value = part.partition("=")
        if not rest or not equals or not name.isidentifier():
            return Path(path), settings
        if name not in known:
            raise ValueError(f"source {text!r}: unknown {name!r}, see --help")
        path, settings[name] = rest, value


def read_coco_source(
    path: Path, images: str | None, output: Path, kind: "Kind"
) -> "tuple[tuple[LabelledImage, ...], ClassTable]":
    """Return the labelled images of a COCO file and its classes.

    The labels are written into the folder of the training.
    """
    from napari_edgeflow.formats.training.coco import coco_pairs

    folder = None if images is None else Path(images)
    return coco_pairs(path, folder, _labels_folder(path, output), kind)


def _labels_folder(path: Path, output: Path) -> Path:
    """Return where the labels of a file go; each file has a folder of its own.

    Many COCO files are called instances.json. Under torchrun each process writes its
    own labels, since none waits for another yet.
    """
    rank = os.environ.get("RANK", "0")
    name = LABELS_FOLDER if rank == "0" else f"{LABELS_FOLDER}-{rank}"
    return output / name / f"{path.stem}-{crc32(bytes(path.resolve())):08x}"
