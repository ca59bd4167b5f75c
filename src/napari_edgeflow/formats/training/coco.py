"""Objects of a COCO file as label images, which is what training reads."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png

_FOLDERS = ("images", ".")
"""Where the images are beside the file, unless it is said."""


def coco_pairs(
    path: Path,
    images: Path | None,
    output: Path,
    kind: Kind,
    most: int | None = None,
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
    for annotation, image in islice(_listed(path, images), most):
        classes = annotation.classes
        is_class = kind == "semantic"
        labels = annotation.class_labels() if is_class else annotation.object_labels()
        target = output / annotation.file_name
        target = target.with_name(f"{target.name}.png")
        write_gray_png(target, labels)
        pairs.append(LabelledImage(image, target))
    return tuple(pairs), classes


def coco_contents(path: Path) -> tuple[int, ClassTable]:
    """Return how many images a file has, and its categories; writes nothing.

    Errors are those of :func:`coco_pairs`.
    """
    images, classes = 0, ClassTable(())
    for annotation, _ in _listed(path, None):
        images, classes = images + 1, annotation.classes
    return images, classes


def _listed(path: Path, images: Path | None) -> Iterator[tuple[ImageAnnotation, Path]]:
    """Yield the images of a file, one at least, and where they are."""
    annotation = None
    for annotation in read_coco(path):
        yield annotation, _image(path, images, annotation.file_name)
    if annotation is None:
        raise ValueError(f"{path} lists no image: there is nothing to train on")


def _image(path: Path, images: Path | None, name: str) -> Path:
    folders = [images] if images else [path.parent / folder for folder in _FOLDERS]
    found = next((f / name for f in folders if (f / name).is_file()), None)
    if found is None:
        raise OSError(
            f"{path} lists the image {name}, which is not in {folders[0]}: name the "
            f"folder of the images, as in --coco {path.name},images=DIR"
        )
    return found
