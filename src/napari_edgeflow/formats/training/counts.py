"""How many pixels of each class a folder of labelled images has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOC_LABELS, VOID, read_labels
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.formats.training.plan import DataSource
from napari_edgeflow.formats.training.sources import label_files

MOST_COUNTED = 200
"""Images to count at most: more take long and tell little more."""


@dataclass(frozen=True, slots=True)
class FolderCounts:
    """What the labels of some of a folder's images hold.

    Parameters
    ----------
    pixels : mapping
        Number of pixels of each class id, 0 among them; those of all images are told
        by as many as were counted.
    counted, empty : int
        How many images were counted, and how many of them have no label.
    """

    pixels: Mapping[int, int]
    counted: int
    empty: int


def count_folder(folder: DataSource) -> FolderCounts:
    """Return what is in a folder; it is counted again once its files change.

    Raises
    ------
    ValueError
        If labels cannot be used.
    OSError
        If a file cannot be read.
    """
    place = {"pairs": "labels", "voc": VOC_LABELS, "coco": ""}[folder.layout]
    return _counted(folder, (folder.path / place).stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _counted(folder: DataSource, _changed: int) -> FolderCounts:
    total: dict[int, int] = {}
    counted = empty = 0
    for labels in _labels(folder):
        values, pixels = np.unique(labels, return_counts=True)
        found = dict(zip(values.tolist(), pixels.tolist(), strict=True))
        counted += 1
        empty += not set(found) - {0, VOID}
        for value, number in found.items():
            total[value] = total.get(value, 0) + number
    return FolderCounts(total, counted, empty)


def _labels(folder: DataSource) -> Iterator[NDArray[np.integer]]:
    if folder.layout == "coco":
        listed = islice(read_coco(folder.path), MOST_COUNTED)
        yield from (annotation.class_labels() for annotation in listed)
        return
    for path in spread(label_files(folder)):
        yield read_labels(path)


def spread(paths: list[Path]) -> list[Path]:
    """Return ``MOST_COUNTED`` of the paths at most, from all of the list."""
    return paths[:: -(-len(paths) // MOST_COUNTED) or 1]
