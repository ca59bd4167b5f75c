"""Reading the sources of a training, in whatever layout they are."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from zlib import crc32

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs
from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.files.class_lists import find_class_list
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.coco.dataset import coco_files, read_coco
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
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
    files = coco_files(path)
    if files or any(path.glob("*.json")):
        if len(files) == 1:
            return DataSource(files[0], "coco")
        # What is held back for a test is not learnt from.
        learnt = [file for file in files if "train" in _split_words(file, path)]
        if len(learnt) == 1:
            return DataSource(learnt[0], "coco")
        names = " and ".join(file.name for file in files[:2]) or "none of COCO's"
        raise ValueError(
            f"{path} has several JSON files ({names}): choose the one to learn from"
        )
    raise ValueError(
        f"{path} has neither images/ and labels/ nor the folders of PASCAL VOC nor "
        "a COCO file: choose another, or turn its labels into one of these by the "
        "command 'napari-edgeflow convert'"
    )


def _split_words(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix().lower()


def _pass_over(_: str) -> None:
    """Say nothing yet: it is said when a training begins."""


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
        listed = [one for one, _ in _listed(source.path, source.images, _pass_over)]
        return len(listed), listed[-1].classes
    classes = find_class_list(source.path)
    if classes is None and source.layout == "voc":
        classes = ClassTable.voc()
    return len(files_of_labels(source)), classes


def files_of_labels(source: DataSource) -> list[Path]:
    """Return the label images of a layout that has such; errors as above."""
    return [pair.labels for pair in _listed_pairs(source)]


def read_source(
    source: DataSource,
    output: Path,
    most: int | None = None,
    report: Report = refuse,
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
    report : callable
        Told of objects that are left out.

    Raises
    ------
    ValueError, OSError
        As :func:`source_contents`, or if labels cannot be written.
    """
    if source.layout == "coco":
        folder = _labels_folder(source.path, output)
        return coco_pairs(source.path, source.images, folder, source.kind, most, report)
    return _listed_pairs(source)[:most], find_class_list(source.path)


def _listed_pairs(source: DataSource) -> tuple[LabelledImage, ...]:
    """Return the images of a layout that has label images."""
    if source.layout == "voc":
        return VocFolder(source.path).pairs(source.names or "train")
    return folder_pairs(source.path / "images", source.path / "labels")


def _labels_folder(path: Path, output: Path) -> Path:
    """Return where the labels of a COCO file go; each file has a folder of its own.

    Many COCO files are called instances.json. Under torchrun each process writes its
    own labels, since none waits for another yet.
    """
    rank = os.environ.get("RANK", "0")
    name = _COCO_LABELS if rank == "0" else f"{_COCO_LABELS}-{rank}"
    return output / name / f"{path.stem}-{crc32(bytes(path.resolve())):08x}"


def coco_pairs(
    path: Path,
    images: Path | None,
    output: Path,
    kind: Kind,
    most: int | None = None,
    report: Report = refuse,
) -> tuple[tuple[LabelledImage, ...], ClassTable]:
    """Write the labels of a file's images, and return both by pairs.

    Parameters
    ----------
    path : Path
        The JSON file.
    images : Path or None
        Folder of its images; None for ``images`` beside it, or its own folder.
    output : Path
        Folder for the label images, each under the path of its image.
    kind : {"semantic", "object"}
        Whether to write class ids or object ids.
    most : int, optional
        Images at most; default: all.
    report : callable
        Told of annotations that are left out.

    Returns
    -------
    pairs : tuple of LabelledImage
        One for each image of the file.
    classes : ClassTable
        The categories.

    Raises
    ------
    ValueError
        If it is no such file, lists no image, or an annotation cannot be used.
    OSError
        If an image is missing or something cannot be read or written.
    """
    pairs, classes = [], ClassTable(())
    for annotation, image in islice(_listed(path, images, report), most):
        classes = annotation.classes
        is_class = kind == "semantic"
        labels = annotation.class_labels() if is_class else annotation.object_labels()
        target = output / annotation.file_name
        target = target.with_name(f"{target.name}.png")
        write_gray_png(target, labels)
        pairs.append(LabelledImage(image, target))
    return tuple(pairs), classes


def _listed(
    path: Path, images: Path | None, report: Report
) -> Iterator[tuple[ImageAnnotation, Path]]:
    """Yield the images of a file, one at least, and where they are."""
    annotation = None
    for annotation in read_coco(path, report, images):
        if annotation.image is None:
            raise OSError(
                f"{path} lists the image {annotation.file_name}, which is not in "
                f"{images or path.parent}: name the folder of the images, as in "
                f"--coco {path.name},images=DIR"
            )
        yield annotation, annotation.image
    if annotation is None:
        raise ValueError(f"{path} lists no image: there is nothing to train on")


def common_classes(tables: Iterable[tuple[Path, ClassTable]]) -> ClassTable | None:
    """Return the classes that several folders name; None if there are none.

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
