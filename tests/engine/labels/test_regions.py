import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, match_classes
from napari_edgeflow.engine.labels.regions import (
    ClassShare,
    ObjectRegion,
    class_summary,
    component_at,
    keep_classes,
    objects_of,
    remove_small,
)

LABELS = np.array(
    [
        [1, 1, 0, 2, 2],
        [1, 0, 0, 2, 0],
        [0, 1, 0, 0, 0],
        [3, 3, 2, 0, 1],
    ],
    np.uint8,
)


def test_other_classes_become_background() -> None:
    kept = keep_classes(LABELS, {1, 3, 77})
    np.testing.assert_array_equal(kept, np.where(LABELS == 2, 0, LABELS))
    assert kept.dtype == np.uint8
    assert not keep_classes(LABELS, ()).any()
    assert keep_classes(np.zeros((0, 3), np.uint8), {1}).shape == (0, 3)


def test_small_components_become_background_class_by_class() -> None:
    left = remove_small(LABELS, 3)
    expected = LABELS.copy()
    expected[3] = 0
    np.testing.assert_array_equal(left, expected)
    np.testing.assert_array_equal(remove_small(LABELS, 0), LABELS)
    assert not remove_small(LABELS, 100).any()
    assert LABELS[3, 0] == 3, "the argument was changed"


def test_objects_are_the_components_of_each_class() -> None:
    ids, objects = objects_of(LABELS)
    assert sorted((o.class_id, o.pixels) for o in objects) == [
        (1, 1),
        (1, 4),
        (2, 1),
        (2, 3),
        (3, 2),
    ]
    for region in objects:
        inside = ids == region.object_id
        assert inside.sum() == region.pixels
        assert set(LABELS[inside]) == {region.class_id}
    assert [o.object_id for o in objects] == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(ids == 0, LABELS == 0)
    assert objects_of(np.zeros((2, 2), np.uint8))[1] == []


@given(arrays(np.uint8, (7, 6), elements=st.integers(0, 3)))
def test_objects_agree_with_scipy(labels: np.ndarray) -> None:
    ids, objects = objects_of(labels)
    for class_id in (1, 2, 3):
        _, count = ndimage.label(labels == class_id, np.ones((3, 3)))
        assert count == sum(o.class_id == class_id for o in objects)
    small = {o.object_id for o in objects if o.pixels < 3}
    left = np.where(np.isin(ids, list(small)), 0, labels)
    np.testing.assert_array_equal(remove_small(labels, 3), left)


def test_the_component_at_a_pixel() -> None:
    mask = component_at(LABELS, (0, 1))
    assert np.argwhere(mask).tolist() == [[0, 0], [0, 1], [1, 0], [2, 1]]
    assert component_at(LABELS, (3, 4)).sum() == 1
    assert component_at(LABELS, (0, 2))[0, 2]
    assert not (component_at(LABELS, (0, 2)) & (LABELS > 0)).any()


def test_the_summary_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # So small that several blocks are added up.
    monkeypatch.setattr("napari_edgeflow.engine.labels.regions._BLOCK", 7)
    confidence = np.full(LABELS.shape, 0.5, np.float32)
    confidence[LABELS == 3] = [0.25, 0.75]
    confidence[LABELS == 1] = 1.0
    rows = class_summary(LABELS, confidence)
    assert rows == [
        ClassShare(0, 9, 45.0, 0.5),
        ClassShare(1, 5, 25.0, 1.0),
        ClassShare(2, 4, 20.0, 0.5),
        ClassShare(3, 2, 10.0, 0.5),
    ]
    stack = class_summary(np.stack([LABELS] * 2), np.stack([confidence] * 2))
    assert [row.pixels for row in stack] == [18, 10, 8, 4]
    assert sum(row.percent for row in stack) == pytest.approx(100)
    assert class_summary(LABELS[:0], confidence[:0]) == []


def test_classes_are_matched_by_name() -> None:
    present = ClassTable(
        (LabelClass(1, "cell", (9, 9, 9)), LabelClass(15, "nucleus", (1, 2, 3)))
    )
    found = ClassTable(
        (
            LabelClass(2, "cell", (0, 0, 0)),
            LabelClass(8, "cat", (4, 5, 6)),
            LabelClass(15, "person", (7, 8, 9)),
        )
    )
    classes, ids = match_classes(present, found)
    assert ids == {2: 1, 8: 8, 15: 3}
    assert classes.classes[:2] == present.classes
    assert classes.get(8) == found.get(8)
    assert classes.get(3) == LabelClass(3, "person", (7, 8, 9))
    voc = ClassTable.voc()
    assert match_classes(voc, voc) == (voc, {c.id: c.id for c in voc})


def test_regions_are_plain_tuples() -> None:
    assert objects_of(LABELS)[1][0] == ObjectRegion(1, 1, 4) == (1, 1, 4)
