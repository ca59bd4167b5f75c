import numpy as np
import pytest

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette


def test_the_palette_follows_vocs_bit_rule() -> None:
    palette = voc_palette()
    assert palette.shape == (256, 3)
    expected = {0: (0, 0, 0), 1: (128, 0, 0), 15: (192, 128, 128), 255: (224, 224, 192)}
    for index, colour in expected.items():
        assert tuple(palette[index]) == colour
    assert len({tuple(c) for c in palette.tolist()}) == 256


def test_the_palette_agrees_with_the_devkits_loop() -> None:
    for index, colour in enumerate(voc_palette().tolist()):
        red = green = blue = 0
        rest = index
        for step in range(8):
            red |= (rest & 1) << (7 - step)
            green |= (rest >> 1 & 1) << (7 - step)
            blue |= (rest >> 2 & 1) << (7 - step)
            rest >>= 3
        assert colour == [red, green, blue]


def test_voc_is_the_default_table() -> None:
    table = ClassTable.voc()
    assert len(table) == 20
    assert table.get(15) == LabelClass(15, "person", (192, 128, 128))
    assert ClassTable.from_records(table.to_records()) == table


def test_classes_are_added_replaced_and_removed() -> None:
    table = ClassTable.voc().without(3)
    assert table.next_id() == 3
    table = table.with_class(LabelClass(3, "nucleus", (1, 2, 3)))
    assert [c.id for c in table][-1] == 3
    table = table.with_class(LabelClass(3, "cell", (4, 5, 6)))
    assert table.get(3).name == "cell"
    assert tuple(table.palette()[3]) == (4, 5, 6)
    assert np.array_equal(table.palette()[1], [128, 0, 0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, "a", (0, 0, 0)), "class id 0"),
        ((70_000, "a", (0, 0, 0)), "class id 70000"),
        ((1, "  ", (0, 0, 0)), "no name"),
        ((1, "a", (0, 0, 256)), "256"),
        ((1, "a", (0, 0)), "three values"),
    ],
)
def test_bad_classes_are_refused(values: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelClass(*values)


def test_bad_tables_are_refused() -> None:
    entry = LabelClass(1, "a", (0, 0, 0))
    with pytest.raises(ValueError, match="class id 1 occurs twice"):
        ClassTable((entry, entry))
    with pytest.raises(ValueError, match="colour"):
        ClassTable.from_records([{"id": 1, "name": "a"}])
    with pytest.raises(ValueError, match="no class 9"):
        ClassTable((entry,)).get(9)
    with pytest.raises(ValueError, match="no class 9"):
        ClassTable((entry,)).without(9)


def test_classes_are_moved_and_replaced() -> None:
    table = ClassTable.voc()
    assert [c.id for c in table.moved(5, 0)][:3] == [5, 1, 2]
    assert [c.id for c in table.moved(1, 99)][-1] == 1
    assert [c.id for c in table.moved(1, 2)][:3] == [2, 3, 1]
    owl = LabelClass(77, "owl", (1, 2, 3))
    assert [c.id for c in table.replaced(3, owl)][:4] == [1, 2, 77, 4]
    with pytest.raises(ValueError, match="class id 4 occurs twice"):
        table.replaced(3, table.get(4))


def test_what_differs_between_two_tables_is_exchanged_in_a_third() -> None:
    cat, dog, owl, cow = (
        LabelClass(i, name, (i, 0, 0))
        for i, name in enumerate(("cat", "dog", "owl", "cow"), 1)
    )
    tiger = LabelClass(1, "tiger", (1, 0, 0))

    def table(*entries: LabelClass) -> ClassTable:
        return ClassTable(entries)

    old = table(cat, dog, owl)
    assert old.exchanged(old, table(tiger, dog)) == table(tiger, dog)
    # Somebody added a class, and renamed another one.
    hound = LabelClass(2, "hound", (2, 0, 0))
    since = table(tiger, hound, owl, cow)
    assert since.exchanged(table(tiger, dog, owl), old) == table(cat, hound, owl, cow)
    both = since.exchanged(table(tiger, dog), table(tiger, owl, dog))
    assert both == table(tiger, owl, hound, cow)
    assert table(dog, cow).exchanged(table(dog), table(cat, dog)) == table(
        cat, dog, cow
    )
    assert table(cow, dog, cat).exchanged(table(dog, cat), table(cat, dog)) == table(
        cow, cat, dog
    )
    # An order that somebody changed since stays.
    assert table(owl, cat, dog).exchanged(old, table(dog, cat, owl)) == table(
        owl, cat, dog
    )
    assert table(cat).exchanged(table(cat), table()) == table(cat)
