"""Reading the sources of a training, in whatever layout they are."""

import os
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs, voc_pairs
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.files.class_lists import find_class_list
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.training.coco import coco_contents, coco_pairs
from napari_edgeflow.formats.training.plan import DataSource

_COCO_LABELS = "coco-labels"
"""Inside the folder of a training."""


def find_source(path: Path) -> DataSource:
    """Return a folder as a source, with the layout that it has.

    Raises
    ------
    ValueError
        If it has none that training knows.
    """
    if VocFolder(path).is_complete:
        return DataSource(path, "voc")
    if (path / "images").is_dir() and (path / "labels").is_dir():
        return DataSource(path, "pairs")
    files = sorted(path.glob("*.json"))
    if len(files) == 1:
        return DataSource(files[0], "coco")
    if files:
        names = " and ".join(file.name for file in files[:2])
        raise ValueError(
            f"{path} has several JSON files, such as {names}: choose a folder "
            "with the COCO file alone"
        )
    raise ValueError(
        f"{path} has neither images/ and labels/ nor the folders of PASCAL VOC nor "
        "a COCO file: choose another, or turn its labels into one of these by the "
        "command 'napari-edgeflow convert'"
    )


def source_contents(source: DataSource) -> tuple[int, ClassTable | None]:
    """Return how many images are trained on, and the classes that are listed.

    Of PASCAL VOC's layout without a list of its own, VOC's classes. Writes nothing.

    Raises
    ------
    ValueError
        If there are no images, or a list or file cannot be understood.
    OSError
        If a file cannot be read, or an image is missing.
    """
    if source.layout == "coco":
        return coco_contents(source.path)
    classes = find_class_list(source.path)
    if classes is None and source.layout == "voc":
        classes = ClassTable.voc()
    return len(label_files(source)), classes


def label_files(source: DataSource) -> list[Path]:
    """Return the label images of a layout that has such; errors as above."""
    return [pair.labels for pair in _listed_pairs(source)]


def read_source(
    source: DataSource, output: Path, most: int | None = None
) -> tuple[tuple[LabelledImage, ...], ClassTable | None]:
    """Return the labelled images, and the classes if there is a list of them.

    Parameters
    ----------
    source : DataSource
        Where they are.
    output : Path
        The folder of the training, into which the labels of a COCO file are written.
    most : int, optional
        Images at most.

    Raises
    ------
    ValueError, OSError
        As :func:`source_contents`, or if labels cannot be written.
    """
    if source.layout == "coco":
        folder = _labels_folder(source.path, output)
        return coco_pairs(source.path, source.images, folder, source.kind, most)
    return _listed_pairs(source)[:most], find_class_list(source.path)


def _listed_pairs(source: DataSource) -> tuple[LabelledImage, ...]:
    """Return the images of a layout that has label images."""
    if source.layout == "voc":
        return voc_pairs(source.path, source.names or "train")
    return folder_pairs(source.path / "images", source.path / "labels")


def _labels_folder(path: Path, output: Path) -> Path:
    """Return where the labels of a COCO file go; each file has a folder of its own.

    Many COCO files are called instances.json. Under torchrun each process writes its
    own labels, since none waits for another yet.
    """
    rank = os.environ.get("RANK", "0")
    name = _COCO_LABELS if rank == "0" else f"{_COCO_LABELS}-{rank}"
    return output / name / f"{path.stem}-{crc32(bytes(path.resolve())):08x}"


def common_classes(tables: Iterable[tuple[Path, ClassTable]]) -> ClassTable | None:
    """Return the classes of several folders; None if there are none.

    Parameters
    ----------
    tables : iterable of (Path, ClassTable)
        The folders that name classes, and these.

    Raises
    ------
    ValueError
        If two folders have different classes of the same id.
    """
    table: ClassTable | None = None
    for path, classes in tables:
        for entry in classes:
            names = {known.id: known.name for known in table or ()}
            name = names.get(entry.id, entry.name)
            if name != entry.name:
                raise ValueError(
                    f"class {entry.id} is {name!r} in one folder and {entry.name!r} "
                    f"in {path}: give it the same meaning in both"
                )
            table = (table or ClassTable(())).with_class(entry)
    return table
