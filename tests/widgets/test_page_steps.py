"""Steps of pages that were left."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.engine.image import Window
from napari_edgeflow.project.records import LabelContent
from napari_edgeflow.widgets.label_layers import LabelScheme
from napari_edgeflow.widgets.object_history import ObjectHistory, PixelChange
from napari_edgeflow.widgets.page_steps import PageSteps
from napari_edgeflow.widgets.planes import Plane
from napari_edgeflow.widgets.project_layers import PageLayers

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOC = ClassTable.voc()


class Book:
    """Pages that are turned as the project dock turns them."""

    def __init__(self, most_bytes: int) -> None:
        viewer = ViewerModel()
        self.layers = PageLayers(viewer)
        self.history = ObjectHistory(viewer)
        self.steps = PageSteps(self.history, most_bytes)
        self.kept: dict[str, NDArray[Any]] = {}
        self.now = ""

    def turn(self, name: str) -> None:
        if self.now:
            self.kept[self.now] = self.layers.labels.data.copy()
            self.steps.leave(self.now, self.layers)
        labels = self.kept.get(name, np.zeros((40, 60), np.uint16))
        self.steps.compare(name, {"objects": labels})
        content = {"objects": LabelContent("object", VOC, labels)}
        image = np.zeros((40, 60))
        self.layers.show(name, image, False, content, LabelScheme("object", VOC))
        self.steps.enter(name, self.layers)
        self.now = name

    def write(self, value: int) -> None:
        window = Window(value, 0, value + 2, 30)
        change = PixelChange(Plane((None, None)), window, np.ones((2, 30), bool), value)
        self.history.apply(self.layers.labels, f"write {value}", [change])

    def undone(self) -> list[str]:
        steps = iter(self.history.undo, None)
        return [edit.what for edit in steps if edit is not None]


@pytest.fixture
def book(qapp: Any, request: pytest.FixtureRequest) -> Iterator[Book]:
    book = Book(getattr(request, "param", 1 << 20))
    yield book
    book.steps.close()
    book.layers.take_out()


def test_each_page_has_its_own_steps(book: Book) -> None:
    book.turn("a")
    book.write(1)
    book.write(5)
    book.turn("b")
    book.write(9)
    book.turn("a")
    assert book.undone() == ["write 5", "write 1"]
    assert not book.layers.labels.data.any()
    book.turn("b")
    book.turn("a")
    assert book.history.redo_text == "write 1"
    book.turn("b")
    assert book.undone() == ["write 9"]


def test_steps_of_other_labels_do_not_come_back(book: Book) -> None:
    book.turn("a")
    book.write(1)
    book.turn("b")
    # Stands for whoever else wrote the project.
    book.kept["a"][30, 30] = 7
    book.turn("a")
    assert book.undone() == []


@pytest.mark.parametrize("book", [5000], indirect=True)
def test_pages_left_longest_ago_are_forgotten(book: Book) -> None:
    for name in ("a", "b", "c"):
        book.turn(name)
        book.write(1)
    book.turn("d")
    book.turn("a")
    assert book.undone() == []
    book.turn("c")
    assert book.undone() == ["write 1"]


def test_a_project_that_is_closed_leaves_no_steps(book: Book) -> None:
    book.turn("a")
    book.write(1)
    book.turn("b")
    book.steps.forget()
    book.turn("a")
    assert book.undone() == []
