"""The dock "Project folder" in a real viewer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari import Viewer
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget
from tests.widgets import leaving_early
from tests.widgets.dock_person import RED, WHITE, FakeModels, Person, two_squares

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.project.storage.lock import LOCK
from napari_edgeflow.project.storage.page_files import PageFiles, read_page
from napari_edgeflow.project.storage.project_file import PageSummary
from napari_edgeflow.widgets.classes import layer as class_layer
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.layers.labels import commit_mask, read_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.qt.canvas import find_canvas
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

FLAT = Plane((None, None))
NAMES = ["a 2.png", "a 10.png", "sub/ö.png", "sub/z.png"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(two_squares((120, 160 + number))).save(path)
    return tmp_path / "images"


class Labeller:
    """A person with the dock, in a viewer of its own, which may have no window."""

    def __init__(self, viewer: Any, qtbot: Any, folder: Path) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.dock = ProjectWidget(viewer, RecentProjects(folder / "recent.json"))
        self._box = QWidget()
        if isinstance(viewer, Viewer):
            viewer.window.add_dock_widget(self.dock, name="Project folder")
        else:
            qtbot.addWidget(self._box)
            self.dock.setParent(self._box)
        self.controller, self.controls = self.dock.controller, self.dock.controls

    def open(self, place: ProjectPlace) -> None:
        self.controller.open(place)
        self.until(lambda: bool(self.controller.current) and not self.controller.busy)

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=60_000)

    def turn(self, name: str) -> None:
        self.dock._on_chosen(name)
        self.until(lambda: self.controller.current == name)

    def press(self, button: Any) -> None:
        before = self.controller.current
        button.click()
        self.until(lambda: self.controller.current != before)

    @property
    def labels(self) -> Any:
        return self.controller.page.labels

    def paint(self, value: int, row: int) -> None:
        window = Window(row, 0, row + 4, 50)
        mask = np.ones((4, 50), np.bool_)
        commit_mask(self.labels, Plane((None, None)), window, mask, value)

    def finish(self, value: int, row: int) -> None:
        """Make an object of a row, as a step of the history."""
        window = Window(row, 0, row + 4, 50)
        change = PixelChange(FLAT, window, np.ones((4, 50), np.bool_), value)
        record = ObjectRecord(value, 15, "person", (), 1.0, FLAT)
        history = Workspace.of(self.viewer).history
        history.apply(self.labels, f"finish {value}", [change], [record])

    def saved(self) -> None:
        self.until(lambda: not self.controller.page._edited_soon.waits)
        # What the dock says comes a moment after the saver knows.
        self.until(lambda: self.controller.project.saver.wait(timeout=0))
        self.until(lambda: self.controls.status.text() == "saved")

    def leave(self) -> None:
        """Close the dock, as a person does."""
        if isinstance(self.viewer, Viewer):
            self.viewer.window.remove_dock_widget(self.dock)
            QTest.qWait(1)
        else:
            self.dock.setParent(None)


@pytest.fixture
def make_labeller(
    make_napari_viewer: Callable[..., Any], qtbot: Any, tmp_path: Path
) -> Callable[..., Labeller]:
    def make(*, window: bool = False, show: bool = False) -> Labeller:
        has_window = window or show
        viewer = make_napari_viewer(show=show) if has_window else ViewerModel()
        return Labeller(viewer, qtbot, tmp_path)

    return make


def test_pages_are_turned_saved_and_found_again(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    first = make_labeller()
    first.open(ProjectPlace(images))
    names = [layer.name for layer in first.viewer.layers]
    assert names == ["a 2", "a 2 objects"]
    assert read_scheme(first.labels).kind == "object"
    first.paint(3, 10)
    first.labels.features = {"index": [3], "class_id": [2], "clicks": ["[]"]}
    first.saved()
    page = PageFiles(images / "napari-edgeflow", "a 2.png")
    assert read_page(page).content.layers["objects"].labels[12, 20] == 3
    first.press(first.controls.next)
    assert first.controller.current == "a 10.png"
    assert len(first.viewer.layers) == 2
    first.controls.done.click()
    first.press(first.controls.next)
    assert first.controller.current == "sub/ö.png"
    first.paint(1, 30)
    first.leave()
    assert len(first.viewer.layers) == 0

    again = make_labeller()
    again.open(ProjectPlace(images))
    assert again.controller.current == "sub/ö.png"
    assert again.labels.data[31, 20] == 1
    pages = again.controller.project.record.pages
    assert {n: (p.state, p.objects) for n, p in pages.items()} == {
        "a 2.png": ("work", 1),
        "a 10.png": ("done", 0),
        "sub/ö.png": ("work", 0),
    }
    again.turn("a 2.png")
    assert (again.labels.data[10:14, :50] == 3).all()
    assert again.labels.features["class_id"].tolist() == [2]
    red, green, blue = read_scheme(again.labels).classes.get(2).colour
    expected = np.array([red, green, blue, 255]) / 255
    np.testing.assert_allclose(again.labels.colormap.map(3), expected)
    again.labels.undo()
    assert again.labels.data[12, 20] == 3
    again.leave()


def test_edits_of_napari_itself_and_other_layers_are_saved(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    person = make_labeller()
    person.open(ProjectPlace(images))
    person.labels.paint((20, 20), 5)
    person.saved()
    person.labels.undo()
    own = person.viewer.add_labels(np.zeros((120, 160), np.uint8), name="mine")
    other = person.viewer.add_labels(np.ones((5, 5), np.uint8), name="other size")
    own.fill((0, 0), 7)
    page = PageFiles(images / "napari-edgeflow", "a 2.png")

    def both_are_there() -> bool:
        found = read_page(page).content.layers
        objects = found.get("objects")
        mine = found.get("labels")
        return (
            objects is not None
            and mine is not None
            and not objects.labels.any()
            and bool((mine.labels == 7).all())
        )

    person.until(both_are_there)
    assert other in person.viewer.layers
    person.viewer.layers.remove(own)
    person.turn("a 10.png")
    assert own not in person.viewer.layers
    person.turn("a 2.png")
    names = [layer.name for layer in person.viewer.layers]
    assert names[:3] == ["a 2", "a 2 objects", "a 2 labels"]
    person.leave()


def test_classes_go_from_page_to_page(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    person = make_labeller()
    person.open(ProjectPlace(images))
    scheme = read_scheme(person.labels)
    entry = {"kind": "object", "classes": scheme.classes.to_records()[:2]}
    person.labels.metadata = {"napari_edgeflow": entry}
    person.until(lambda: len(person.controller.project.record.classes) == 2)
    person.controls.kind.choose("semantic")
    person.turn("a 10.png")
    assert read_scheme(person.labels).kind == "semantic"
    assert len(read_scheme(person.labels).classes) == 2
    person.leave()


def test_a_page_keeps_what_can_be_undone(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    person = make_labeller()
    history = Workspace.of(person.viewer).history
    person.open(ProjectPlace(images))
    person.finish(1, 10)
    person.finish(2, 30)
    change = PixelChange(FLAT, Window(30, 0, 34, 50), np.ones((4, 50), bool), 0)
    history.apply(person.labels, "delete object 2", [change], removed=[2])
    person.turn("a 10.png")
    assert history.undo() is None
    person.finish(1, 50)
    person.turn("a 2.png")
    assert history.undo_text == "delete object 2"
    history.undo()
    assert (person.labels.data[30:34, :50] == 2).all()
    assert person.labels.features["index"].tolist() == [1, 2]
    person.saved()
    person.turn("a 10.png")
    person.turn("a 2.png")
    assert history.redo_text == "delete object 2"
    # Two steps are left to be taken back, here; the other page keeps its own.
    assert [history.undo() is not None for _ in range(3)] == [True, True, False]
    assert not person.labels.data.any()
    person.turn("a 10.png")
    history.undo()
    assert not person.labels.data.any()
    person.leave()


def test_a_merged_class_is_merged_on_all_pages(
    make_labeller: Callable[..., Labeller],
    images: Path,
    models: FakeModels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_labeller(window=True)
    click = ClickWidget(person.viewer, models)
    person.viewer.window.add_dock_widget(click, name="Click to label")
    asked: list[str] = []

    def answer(_view: Any, _classes: Any, _id: int, count: str) -> int:
        asked.append(count)
        return 12

    monkeypatch.setattr(class_layer, "ask_heir", answer)
    person.open(ProjectPlace(images))
    for name in ("a 2.png", "a 10.png", "sub/z.png"):
        person.turn(name)
        person.finish(1, 10)
        person.saved()
    work = click.controls.class_layer
    person.until(lambda: not work.busy)
    work.remove(15)
    person.until(lambda: not work.busy)
    assert asked == ["1 object here and 2 objects in 2 other images"]
    project = person.controller.project
    person.saved()
    assert [page.classes for page in project.record.pages.values()] == [{12: 1}] * 3

    def found() -> dict[str, Any]:
        assert project.saver.wait(timeout=60)
        layers = {n: c.layers["objects"] for n, c in project.read_pages()}
        return {n: [r["class_id"] for r in x.rows.values()] for n, x in layers.items()}

    person.until(lambda: set(map(tuple, found().values())) == {(12,)})
    person.turn("a 2.png")
    assert read_scheme(person.labels).classes == project.record.classes
    assert person.labels.features["class_name"].tolist() == ["dog"]
    person.turn("sub/z.png")
    Workspace.of(person.viewer).history.undo()
    assert 15 in [entry.id for entry in project.record.classes]
    person.saved()
    after = {name: [15] for name in ("a 2.png", "a 10.png", "sub/z.png")}
    person.until(lambda: found() == after)
    assert [page.classes for page in project.record.pages.values()] == [{15: 1}] * 3
    # A class that other images have by now is not taken from them.
    click.controls.classes.add_class()
    click.controls.classes.add_class()
    person.until(lambda: len(project.record.classes) == 22)
    page = PageSummary("work", 1, {22: 1})
    project.note(project.record.with_page("a 10.png", page))
    for _ in range(2):
        Workspace.of(person.viewer).history.undo()
    known = [entry.id for entry in read_scheme(person.labels).classes]
    assert known == [*range(1, 21), 22]
    assert [entry.id for entry in click.controls.classes.classes] == known
    person.leave()


def test_a_broken_image_is_shown_as_such(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    (images / "a 10.png").write_bytes(b"\x89PNG oh")
    person = make_labeller()
    person.open(ProjectPlace(images))
    person.press(person.controls.next)
    assert person.controller.current == "a 10.png"
    assert len(person.viewer.layers) == 0
    assert "a 10.png" in person.controls.pages.problem("a 10.png")
    person.press(person.controls.next)
    person.controls.skip_broken.setChecked(True)
    person.press(person.controls.previous)
    assert person.controller.current == "a 2.png"
    person.leave()


def test_an_exchanged_image_keeps_its_old_labels(
    make_labeller: Callable[..., Labeller], images: Path, notices: list[str]
) -> None:
    person = make_labeller()
    person.open(ProjectPlace(images))
    person.paint(1, 5)
    person.saved()
    person.turn("a 10.png")
    Image.fromarray(two_squares((60, 70))).save(images / "a 2.png")
    person.turn("a 2.png")
    assert any("exchanged" in notice for notice in notices)
    assert len(person.viewer.layers) == 1
    page = PageFiles(person.controller.project.home, "a 2.png")
    person.until(lambda: read_page(page).content.layers["objects"].labels.any())
    person.leave()


def test_a_full_disk_is_told_until_it_is_over(
    make_labeller: Callable[..., Labeller],
    images: Path,
    notices: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_labeller()
    person.open(ProjectPlace(images))
    person.saved()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        person.paint(4, 5)
        person.until(lambda: "No space left" in person.controls.status.text())
        assert any("stays in memory" in notice for notice in notices)
        person.turn("a 10.png")
        person.turn("a 2.png")
        assert person.labels.data[6, 6] == 4
    person.until(lambda: person.controls.status.text() == "saved")
    page = PageFiles(images / "napari-edgeflow", "a 2.png")
    assert read_page(page).content.layers["objects"].labels[6, 6] == 4
    person.leave()


def test_a_locked_project_can_be_looked_at(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    first, second = make_labeller(), make_labeller()
    first.open(ProjectPlace(images))
    second.controller.open(ProjectPlace(images))
    notice = second.controls.notice
    second.until(lambda: len(notice.buttons) == 3)
    assert "another window" in notice.text.text()
    notice.buttons[0].click()
    second.until(lambda: bool(second.controller.current))
    second.paint(1, 5)
    assert "nothing is saved" in second.controls.status.text()
    second.leave()
    page = PageFiles(images / "napari-edgeflow", "a 2.png")
    assert not read_page(page).content.layers
    first.leave()


def test_a_damaged_project_file_offers_its_copy(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    person = make_labeller()
    person.open(ProjectPlace(images))
    person.controls.done.click()
    person.saved()
    person.turn("sub/z.png")
    person.leave()
    (images / "napari-edgeflow" / "project.json").write_text("oh")
    again = make_labeller()
    again.controller.open(ProjectPlace(images))
    notice = again.controls.notice
    again.until(lambda: len(notice.buttons) == 2)
    assert "is damaged" in notice.text.text()
    notice.buttons[0].click()
    again.until(lambda: bool(again.controller.current))
    assert again.controller.project.record.page("a 2.png").state == "done"
    again.leave()


def test_the_object_in_progress_comes_back_with_its_clicks(
    make_labeller: Callable[..., Labeller],
    images: Path,
    models: FakeModels,
    qtbot: Any,
    notices: list[str],
) -> None:
    labeller = make_labeller(show=True)
    click = ClickWidget(labeller.viewer, models)
    labeller.viewer.window.add_dock_widget(click, name="Click to label")
    labeller.open(ProjectPlace(images))
    person = Person(labeller.viewer, click, models, qtbot)
    QTest.qWait(50)
    labeller.viewer.reset_view()
    person.canvas = find_canvas(click)
    person.wait()
    assert person.target is labeller.labels
    person.click(*WHITE)
    person.enter()
    assert labeller.labels.data[40, 55] == 1
    person.click(*RED)
    page = PageFiles(images / "napari-edgeflow", "a 2.png")
    labeller.until(lambda: read_page(page).content.draft is not None)
    ours = click.controller.layers.points, click.controller.layers.preview
    labeller.turn("a 10.png")
    person.wait()
    assert (click.controller.layers.points, click.controller.layers.preview) == ours
    assert click.controller.draft() is None
    assert click.controls.image.layer.name == "a 10"
    assert person.target is labeller.labels
    labeller.turn("a 2.png")
    person.wait()
    assert labeller.viewer.scene.camera.center[-2:] == (59.5, 79.5)
    notice = labeller.controls.notice
    assert "with 1 click." in notice.text.text()
    notice.buttons[0].click()
    person.wait()
    assert [(c.y, c.x) for c in click.controller.clicks] == [
        pytest.approx(RED, abs=1.0)
    ]
    labeller.until(lambda: bool(person.mask.any()))
    person.enter()
    labeller.until(lambda: read_page(page).content.draft is None)
    rows = read_page(page).content.layers["objects"].rows
    assert {i: len(row["clicks"]) for i, row in rows.items()} == {1: 1, 2: 1}
    labeller.turn("a 10.png")
    person.wait()
    labeller.turn("a 2.png")
    person.wait()
    person.undo()
    assert len(click.controller.clicks) == 1
    assert click.controls.image.layer is labeller.controller.page.image
    assert labeller.labels.data.max() == 1
    person.redo()
    assert labeller.labels.data.max() == 2
    assert not any("ended" in text for text in notices)
    labeller.leave()


def test_settings_and_docks_come_back(
    make_labeller: Callable[..., Labeller], images: Path, models: FakeModels
) -> None:
    person = make_labeller(window=True)
    click = ClickWidget(person.viewer, models)
    person.viewer.window.add_dock_widget(click, name="Click to label")
    person.open(ProjectPlace(images))
    click.controls.threshold.setValue(0.3)
    person.controls.skip_broken.setChecked(True)
    person.dock._look_around()
    person.saved()
    person.leave()
    text = (images / "napari-edgeflow" / "project.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["window"]
    assert record["settings"]["Click to label"]["threshold"] == 0.3

    again = make_labeller(window=True)
    other = ClickWidget(again.viewer, models)
    again.viewer.window.add_dock_widget(other, name="Click to label")
    again.open(ProjectPlace(images))
    assert other.controls.threshold.value() == pytest.approx(0.3)
    assert again.controls.skip_broken.isChecked()
    again.leave()


def test_closing_the_viewer_saves_the_last_edit(
    make_labeller: Callable[..., Labeller], images: Path
) -> None:
    person = make_labeller(window=True)
    person.open(ProjectPlace(images))
    person.paint(6, 5)
    person.viewer.close()
    page = PageFiles(images / "napari-edgeflow", "a 2.png")
    assert read_page(page).content.layers["objects"].labels[6, 6] == 6


def test_a_program_that_ends_with_its_window_open_saves(images: Path) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, leaving_early.__file__, str(images)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    home = images / "napari-edgeflow"
    assert not (home / LOCK).exists()
    labels = read_page(PageFiles(home, "a 2.png")).content.layers["objects"].labels
    assert (labels[10:14, :50] == 3).all()


def test_who_lost_the_project_keeps_a_copy_of_what_is_not_saved(
    make_labeller: Callable[..., Labeller], images: Path, notices: list[str]
) -> None:
    first, second = make_labeller(), make_labeller()
    first.open(ProjectPlace(images))
    first.finish(3, 10)
    first.saved()
    second.open(ProjectPlace(images, force=True))
    second.finish(5, 30)
    second.saved()
    first.finish(4, 20)
    notice, home = first.controls.notice, images / "napari-edgeflow"
    first.until(lambda: len(notice.buttons) == 2)
    assert "not saved any more" in notice.text.text()
    assert "is open in another window" in notice.text.text()
    notice.buttons[0].click()
    assert str(home / "not saved 1") in notices[-1]
    first.finish(6, 40)
    # What comes after that is kept when the dock goes.
    first.leave()
    assert str(home / "not saved 2") in notices[-1]
    for number, ids in ((1, [0, 3, 4]), (2, [0, 3, 4, 6])):
        page = read_page(PageFiles(home / f"not saved {number}", "a 2.png"))
        assert np.unique(page.content.layers["objects"].labels).tolist() == ids
        assert sorted(page.content.layers["objects"].rows) == ids[1:]
    second.leave()
    again = make_labeller()
    again.open(ProjectPlace(images))
    assert np.unique(again.labels.data).tolist() == [0, 3, 5]
    again.open(ProjectPlace(home / "not saved 2"))
    again.until(lambda: not again.controller.busy)
    assert again.controller.current == "a 2.png"
    assert np.unique(again.labels.data).tolist() == [0, 3, 4, 6]
    again.leave()
