"""Steps of pages that were left."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.content.class_changes import up_to_date
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.storage.project_file import PageSummary, ProjectRecord
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.project.page.loader import LoadedPage
from napari_edgeflow.widgets.project.page.open_page import OpenPage
from napari_edgeflow.widgets.project.page.stage import Stage
from napari_edgeflow.widgets.project.page.steps import PageSteps
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import ObjectHistory

if TYPE_CHECKING:
    from napari_edgeflow.project.content.records import LayerKind

VOC = ClassTable.voc()


class Book:
    """Pages that are turned as the project dock turns them."""

    def __init__(self, most_bytes: int, kind: "LayerKind" = "object") -> None:
        viewer = ViewerModel()
        self.stage = Stage(viewer)
        self.page = OpenPage(self.stage)
        self.history = ObjectHistory(viewer)
        self.steps = PageSteps(self.history, most_bytes)
        self.record = ProjectRecord(classes=VOC)
        self.kind = kind
        self.kept: dict[str, LabelContent] = {}

    def turn(self, name: str) -> None:
        if self.page.name:
            page = PageSummary("work")
            self.record = self.record.with_page(self.page.name, page)
            self.kept[self.page.name] = replace(
                self.page.content().layers["labels"],
                labels=self.page.labels.data.copy(),
                removals=self.record.removals,
            )
            self.steps.leave(self.page, self.record.removals)
        new = LabelContent(self.kind, VOC, np.zeros((40, 60), np.uint16))
        content = PageContent({"labels": self.kept.get(name, new)})
        self.steps.compare(name, {k: x.labels for k, x in content.layers.items()})
        content = up_to_date(content, self.record.removed, self.record.classes)
        loaded = LoadedPage(name, np.zeros((40, 60)), content)
        coming = OpenPage(self.stage, name)
        for _ in coming.bring_in(loaded, LabelScheme("object", VOC)):
            pass
        self.page.take_out()
        self.page = coming
        self.page.show(self.record.classes)
        self.steps.enter(self.page, self.record)

    def values(self) -> list[int]:
        return np.unique(self.page.labels.data).tolist()

    def write(self, value: int) -> None:
        window = Window(value, 0, value + 2, 30)
        change = PixelChange(Plane((None, None)), window, np.ones((2, 30), bool), value)
        self.history.apply(self.page.labels, f"write {value}", [change])

    def undone(self) -> list[str]:
        steps = iter(self.history.undo, None)
        return [edit.what for edit in steps if edit is not None]


@pytest.fixture
def book(qapp: Any, request: pytest.FixtureRequest) -> Iterator[Book]:
    book = Book(*getattr(request, "param", (1 << 20,)))
    yield book
    book.steps.close()
    book.page.take_out()


def test_each_page_has_its_own_steps(book: Book) -> None:
    book.turn("a")
    book.write(1)
    book.write(5)
    book.turn("b")
    book.write(9)
    book.turn("a")
    assert book.undone() == ["write 5", "write 1"]
    assert not book.page.labels.data.any()
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
    book.kept["a"].labels[30, 30] = 7
    book.turn("a")
    assert book.undone() == []


@pytest.mark.parametrize("book", [(5000,)], indirect=True)
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


@pytest.mark.parametrize("book", [(1 << 20, "semantic")], indirect=True)
def test_steps_go_on_where_a_class_was_merged_on_another_page(book: Book) -> None:
    book.turn("a")
    book.write(15)
    book.turn("b")
    book.record = book.record.without_class(15, 12, {"b"})
    book.turn("a")
    assert book.values() == [0, 12]
    book.write(3)
    assert book.undone() == ["write 3", "write 15"]
    assert book.values() == [0]
    book.history.redo()
    assert book.values() == [0, 12]
    book.turn("b")
    book.record = book.record.with_class_again(15)
    book.turn("a")
    assert book.values() == [0, 15]
    assert book.undone() == ["write 15"]
    assert book.values() == [0]
    book.history.redo()
    book.history.redo()
    assert book.values() == [0, 3, 15]


@pytest.mark.parametrize("book", [(1 << 20, "semantic")], indirect=True)
def test_a_merge_is_undone_after_what_it_gave_was_merged_on_another(book: Book) -> None:
    book.turn("a")
    book.write(15)
    merge = PixelChange(
        Plane((None, None)), Window(0, 0, 40, 60), np.ones((40, 60), bool), 12
    )
    merge = replace(merge, mask=book.page.labels.data == 15)
    book.history.apply(book.page.labels, "merge", [merge])
    book.record = book.record.without_class(15, 12, {"a"})
    book.turn("b")
    book.record = book.record.without_class(12, 7, {"b"})
    book.turn("a")
    assert book.values() == [0, 7]
    book.history.undo()
    assert book.values() == [0, 15]
    book.history.redo()
    assert book.values() == [0, 7]


def test_a_deleted_object_comes_back_with_the_class_its_class_became(
    book: Book,
) -> None:
    book.turn("a")
    flat = Plane((None, None))
    record = ObjectRecord(1, 15, "person", (), 1.0, flat)
    book.history.apply(book.page.labels, "add", [], [record])
    book.history.apply(book.page.labels, "delete", [], removed=[1])
    book.turn("b")
    book.record = book.record.without_class(15, 12, {"b"})
    book.turn("a")
    book.history.undo()
    found = read_records(book.page.labels)[1]
    assert (found.class_id, found.class_name) == (12, VOC.get(12).name)
    book.history.redo()
    book.turn("b")
    book.record = book.record.with_class_again(15)
    book.turn("a")
    book.history.undo()
    assert read_records(book.page.labels)[1].class_id == 15


def test_an_object_gets_its_class_back_though_the_other_was_renamed_on_another_page(
    book: Book,
) -> None:
    book.turn("a")
    record = ObjectRecord(1, 15, "person", (), 1.0, Plane((None, None)))
    book.history.apply(book.page.labels, "add", [], [record])
    dog = replace(record, class_id=12, class_name="dog")
    book.history.apply(book.page.labels, "change", [], [dog])
    book.turn("b")
    hound = replace(VOC.get(12), name="hound")
    book.record = replace(book.record, classes=VOC.replaced(12, hound))
    book.turn("a")
    book.history.undo()
    found = read_records(book.page.labels)[1]
    assert (found.class_id, found.class_name) == (15, "person")
    book.history.redo()
    found = read_records(book.page.labels)[1]
    assert (found.class_id, found.class_name) == (12, "hound")
