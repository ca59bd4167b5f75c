"""How well objects are found one by one: AP, F1, panoptic quality, splits and merges.

The matching is that of StarDist (``stardist.matching``) and of Cellpose
(``cellpose.metrics``): at a threshold of IoU every found object is paired with at most
one true object, such that as many pairs as possible reach the threshold. Pairs that do
are true positives, what is left are false positives and false negatives:

- AP = TP / (TP + FP + FN), as in the Data Science Bowl of 2018,
- F1 = 2 TP / (2 TP + FP + FN),
- PQ = sum of the IoU of the true positives / (TP + (FP + FN) / 2), at IoU 0.5
  (Kirillov et al., "Panoptic Segmentation", 2019).

Objects are counted over all images, as StarDist does by default; Cellpose averages the
AP of images instead.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_edgeflow.engine.data.pairs import LabelledImage, read_pair

Ids = NDArray[np.integer[Any]]
"""(H, W) ids of objects; 0 is the background."""

FindObjects = Callable[[LabelledImage, NDArray[np.uint8]], Ids]
"""Returns the objects of an image (H, W, 3)."""

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""IoU from which a pair counts: 0.5, 0.55, … 0.95."""


class Matched(NamedTuple):
    """How many objects were found at a threshold, and how well.

    Parameters
    ----------
    hits, extra, missed : int
        True positives, false positives and false negatives.
    iou : float
        Sum over the hits.
    """

    hits: int
    extra: int
    missed: int
    iou: float


@dataclass(frozen=True, slots=True)
class ObjectMatch:
    """What was found of the objects of one image.

    Parameters
    ----------
    matched : tuple of Matched
        At each of :data:`THRESHOLDS`.
    split : int
        True objects that hold most of each of two found ones, or of more.
    merged : int
        Found objects that hold most of each of two true ones, or of more.
    milliseconds : float
        What finding them took; 0 if they came from a file.
    """

    matched: tuple[Matched, ...]
    split: int
    merged: int
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ObjectFigures:
    """Figures over all images; see the module for what they are.

    Parameters
    ----------
    images, objects, found : int
        Numbers of images, of true and of found objects.
    ap50, ap75, ap : float
        AP at IoU 0.5 and 0.75, and the mean over all :data:`THRESHOLDS`.
    f1 : float
        At IoU 0.5.
    pq : float
        At IoU 0.5.
    split, merged : int
        As :class:`ObjectMatch` counts them.
    ms_per_image_median : float
        Median time of finding the objects.
    """

    images: int
    objects: int
    found: int
    ap50: float
    ap75: float
    ap: float
    f1: float
    pq: float
    split: int
    merged: int
    ms_per_image_median: float


def match_objects(found: Ids, truth: Ids, milliseconds: float = 0.0) -> ObjectMatch:
    """Compare objects with what they should be.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if found.shape != truth.shape:
        raise ValueError(f"found objects {found.shape}, true ones {truth.shape}")
    overlap = _overlap(found, truth)
    both = overlap[1:, 1:]
    areas, true_areas = overlap[1:].sum(1), overlap[:, 1:].sum(0)
    union = areas[:, None] + true_areas - both
    iou = both / np.maximum(union, 1)
    return ObjectMatch(
        tuple(_matched(iou, threshold) for threshold in THRESHOLDS),
        split=int(((2 * both > areas[:, None]).sum(0) > 1).sum()),
        merged=int(((2 * both > true_areas).sum(1) > 1).sum()),
        milliseconds=milliseconds,
    )


def _overlap(found: Ids, truth: Ids) -> NDArray[np.int64]:
    """Return how many pixels each two have in common, the backgrounds first."""
    ids, rows = np.unique(found, return_inverse=True)
    true_ids, columns = np.unique(truth, return_inverse=True)
    # There is a row of the background also where no pixel is left for it.
    rows = rows.ravel() + (ids[0] != 0)
    columns = columns.ravel() + (true_ids[0] != 0)
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    pixels = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return pixels.reshape(shape)


def _matched(iou: NDArray[np.float64], threshold: float) -> Matched:
    """Pair as many as reach the threshold, and among these ways the closest ones."""
    count, true_count = iou.shape
    # Whatever the IoU add up to, they never outweigh one pair more.
    gain = (iou >= threshold) + iou / (2 * max(min(iou.shape), 1))
    pairs = iou[linear_sum_assignment(gain, maximize=True)]
    hits = pairs[pairs >= threshold]
    return Matched(
        len(hits), count - len(hits), true_count - len(hits), float(hits.sum())
    )


def evaluate_objects(
    find: FindObjects, pairs: Iterable[LabelledImage]
) -> Iterator[ObjectMatch]:
    """Yield what is found of the objects of each image.

    Parameters
    ----------
    find : callable
        Returns the objects of an image; it is given the files and the pixels.
    pairs : iterable of LabelledImage
        Images with the ids of their objects.

    Raises
    ------
    ValueError, OSError
        If an image or its labels cannot be read or do not fit.
    """
    for pair in pairs:
        image, truth = read_pair(pair)
        started = time.perf_counter()
        found = find(pair, image)
        milliseconds = 1000 * (time.perf_counter() - started)
        if found.shape != truth.shape:
            raise ValueError(
                f"{pair.image.name}: what was found has shape {found.shape}, the "
                f"image {truth.shape}: both need the same height and width"
            )
        yield match_objects(found, truth, milliseconds)


def summarize_objects(results: Sequence[ObjectMatch]) -> ObjectFigures:
    """Return the figures over all results.

    Raises
    ------
    ValueError
        If there are none, or they have no object at all.
    """
    sums = [
        Matched(*map(sum, zip(*(r.matched[i] for r in results), strict=True)))
        for i in range(len(THRESHOLDS) if results else 0)
    ]
    if not sums or not sum(sums[0][:3]):
        raise ValueError(
            "no object in these images: check that the labels are ids of objects"
        )
    precision = [s.hits / (s.hits + s.extra + s.missed) for s in sums]
    half = sums[0]
    both = half.hits + (half.extra + half.missed) / 2
    return ObjectFigures(
        images=len(results),
        objects=half.hits + half.missed,
        found=half.hits + half.extra,
        ap50=precision[0],
        ap75=precision[THRESHOLDS.index(0.75)],
        ap=sum(precision) / len(precision),
        f1=half.hits / both,
        pq=half.iou / both,
        split=sum(r.split for r in results),
        merged=sum(r.merged for r in results),
        ms_per_image_median=median(r.milliseconds for r in results),
    )
