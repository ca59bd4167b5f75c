from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import relabel_sequential

from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.evaluation.objects import (
    THRESHOLDS,
    evaluate_objects,
    match_objects,
    summarize_objects,
)

Ids = NDArray[np.int64]


def scattered(seed: int, shape: tuple[int, int] = (48, 40)) -> tuple[Ids, Ids]:
    """Return true objects, and found ones: moved, lost, in two, grown together."""
    rng = np.random.default_rng(seed)
    truth, found = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for i in range(1, 13):
        y, x, h, w = rng.integers((0, 0, 4, 4), (*np.subtract(shape, 8), 12, 12))
        truth[y : y + h, x : x + w] = 3 * i
        if rng.random() < 0.8:
            y, x = y + rng.integers(2), x + rng.integers(3)
            found[y : y + h, x : x + w] = i if rng.random() < 0.8 else i + 1
            if rng.random() < 0.3:
                found[y : y + h // 2, x : x + w] = 100 + i
    return found, truth


def greedy(found: Ids, truth: Ids, threshold: float) -> tuple[int, int, int, float]:
    """Match otherwise: over 0.5 every pair is the only one for both of its objects."""
    ids, true_ids = (set(np.unique(a)) - {0} for a in (found, truth))
    ious = [
        iou
        for i in ids
        for j in true_ids
        if (iou := ((found == i) & (truth == j)).sum()
            / ((found == i) | (truth == j)).sum()) >= threshold
    ]  # fmt: skip
    hits = len(ious)
    return hits, len(ids) - hits, len(true_ids) - hits, float(sum(ious))


@pytest.mark.parametrize("seed", range(8))
def test_two_ways_of_matching_agree(seed: int) -> None:
    found, truth = scattered(seed)
    matched = match_objects(found, truth).matched
    assert matched[0].hits > 0
    for threshold, ours in zip(THRESHOLDS[1:], matched[1:], strict=True):
        assert ours == pytest.approx(greedy(found, truth, threshold))


def test_figures_by_hand() -> None:
    truth = np.zeros((20, 40), np.uint16)
    truth[:10, :10] = 7  # Found whole.
    truth[:10, 10:20] = 8  # Found with 8 of 10 rows, IoU 0.8.
    truth[:10, 20:30] = 9  # Found in two halves, of IoU 0.5 each.
    truth[10:, :10], truth[10:, 10:20] = 10, 11  # Found as one, IoU 0.5 with both.
    truth[10:, 30:] = 12  # Not found.
    found = np.zeros((20, 40), np.int32)
    found[:10, :10] = 1
    found[:8, 10:20] = 2
    found[:10, 20:25], found[:10, 25:30] = 3, 4
    found[10:, :20] = 5
    found[10:14, 22:26] = 6  # Nothing is there.
    match = match_objects(found, truth)
    assert (match.split, match.merged) == (1, 1)
    assert match.matched[0] == (4, 2, 2, 1 + 0.8 + 0.5 + 0.5)
    assert match.matched[THRESHOLDS.index(0.75)] == (2, 4, 4, 1.8)
    assert match.matched[THRESHOLDS.index(0.8)].hits == 2
    assert match.matched[THRESHOLDS.index(0.85)] == (1, 5, 5, 1)
    figures = summarize_objects([match])
    assert (figures.objects, figures.found) == (6, 6)
    assert figures.ap50 == 4 / 8
    assert figures.ap75 == 2 / 10
    # 0.5; 0.55 to 0.8; 0.85 to 0.95.
    assert figures.ap == pytest.approx((4 / 8 + 6 * 2 / 10 + 3 * 1 / 11) / 10)
    assert figures.f1 == 8 / 12
    assert figures.pq == pytest.approx(2.8 / 6)
    assert (figures.split, figures.merged) == (1, 1)


def test_as_many_pairs_as_possible_reach_the_threshold() -> None:
    # Exactly 0.5 each way: found 2 has half of both, found 1 and 3 have the rest.
    truth, found = np.zeros((1, 20), int), np.zeros((1, 20), int)
    truth[0, :10], truth[0, 10:] = 1, 2
    found[0, :5], found[0, 5:10], found[0, 10:] = 1, 3, 2
    assert match_objects(found, truth).matched[0] == (2, 1, 0, 1.5)


def test_ids_and_their_order_do_not_matter() -> None:
    found, truth = scattered(3)
    expected = match_objects(found, truth)
    swapped = np.where(found > 0, 500 - found, 0)
    assert match_objects(swapped, relabel_sequential(truth)[0]) == expected


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        (0, 0, (0, 0, 0, 0)),
        (0, 4, (0, 0, 1, 0)),
        (4, 0, (0, 1, 0, 0)),
        (4, 9, (1, 0, 0, 1)),
    ],
)
def test_images_full_of_one_thing_or_of_nothing(
    found: int, truth: int, expected: tuple[int, ...]
) -> None:
    match = match_objects(np.full((4, 5), found), np.full((4, 5), truth))
    assert set(match.matched) == {expected}


def test_objects_count_over_all_images() -> None:
    one, none = np.ones((4, 4), int), np.zeros((4, 4), int)
    two = np.repeat([[1], [1], [2], [2]], 4, axis=1)
    results = [match_objects(one, one, 5), match_objects(none, two, 9)]
    figures = summarize_objects(results)
    assert (figures.images, figures.objects, figures.found) == (2, 3, 1)
    assert (figures.ap50, figures.ap) == pytest.approx((1 / 3, 1 / 3))
    assert figures.ms_per_image_median == 7
    with pytest.raises(ValueError, match="no object in these images"):
        summarize_objects([match_objects(none, none)])
    with pytest.raises(ValueError, match="no object in these images"):
        summarize_objects([])


def test_images_are_read_and_what_does_not_fit_is_named(tmp_path: Path) -> None:
    pair = LabelledImage(tmp_path / "a.png", tmp_path / "ids.png")
    truth = scattered(1)[1].astype(np.uint8)
    Image.fromarray(truth).save(pair.labels)
    Image.new("RGB", truth.shape[::-1]).save(pair.image)
    (match,) = evaluate_objects(lambda given, image: truth, [pair])
    assert match.matched[-1].hits == len(np.unique(truth)) - 1
    assert match.milliseconds > 0
    with pytest.raises(ValueError, match=r"a\.png: what was found has shape \(3, 3\)"):
        list(evaluate_objects(lambda *_: np.zeros((3, 3), int), [pair]))
