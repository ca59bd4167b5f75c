"""A page that is shown, and one that is on its way in."""

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.project.page.loader import LoadedPage
from napari_edgeflow.widgets.project.page.open_page import OpenPage
from napari_edgeflow.widgets.project.page.stage import Stage

VOC = ClassTable.voc()
SIDE = 60


def _scheme(classes: ClassTable) -> LabelScheme:
    return LabelScheme("object", classes)


class Book:
    """A page that is shown, and one that was brought in."""

    def __init__(self) -> None:
        self.viewer: Any = ViewerModel()
        self.stage = Stage(self.viewer)
        self.page = OpenPage(self.stage)
        self.bring("first.png")
        self.show()
        self.before = [self.page.image, self.page.labels]
        self.bring("sub/second.png", 2)
        self.layers = [x for x in self.viewer.layers if x not in self.before]

    def bring(self, name: str, value: int = 1) -> None:
        labels = np.full((SIDE, SIDE), value, np.uint16)
        content = PageContent({"objects": LabelContent("object", VOC, labels)})
        loaded = LoadedPage(name, np.zeros((SIDE, SIDE)), content)
        self.coming = OpenPage(self.stage, name)
        for _ in self.coming.bring_in(loaded, _scheme(VOC)):
            pass

    def show(self, classes: ClassTable = VOC) -> None:
        self.page.take_out()
        self.page = self.coming
        self.page.show(classes)


@pytest.fixture
def book(qapp: Any) -> Any:
    book = Book()
    yield book
    book.page.take_out()


def test_the_page_before_stays_until_the_next_is_shown(book: Book) -> None:
    viewer, shown = book.viewer, book.page
    assert [layer.visible for layer in book.before] == [True, True]
    assert [layer.visible for layer in book.layers] == [False, False]
    assert viewer.layers.selection.active is shown.labels is book.before[1]
    book.show()
    assert list(viewer.layers) == book.layers == [book.page.image, book.page.labels]
    assert [layer.visible for layer in book.layers] == [True, True]
    assert viewer.layers.selection.active is book.page.labels
    assert book.page.labels.data[0, 0] == 2


def test_who_selected_other_layers_keeps_them(book: Book) -> None:
    viewer = book.viewer
    own = viewer.add_shapes(name="mine")
    book.coming.take_out()
    book.bring("third.png")
    assert viewer.layers.selection.active is own
    book.show()
    assert viewer.layers.selection.active is own


def test_what_a_person_takes_out_is_no_loss(book: Book) -> None:
    viewer = book.viewer
    viewer.layers.remove(book.before[0])
    viewer.layers.remove(book.layers[1])
    book.show()
    assert list(viewer.layers) == book.layers
    assert list(book.page.all_labels) == ["objects"]


def test_a_name_that_was_taken_is_given_when_it_is_free(book: Book) -> None:
    book.coming.take_out()
    book.bring("first.png")
    book.show()
    assert [x.name for x in book.viewer.layers] == ["first", "first objects"]


def test_a_page_that_is_not_shown_after_all_leaves_nothing(book: Book) -> None:
    book.coming.take_out()
    assert list(book.viewer.layers) == book.before
    assert book.page.labels is book.before[1]


def test_classes_may_change_in_between(book: Book) -> None:
    fewer = ClassTable(tuple(VOC)[:3])
    book.show(fewer)
    assert read_scheme(book.page.labels) == _scheme(fewer)


def test_layers_on_their_way_belong_to_their_own_page(book: Book, qtbot: Any) -> None:
    mine = book.viewer.add_labels(np.zeros((SIDE, SIDE), np.uint8), name="mine")
    qtbot.waitUntil(lambda: "labels" in book.page.all_labels)
    assert list(book.page.all_labels.values()) == [book.before[1], mine]
    assert list(book.page.content().layers) == ["objects", "labels"]
