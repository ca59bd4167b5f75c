import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeflow.engine.raster.metrics import (
    confusion_matrix,
    iou,
    iou_of_classes,
    mean_iou,
    number_of_clicks,
)


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


def test_confusion_by_hand() -> None:
    truth = np.array([[0, 0, 7, 7], [7, 300, 255, 9]], np.uint16)
    labels = np.array([[0, 7, 7, 300], [7, 300, 0, 7]], np.uint16)
    # Rows are what it is, columns what was found; 255 and 9 are no classes.
    assert confusion_matrix(labels, truth, (0, 7, 300)).tolist() == [
        [1, 1, 0, 0],
        [0, 2, 1, 0],
        [0, 0, 1, 0],
    ]
    # A prediction that is none of the classes is wrong, and counted last.
    assert confusion_matrix(labels, truth, (7, 0)).tolist() == [[2, 0, 1], [1, 1, 0]]
    nothing = np.full((3, 3), 255, np.uint8)
    assert not confusion_matrix(np.zeros_like(nothing), nothing, (0, 1)).any()


def test_iou_of_classes_by_hand() -> None:
    confusion = np.array([[6, 2, 0, 0], [1, 3, 0, 2], [0, 0, 0, 0]])
    found = iou_of_classes(confusion)
    np.testing.assert_allclose(found[:2], [6 / 9, 3 / 8])
    assert np.isnan(found[2])


def test_mean_iou_is_that_of_the_classes_that_occur() -> None:
    # The third class is only predicted, and lowers the first one's.
    confusion = np.array([[3, 0, 1, 0], [0, 4, 0, 0], [0, 0, 0, 0]])
    assert mean_iou(confusion) == pytest.approx((3 / 4 + 1) / 2)
    assert mean_iou(np.zeros((2, 3), np.int64)) == 0


@given(
    truth=arrays(np.uint8, (2, 5, 6), elements=st.sampled_from([0, 1, 2, 3, 255])),
    labels=arrays(np.uint8, (2, 5, 6), elements=st.integers(0, 3)),
)
def test_iou_of_classes_agrees_with_smp(truth: np.ndarray, labels: np.ndarray) -> None:
    counts = smp.metrics.get_stats(
        torch.from_numpy(labels.astype(np.int64)),
        torch.from_numpy(truth.astype(np.int64)),
        mode="multiclass",
        ignore_index=255,
        num_classes=4,
    )
    hits, false, missed, _ = (count.sum(0).numpy() for count in counts)
    confusion = confusion_matrix(labels, truth, range(4))
    np.testing.assert_array_equal(confusion.diagonal(), hits)
    assert confusion.sum() == (truth != 255).sum()
    union = hits + false + missed
    expected = np.divide(hits, union, out=np.full(4, np.nan), where=union > 0)
    np.testing.assert_allclose(iou_of_classes(confusion), expected)


@given(
    truth=arrays(np.uint8, (4, 5), elements=st.integers(0, 3)),
    labels=arrays(np.uint8, (4, 5), elements=st.integers(0, 3)),
    chosen=st.integers(0, 3),
)
def test_iou_of_classes_is_the_iou_of_each(
    truth: np.ndarray, labels: np.ndarray, chosen: int
) -> None:
    found = iou_of_classes(confusion_matrix(labels, truth, range(4)))[chosen]
    if np.isnan(found):
        assert not (labels == chosen).any()
        assert not (truth == chosen).any()
    else:
        assert found == iou(labels == chosen, truth == chosen)
