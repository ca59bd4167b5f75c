import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.annotation_samples import (
    CAT,
    DOG,
    TABLE,
    annotations,
    content,
    ring_and_parts,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import (
    Simplification,
    simplify_annotation,
    with_classes,
    without_void,
)


def test_the_cost_of_simpler_outlines_is_counted() -> None:
    ys, xs = np.ogrid[:100, :100]
    disk = ((ys - 50) ** 2 + (xs - 50) ** 2 < 45**2).astype(np.uint8)
    exact = ImageAnnotation.from_labels("a", disk, TABLE)
    simple, cost = simplify_annotation(exact, 1)
    (entry,) = simple.objects
    assert cost.vertices_after == sum(p.vertices for p in entry.drawn)
    assert cost.vertices_after < cost.vertices_before / 3
    mask = entry.region.full((100, 100))
    assert cost.common == (mask & (disk > 0)).sum()
    assert cost.either == (mask | (disk > 0)).sum()
    assert 0.97 < cost.iou < 1
    assert (cost + cost).iou == cost.iou
    assert Simplification().iou == 1


@given(annotation=annotations())
def test_without_tolerance_nothing_is_lost(annotation: ImageAnnotation) -> None:
    same, cost = simplify_annotation(annotation, 0)
    assert cost.iou == 1
    assert cost.vertices_after == cost.vertices_before
    assert content(same) == content(annotation)


@given(annotation=annotations(), tolerance=st.floats(0.1, 50))
def test_no_object_vanishes(annotation: ImageAnnotation, tolerance: float) -> None:
    simple, cost = simplify_annotation(annotation, tolerance)
    assert [o.id for o in simple.objects] == [o.id for o in annotation.objects]
    assert 0 < cost.iou <= 1


def test_wrong_tolerances_are_refused() -> None:
    with pytest.raises(ValueError, match="tolerance -1"):
        simplify_annotation(ring_and_parts(), -1)


def test_classes_are_known_by_name() -> None:
    kitten = LabelClass(7, "cat", (1, 1, 1))
    moved = with_classes(ring_and_parts(), ClassTable((kitten,)))
    assert [c.name for c in moved.classes] == ["cat", DOG.name]
    assert moved.classes.get(7) == kitten
    names = [moved.classes.get(o.class_id).name for o in moved.objects]
    assert names == ["cat", DOG.name, DOG.name, "cat"]


def test_void_is_no_object() -> None:
    labels = np.array([[0, 1, 255]])
    table = ClassTable((CAT, LabelClass(255, "void", (9, 9, 9))))
    annotation = ImageAnnotation.from_labels("a", labels, table)
    plain = without_void(annotation)
    assert plain.classes == ClassTable((CAT,))
    assert plain.class_labels().tolist() == [[0, 1, 0]]
    real = ClassTable((CAT, LabelClass(255, "lamp", (9, 9, 9))))
    kept = ImageAnnotation.from_labels("a", labels, real)
    assert without_void(kept) is kept
