"""A project's pages in a viewer without a window."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtCore import QTimer

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.project.storage.page_files import PageFiles, read_page
from napari_edgeflow.widgets.layers.labels import commit_mask
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.project.controller import ProjectController, Turn
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

FLAT = Plane((None, None))
SIDE = 60


class Leafer:
    """A person who does something while a page is on its way."""

    def __init__(self, qtbot: Any, folder: Path) -> None:
        for name in ("a", "b", "c"):
            path = folder / "images" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(path)
        self.viewer: Any = ViewerModel()
        self.qtbot, self.folder = qtbot, folder
        self.controller = ProjectController(self.viewer)
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
        labels = self.controller.page.labels
        commit_mask(labels, FLAT, Window(0, 0, 4, 50), mask, value)

    def finish(self, class_id: int) -> None:
        """Make an object."""
        window = Window(0, 0, 4, 50)
        change = PixelChange(FLAT, window, np.ones((4, 50), np.bool_), 1)
        record = ObjectRecord(1, class_id, "click", (), 1.0, FLAT)
        history = Workspace.of(self.viewer).history
        history.apply(self.controller.page.labels, "finish", [change], [record])

    def labels_of(self, name: str) -> Any:
        self.controller.page.flush()
        self.controller.project.saver.wait()
        return self.saved(name)

    def saved(self, name: str) -> Any:
        files = PageFiles(self.folder / "images" / "napari-edgeflow", name)
        return read_page(files).content.layers["objects"].labels


@pytest.fixture
def person(qtbot: Any, tmp_path: Path) -> Iterator[Leafer]:
    person = Leafer(qtbot, tmp_path)
    yield person
    person.controller.close(viewer_remains=True)


def test_edits_on_the_way_are_of_the_page_before(person: Leafer) -> None:
    person.turn("b.png", lambda: person.paint(7))
    person.until_at("b.png")
    labels = person.controller.page.labels
    assert not labels.data.any()
    assert person.labels_of("a.png")[2, 2] == 7
    # Who comes back at once finds the page as it is.
    person.controller.turn_to("c.png")
    person.controller.turn_to("b.png")
    person.paint(5)
    person.until_at("b.png")
    assert person.controller.page.labels is labels
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
    layers = person.controller.page
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
    assert person.controller.page.labels.data[2, 2] == 3
    assert [layer.name for layer in viewer.layers] == ["a", "a objects"]
    # So does who goes to another folder.
    other = person.folder / "other"
    other.mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(other / "d.png")
    person.turn("b.png", lambda: person.controller.open(ProjectPlace(other)))
    person.until_at("d.png")
    assert [layer.name for layer in viewer.layers] == ["d", "d objects"]
    assert person.saved("a.png")[2, 2] == 3


def test_where_a_turn_stands(person: Leafer) -> None:
    at, seen = person.controller, []
    person.viewer.layers.events.inserted.connect(lambda: seen.append(at.turn))
    at.page_shown.connect(lambda _: seen.append(at.turn))
    at.turn_to("b.png")
    assert (at.turn, at.is_open("b.png"), at.is_open("c.png")) == (
        Turn.READING,
        True,
        False,
    )
    person.until_at("b.png")
    assert seen == [Turn.COMING, Turn.COMING, Turn.SHOWN]
    assert at.turn is Turn.NONE


def test_a_page_that_was_overtaken_is_not_open(person: Leafer) -> None:
    at = person.controller
    at.turn_to("b.png")
    at.turn_to("c.png")
    person.until_at("c.png")
    assert not at.is_open("b.png")
    assert list(at.page.all_labels) == ["objects"]


def test_an_image_that_is_gone_is_current_without_layers(person: Leafer) -> None:
    told: list[tuple[str, str]] = []
    person.controller.page_failed.connect(lambda *about: told.append(about))
    person.paint(7)
    (person.folder / "images" / "b.png").unlink()
    person.controller.turn_to("b.png")
    person.until_at("b.png")
    assert "no image" in told[-1][1]
    assert not person.viewer.layers
    assert person.labels_of("a.png")[2, 2] == 7
    person.controller.turn_to("a.png")
    person.until_at("a.png")
    assert person.controller.page.labels.data[2, 2] == 7


@pytest.mark.parametrize("viewer_remains", [True, False])
def test_what_is_closed_on_the_way_saves(person: Leafer, viewer_remains: bool) -> None:
    def leave() -> None:
        person.paint(4)
        person.controller.close(viewer_remains)

    person.turn("b.png", leave)
    assert person.saved("a.png")[2, 2] == 4
    if viewer_remains:
        assert not person.viewer.layers
        assert person.viewer.add_image(np.zeros((5, 5))).visible


@pytest.mark.parametrize("is_done", [True, False])
def test_a_step_is_on_disk_as_a_whole_or_not_at_all(
    person: Leafer, is_done: bool
) -> None:
    saver = person.controller.project.saver
    labels = person.controller.page.labels
    person.paint(1)
    person.labels_of("a.png")
    history = Workspace.of(person.viewer).history
    row = np.ones((1, 50), np.bool_)
    changes = [PixelChange(FLAT, Window(at, 0, at + 1, 50), row, 2) for at in range(8)]
    step = history.applying(labels, "a long step", changes)
    next(step), next(step)
    # A stroke meanwhile has the page saved, but not what is half done.
    stroke = np.ones((2, 9), np.bool_)
    commit_mask(labels, FLAT, Window(30, 0, 32, 9), stroke, 3)
    person.controller.page.flush()
    assert not saver.wait(timeout=0.5)
    assert set(np.unique(person.saved("a.png"))) == {0, 1}
    if is_done:
        list(step)
    else:
        step.close()
    saved = person.labels_of("a.png")
    assert saver.state.saved
    np.testing.assert_array_equal(saved, labels.data)
    assert (saved == 2).any() == is_done
    assert (saved == 3).sum() == stroke.size
