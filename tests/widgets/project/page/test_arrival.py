"""Pages that are turned in steps, and what a person does in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as PILImage
from qtpy.QtCore import QTimer

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.content.records import LabelContent
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.project.storage.page_files import PageFiles, read_page
from napari_edgeflow.widgets.layers.labels import commit_mask, read_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.page.arrival import ComingPage
from napari_edgeflow.widgets.project.page.layers import PageLayers
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

VOC = ClassTable.voc()
FLAT = Plane((None, None))
SIDE = 60


def page(name: str, value: int = 1) -> ComingPage:
    labels = np.full((SIDE, SIDE), value, np.uint16)
    content = {"objects": LabelContent("object", VOC, labels)}
    return ComingPage(name, np.zeros((SIDE, SIDE)), False, content, _scheme(VOC))


def _scheme(classes: ClassTable) -> LabelScheme:
    return LabelScheme("object", classes)


class Book:
    """A page that is shown, and one that was brought in."""

    def __init__(self) -> None:
        self.viewer: Any = ViewerModel()
        self.layers = PageLayers(self.viewer)
        self.bring(page("first"))
        self.layers.show(VOC)
        self.before = [self.layers.image, self.layers.labels]
        self.bring(page("second", 2))
        self.coming = [x for x in self.viewer.layers if x not in self.before]

    def bring(self, coming: ComingPage) -> None:
        for _ in self.layers.bring_in(coming):
            pass


@pytest.fixture
def book(qapp: Any) -> Any:
    book = Book()
    yield book
    book.layers.take_out()


def test_the_page_before_stays_until_the_next_is_shown(book: Book) -> None:
    viewer, layers = book.viewer, book.layers
    assert [layer.visible for layer in book.before] == [True, True]
    assert [layer.visible for layer in book.coming] == [False, False]
    assert viewer.layers.selection.active is layers.labels is book.before[1]
    layers.show(VOC)
    assert list(viewer.layers) == book.coming == [layers.image, layers.labels]
    assert [layer.visible for layer in book.coming] == [True, True]
    assert viewer.layers.selection.active is layers.labels
    assert layers.labels.data[0, 0] == 2


def test_who_selected_other_layers_keeps_them(book: Book) -> None:
    viewer = book.viewer
    own = viewer.add_shapes(name="mine")
    book.layers.send_back()
    book.bring(page("third"))
    assert viewer.layers.selection.active is own
    book.layers.show(VOC)
    assert viewer.layers.selection.active is own


def test_what_a_person_takes_out_is_no_loss(book: Book) -> None:
    viewer, layers = book.viewer, book.layers
    viewer.layers.remove(book.before[0])
    viewer.layers.remove(book.coming[1])
    layers.show(VOC)
    assert list(viewer.layers) == book.coming
    assert list(layers.all_labels) == ["objects"]


def test_a_name_that_was_taken_is_given_when_it_is_free(book: Book) -> None:
    book.layers.send_back()
    book.bring(page("first"))
    book.layers.show(VOC)
    assert [x.name for x in book.viewer.layers] == ["first", "first objects"]


def test_a_page_that_is_sent_back_leaves_nothing(book: Book) -> None:
    book.layers.send_back()
    assert list(book.viewer.layers) == book.before
    book.layers.show(VOC)
    assert book.layers.labels is book.before[1]


def test_classes_may_change_in_between(book: Book) -> None:
    fewer = ClassTable(tuple(VOC)[:3])
    book.layers.show(fewer)
    assert read_scheme(book.layers.labels) == _scheme(fewer)


# ---- the same with the dock


class Leafer:
    """A person who does something while a page is on its way."""

    def __init__(self, viewer: Any, qtbot: Any, folder: Path) -> None:
        for name in ("a", "b", "c"):
            path = folder / "images" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            PILImage.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(path)
        self.viewer, self.qtbot, self.folder = viewer, qtbot, folder
        self.dock = ProjectWidget(viewer, RecentProjects(folder / "recent.json"))
        viewer.window.add_dock_widget(self.dock, name="Project folder")
        self.controller = self.dock.controller
        self.controller.open(ProjectPlace(folder / "images"))
        self.until_at("a.png")

    def until_at(self, name: str) -> None:
        at = self.controller
        self.qtbot.waitUntil(lambda: at.current == name and not at.busy, timeout=60_000)

    def turn(self, name: str, meanwhile: Callable[[], object]) -> None:
        """Turn to a page and do something while it is on its way."""
        done, before = [], self.controller.current

        def act() -> None:
            done.append(self.controller.current)
            meanwhile()

        def on_inserted() -> None:
            self.viewer.layers.events.inserted.disconnect(on_inserted)
            QTimer.singleShot(0, act)

        self.viewer.layers.events.inserted.connect(on_inserted)
        self.controller.turn_to(name)
        self.qtbot.waitUntil(lambda: done == [before], timeout=60_000)

    def paint(self, value: int) -> None:
        mask = np.ones((4, 50), np.bool_)
        labels = self.controller.layers.labels
        commit_mask(labels, FLAT, Window(0, 0, 4, 50), mask, value)

    def finish(self, class_id: int) -> None:
        """Make an object."""
        window = Window(0, 0, 4, 50)
        change = PixelChange(FLAT, window, np.ones((4, 50), np.bool_), 1)
        record = ObjectRecord(1, class_id, "click", (), 1.0, FLAT)
        history = Workspace.of(self.viewer).history
        history.apply(self.controller.layers.labels, "finish", [change], [record])

    def labels_of(self, name: str) -> Any:
        self.controller.layers.flush()
        self.controller.project.saver.wait()
        return self.saved(name)

    def saved(self, name: str) -> Any:
        files = PageFiles(self.folder / "images" / "napari-edgeflow", name)
        return read_page(files).content.layers["objects"].labels


@pytest.fixture
def person(make_napari_viewer: Any, qtbot: Any, tmp_path: Path) -> Leafer:
    return Leafer(make_napari_viewer(), qtbot, tmp_path)


def test_edits_on_the_way_are_of_the_page_before(person: Leafer) -> None:
    person.turn("b.png", lambda: person.paint(7))
    person.until_at("b.png")
    labels = person.controller.layers.labels
    assert not labels.data.any()
    assert person.labels_of("a.png")[2, 2] == 7
    # Who comes back at once finds the page as it is.
    person.controller.turn_to("c.png")
    person.controller.turn_to("b.png")
    person.paint(5)
    person.until_at("b.png")
    assert person.controller.layers.labels is labels
    assert person.controller.latest == "b.png"
    assert person.labels_of("b.png")[2, 2] == 5


def test_a_class_that_goes_on_the_way_is_gone_from_the_page(person: Leafer) -> None:
    person.finish(2)
    person.controller.turn_to("b.png")
    person.until_at("b.png")
    project = person.controller.project
    person.turn(
        "a.png",
        lambda: project.note(project.record.without_class(2, 3, {"b.png"})),
    )
    person.until_at("a.png")
    layers = person.controller.layers
    assert layers.labels.features["class_id"].tolist() == [3]
    assert list(person.viewer.layers) == [layers.image, layers.labels]


def test_who_turns_on_meanwhile_comes_to_the_last_page(person: Leafer) -> None:
    turn_to, viewer = person.controller.turn_to, person.viewer

    def leaf() -> None:
        turn_to("c.png")
        turn_to("a.png")
        person.paint(3)

    person.turn("b.png", leaf)
    person.qtbot.waitUntil(lambda: person.controller.current == "b.png")
    person.until_at("a.png")
    assert person.controller.layers.labels.data[2, 2] == 3
    assert [layer.name for layer in viewer.layers] == ["a", "a objects"]
    # So does who goes to another folder.
    other = person.folder / "other"
    other.mkdir()
    PILImage.fromarray(np.zeros((9, 9), np.uint8)).save(other / "d.png")
    person.turn("b.png", lambda: person.controller.open(ProjectPlace(other)))
    person.until_at("d.png")
    assert [layer.name for layer in viewer.layers] == ["d", "d objects"]
    assert person.saved("a.png")[2, 2] == 3


def test_a_dock_that_is_closed_on_the_way_leaves_no_layers(person: Leafer) -> None:
    def leave() -> None:
        person.paint(4)
        person.viewer.window.remove_dock_widget(person.dock)

    person.turn("b.png", leave)
    person.qtbot.waitUntil(lambda: not person.viewer.layers)
    assert person.saved("a.png")[2, 2] == 4
    assert person.viewer.add_image(np.zeros((5, 5))).visible


def test_a_viewer_that_is_closed_on_the_way_saves(person: Leafer) -> None:
    def leave() -> None:
        person.paint(4)
        person.viewer.close()

    person.turn("b.png", leave)
    assert person.saved("a.png")[2, 2] == 4
