import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_edgeflow.engine.metrics import iou, number_of_clicks


def test_iou_by_hand() -> None:
    mask = np.array([[1, 1, 0, 0]], bool)
    truth = np.array([[0, 1, 1, 0]], bool)
    assert iou(mask, truth) == 1 / 3
    assert iou(mask, truth, valid=np.array([[0, 1, 1, 1]], bool)) == 1 / 2
    assert iou(mask & False, truth & False) == 1


@given(arrays(bool, (6, 7)), arrays(bool, (6, 7)))
def test_iou_agrees_with_the_jaccard_distance(
    mask: np.ndarray, truth: np.ndarray
) -> None:
    from scipy.spatial.distance import jaccard

    if mask.any() or truth.any():
        assert np.isclose(iou(mask, truth), 1 - jaccard(mask.ravel(), truth.ravel()))


def test_number_of_clicks() -> None:
    assert number_of_clicks([0.5, 0.9, 0.8], 0.9, 20) == 2
    assert number_of_clicks([0.5, 0.6], 0.9, 20) == 20
    assert number_of_clicks([0.5] * 30 + [0.95], 0.9, 20) == 20
