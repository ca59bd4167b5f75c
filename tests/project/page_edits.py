"""Pages with something on them."""

from typing import Any

import numpy as np

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.project.content.records import LabelContent, PageContent

CLASSES = ClassTable(
    (LabelClass(1, "cat", (255, 0, 0)), LabelClass(2, "dög 🐕", (0, 9, 255)))
)


def row(class_id: int = 1) -> dict[str, Any]:
    name = CLASSES.get(class_id).name
    clicks = [{"y": 3.0, "x": 4.5, "positive": True}]
    return {"class_id": class_id, "class_name": name, "clicks": clicks}


class Page:
    """A page in memory, as a person edits it."""

    def __init__(self, shape: tuple[int, ...] = (40, 60), key: str = "objects") -> None:
        self.key = key
        self.labels = np.zeros(shape, np.uint16)
        self.rows: dict[int, Any] = {}
        self.draft: dict[str, Any] | None = None

    def add(self, index: int, *box: slice | int) -> None:
        self.labels[box or (slice(index, index + 3), slice(index, index + 5))] = index
        self.rows[index] = row(1 + index % 2)

    def content(self) -> PageContent:
        layer = LabelContent("object", CLASSES, self.labels, dict(self.rows))
        return PageContent({self.key: layer}, self.draft)


def assert_same(found: PageContent, expected: PageContent) -> None:
    assert found.draft == expected.draft
    assert list(found.layers) == list(expected.layers)
    for key, layer in expected.layers.items():
        other = found.layers[key]
        assert (other.kind, other.classes) == (layer.kind, layer.classes)
        assert other.rows == layer.rows
        assert other.labels.dtype == layer.labels.dtype
        np.testing.assert_array_equal(other.labels, layer.labels)
