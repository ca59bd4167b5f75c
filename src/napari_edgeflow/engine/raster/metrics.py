"""Measures of masks and of clicks: pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def iou(
    mask: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_] | None = None,
) -> float:
    """Return intersection over union of two masks (H, W) bool; 1 if both are empty.

    Pixels where ``valid``, (H, W) bool, is False do not count.
    """
    both, either = mask & truth, mask | truth
    if valid is not None:
        both, either = both & valid, either & valid
    union = int(either.sum())
    return int(both.sum()) / union if union else 1.0


def number_of_clicks(ious: Sequence[float], target: float, limit: int) -> int:
    """Return after how many clicks ``target`` is reached, or ``limit`` if never.

    ``ious`` are the IoU after click 1, 2, …, the target is 0.9 for NoC@90.
    """
    reached = (k for k, value in enumerate(ious[:limit], 1) if value >= target)
    return next(reached, limit)


def confusion_matrix(
    labels: NDArray[np.integer], truth: NDArray[np.integer], class_ids: Sequence[int]
) -> NDArray[np.int64]:
    """Count the pixels of each pair of true and predicted class.

    Parameters
    ----------
    labels, truth : ndarray
        Class ids, both of the same shape. Pixels whose truth is none of the classes
        do not count.
    class_ids : sequence of int
        The classes, in the order of the result.

    Returns
    -------
    ndarray
        (classes, classes + 1) int64, rows the truth; the last column counts
        predictions of other ids.
    """
    count = len(class_ids)
    table = np.full(1 + max(*class_ids, int(labels.max()), int(truth.max())), count)
    table[list(class_ids)] = np.arange(count)
    actual, found = table[truth.ravel()], table[labels.ravel()]
    counted = actual < count
    pairs = actual[counted] * (count + 1) + found[counted]
    matrix = np.bincount(pairs, minlength=count * (count + 1))
    return matrix.reshape(count, count + 1)


def iou_of_classes(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the IoU of each class; NaN where it is neither there nor predicted.

    Parameters
    ----------
    confusion : ndarray
        As :func:`confusion_matrix` gives it, or a sum of such.
    """
    count = len(confusion)
    hits = confusion[:, :count].diagonal()
    union = confusion.sum(1) + confusion[:, :count].sum(0) - hits
    values: NDArray[np.float64] = np.divide(
        hits, union, out=np.full(count, np.nan), where=union > 0
    )
    return values


def mean_iou(confusion: NDArray[np.int64]) -> float:
    """Return the mean IoU of the classes that occur; 0 if there are none.

    Classes that were only predicted lower it through those they were mistaken for.

    Parameters
    ----------
    confusion : ndarray
        As :func:`confusion_matrix` gives it, or a sum of such.
    """
    occurs = confusion.sum(1) > 0
    return float(iou_of_classes(confusion)[occurs].mean()) if occurs.any() else 0.0
