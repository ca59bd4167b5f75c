"""Measures of masks and of clicks: pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def iou(
    mask: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_] | None = None,
) -> float:
    """Return intersection over union; 1 if both are empty.

    Parameters
    ----------
    mask, truth : ndarray
        (H, W) bool.
    valid : ndarray, optional
        (H, W) bool, False where pixels do not count.
    """
    both, either = mask & truth, mask | truth
    if valid is not None:
        both, either = both & valid, either & valid
    union = int(either.sum())
    return int(both.sum()) / union if union else 1.0


def number_of_clicks(ious: Sequence[float], target: float, limit: int) -> int:
    """Return after how many clicks ``target`` is reached, or ``limit`` if never.

    Parameters
    ----------
    ious : sequence of float
        IoU after click 1, 2, …
    target : float
        For example 0.9 for NoC@90.
    limit : int
        The most clicks that count.
    """
    reached = (k for k, value in enumerate(ious[:limit], 1) if value >= target)
    return next(reached, limit)
