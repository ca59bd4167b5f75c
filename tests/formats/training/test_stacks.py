import numpy as np
import pytest

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.training.stacks import (
    LabelledStack,
    class_pixels,
    count_stack,
    merge_classes,
)

CAT, DOG = LabelClass(1, "cat", (9, 0, 0)), LabelClass(2, "dog", (0, 9, 0))
PETS = ClassTable((CAT, DOG))


def stack(values: object, name: str = "pets", **more: object) -> LabelledStack:
    labels = np.array(values)
    planes = labels if labels.ndim == 3 else labels[None]
    images = [np.zeros((*plane.shape, 3), np.uint8) for plane in planes]
    return LabelledStack(name, images, list(planes), **more)  # type: ignore[arg-type]


def test_pixels_are_counted_where_something_is_labelled() -> None:
    counts = count_stack(stack([[[0, 1], [1, 2]], [[0, 0], [0, 0]]]))
    assert counts.pixels == {0: 1, 1: 2, 2: 1}
    assert counts.labelled == (0,)
    assert (counts.planes, counts.shape) == (2, (2, 2))


def test_objects_count_by_their_class() -> None:
    objects = stack([[7, 8], [9, 0]], kind="object", class_of={7: 2, 8: 2})
    # Object 9 has no class: its pixels do not count in a training.
    assert count_stack(objects).pixels == {0: 1, 2: 2, 255: 1}
    unnamed = stack([[7, 8], [9, 0]], kind="object")
    assert count_stack(unnamed).pixels == {0: 1, 1: 3}


def test_classes_of_the_same_name_are_one() -> None:
    other = ClassTable(
        (LabelClass(1, "dog", (1, 1, 1)), LabelClass(5, "cow", (2,) * 3))
    )
    stacks = [stack([[0, 1], [2, 2]], classes=PETS), stack([[1, 5]], classes=other)]
    counts = [count_stack(one) for one in stacks]
    merged = merge_classes(stacks, counts)
    assert [(c.id, c.name) for c in merged.table] == [
        (1, "cat"),
        (2, "dog"),
        (5, "cow"),
    ]
    assert merged.ids == ({1: 1, 2: 2}, {1: 2, 5: 5})
    assert class_pixels(merged, counts) == {0: 1, 1: 1, 2: 3, 5: 1}


def test_only_classes_that_occur_are_learnt() -> None:
    one = stack([[0, 2]], classes=ClassTable.voc())
    merged = merge_classes([one], [count_stack(one)])
    assert [entry.name for entry in merged.table] == ["bicycle"]


def test_values_without_a_name_take_those_of_the_others() -> None:
    stacks = [stack([[0, 1, 3]]), stack([[0, 1]], classes=PETS)]
    merged = merge_classes(stacks, [count_stack(one) for one in stacks])
    assert [entry.name for entry in merged.table] == ["cat", "class 3"]
    nuclei = stack([[4, 9]], kind="object")
    merged = merge_classes([nuclei], [count_stack(nuclei)])
    assert [(entry.id, entry.name) for entry in merged.table] == [(1, "object")]


def test_ids_of_folders_stay_and_ids_that_are_taken_give_way() -> None:
    cow = ClassTable((LabelClass(1, "cow", (1, 2, 3)),))
    one = stack([[1, 2]], classes=PETS)
    merged = merge_classes([one], [count_stack(one)], cow)
    assert [(c.id, c.name) for c in merged.table] == [
        (1, "cow"),
        (2, "cat"),
        (3, "dog"),
    ]
    assert merged.ids == ({1: 2, 2: 3},)


def test_an_id_that_stands_for_ignored_is_moved() -> None:
    far = ClassTable((LabelClass(300, "far", (1, 2, 3)),))
    one = stack([[300, 255]], classes=far)
    merged = merge_classes([one], [count_stack(one)])
    assert merged.ids == ({300: 1},)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[0.5, 1.0]], "float64: convert them"),
        ([[-1, 1]], "go down to -1"),
        ([[0, 70_000]], "objects rather than classes"),
    ],
)
def test_labels_that_cannot_be_classes_are_refused(
    values: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        count_stack(stack(values))


def test_labels_of_another_shape_are_refused() -> None:
    wrong = LabelledStack("x", [np.zeros((4, 5))], [np.zeros((5, 4), int)])
    with pytest.raises(ValueError, match="same height and width"):
        count_stack(wrong)


def test_too_many_classes_are_refused() -> None:
    one = stack([list(range(1, 255)), list(range(256, 510))])
    with pytest.raises(ValueError, match="over 254 classes"):
        merge_classes([one], [count_stack(one)])
