import pytest

from napari_edgeflow.engine.labels.class_search import find_classes
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass

NAMES = ("cat", "potted plant", "caterpillar", "wildcat", "house cat", "Bär", "21")
TABLE = ClassTable(
    tuple(LabelClass(20 - i, name, (0, 0, 0)) for i, name in enumerate(NAMES))
)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("cat", ["cat", "caterpillar", "house cat", "wildcat"]),
        ("CAT ", ["cat", "caterpillar", "house cat", "wildcat"]),
        ("plant", ["potted plant"]),
        ("ptpl", ["potted plant"]),
        ("bar", ["Bär"]),
        ("hc", ["house cat"]),
        ("20", ["cat"]),
        ("xyz", []),
    ],
)
def test_the_best_name_comes_first(typed: str, names: list[str]) -> None:
    assert [entry.name for entry in find_classes(TABLE, typed)] == names


def test_nothing_typed_finds_all_in_order() -> None:
    assert [entry.name for entry in find_classes(TABLE, "  ")] == list(NAMES)
