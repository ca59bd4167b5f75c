"""VOC folders as objects: SegmentationClass with SegmentationObject beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.labels.classes import voc_palette
from napari_edgeflow.engine.labels.regions import objects_of
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import VOID_NAME
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.kinds.voc.png import read_palette_png, write_palette_png

OBJECTS = "SegmentationObject"


def read_voc(root: Path, report: Report = refuse) -> Iterator[ImageAnnotation]:
    """Read the labelled images of all lists of a folder, such as VOCdevkit/VOC2012.

    Objects are those of SegmentationObject where it has the image, else the connected
    pixels of each class. The void is an object of class 255.
    """
    folder = VocFolder(root)
    if not folder.is_complete:
        raise ValueError(
            f"{root} has no JPEGImages and SegmentationClass: give a VOC folder"
        )
    names = dict.fromkeys(folder.names())
    for split in folder.splits():
        names.update(dict.fromkeys(folder.listed(split)))
    classes = folder.classes()
    for name in names:
        if not folder.labels_path(name).is_file():
            # Lists of other tasks name images that have no labels.
            continue
        try:
            labels, table = read_palette_png(folder.labels_path(name), classes)
            ids = _object_ids(folder, name, labels)
            image = folder.image_path(name)
            file_name = image.name
            if ids is None:
                yield ImageAnnotation.from_labels(file_name, labels, table)
            else:
                class_of = _majority(ids, labels)
                yield ImageAnnotation.from_objects(file_name, ids, class_of, table)
        except (ValueError, OSError) as error:
            report(f"{name} is left out: {error}")


def write_voc(
    folder: VocFolder,
    annotation: ImageAnnotation,
    image: NDArray[Any] | Path,
    split: str = "train",
    report: Report = refuse,
) -> None:
    """Write an image, its classes and its objects; see :meth:`VocFolder.add`.

    The name of the annotation, which must have no white space, is that of the files.
    More than 254 objects, for which the format has no place, are reported.
    """
    name, labels = Path(annotation.stem).name, annotation.class_labels()
    folder.add(name, image, labels, annotation.classes, split)
    void = [c.id for c in annotation.classes if (c.id, c.name) == (VOID, VOID_NAME)]
    objects = annotation.object_labels()
    ids = [entry.id for entry in annotation.objects if entry.class_id not in void]
    if len(ids) >= VOID:
        report(f"{name} has {len(ids)} objects, {OBJECTS} holds 254: it is left out")
        return
    numbered = np.zeros(objects.shape, np.uint8)
    for place, object_id in enumerate(ids, 1):
        numbered[objects == object_id] = place
    if void:
        numbered[labels == VOID] = VOID
    write_palette_png(folder.root / OBJECTS / f"{name}.png", numbered, voc_palette())


def _object_ids(
    folder: VocFolder, name: str, labels: NDArray[np.uint8]
) -> NDArray[np.uint32] | None:
    """Return the ids of objects; None if the folder does not have them."""
    path = folder.root / OBJECTS / f"{name}.png"
    if not path.is_file():
        return None
    ids, _ = read_palette_png(path)
    if ids.shape != labels.shape:
        raise ValueError(f"{path} has another size than the classes: label it again")
    # What is no class is no object, and the void of the classes stays void.
    whole = np.where(labels > 0, ids, 0).astype(np.uint32)
    whole[labels == VOID] = VOID
    bare = (labels > 0) & (labels != VOID) & ((whole == 0) | (whole == VOID))
    # Pixels of a class that no object has are objects by where they touch.
    regions, _ = objects_of(np.where(bare, labels, 0).astype(np.uint16))
    whole[bare] = regions[bare] + VOID
    return whole


def _majority(ids: NDArray[np.uint32], labels: NDArray[np.uint8]) -> dict[int, int]:
    """Return the class that most pixels of each object have."""
    values, places = np.unique(ids, return_inverse=True)
    counts = np.zeros((len(values), 256), np.int64)
    np.add.at(counts, (places.ravel(), labels.ravel()), 1)
    best = counts.argmax(1).tolist()
    return {int(i): best[at] for at, i in enumerate(values.tolist()) if i}
