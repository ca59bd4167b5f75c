"""One window of ``labelling_day.py``: the first is killed, the second goes on."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import napari
import numpy as np
from labelling_day import Check, Task
from numpy.typing import NDArray
from qtpy import QtTest
from qtpy.QtCore import QPoint, Qt

from napari_edgeflow.demo import ScriptedPerson, find_canvas
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.interaction.clicks import next_click
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.imports import guess_source, read_annotations
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.clicks.object.work import load_segmenter
from napari_edgeflow.widgets.exchange.dock import ExportWidget
from napari_edgeflow.widgets.layers.object_records import read_records
from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.objects.outline.tab import OutlineTab
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.recent import RecentProjects

MOST_CLICKS = 8
GOOD_ENOUGH = 0.9
_PATIENCE_S = 120.0

# PyQt's types forget that the functions of this class are static.
_QTest: Any = QtTest.QTest

Point = tuple[float, float]

Pages = dict[str, tuple[NDArray[Any], dict[int, tuple[int, int]]]]
"""Of each image: the object ids, and each object's class and number of clicks."""


class Day:
    """A person with all docks open."""

    def __init__(self, work: Path, model: str) -> None:
        self.work = work
        self.tasks = [Task(**t) for t in json.loads((work / "tasks.json").read_text())]
        self.checks: list[Check] = []
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 800)
        self.project = ProjectWidget(self.viewer, RecentProjects(work / "recent.json"))
        self.click = ClickWidget(self.viewer, lambda _: load_segmenter(model))
        self.objects = ObjectsWidget(self.viewer)
        self.export = ExportWidget(self.viewer)
        for dock, name in (
            (self.project, "Project folder"),
            (self.click, "Click to label"),
            (self.objects, "Objects"),
            (self.export, "Export and import"),
        ):
            self.viewer.window.add_dock_widget(dock, name=name, tabify=True)

    @cached_property
    def person(self) -> ScriptedPerson:
        """Mouse and keyboard on the image, once there is one."""
        return ScriptedPerson(self.viewer, self.click)

    # ---- pages

    def open(self) -> None:
        """Open the folder, as by the button of the dock."""
        self.project.controls.open_folder(self.work / "images")
        self.until(lambda: bool(self.project.controller.current))

    def turn_to(self, name: str) -> None:
        """Turn pages with the button until an image is shown."""
        names = self.names
        while self.project.controller.current != name:
            here = names.index(self.project.controller.current)
            controls = self.project.controls
            is_later = names.index(name) > here
            (controls.next if is_later else controls.previous).click()
            there = names[here + (1 if is_later else -1)]
            self.until(lambda there=there: self.project.controller.current == there)
        self.person.wait()
        self.viewer.reset_view()

    @property
    def names(self) -> list[str]:
        """The images of the project."""
        project = self.project.controller.project
        return [] if project is None else project.names

    @property
    def layer(self) -> Any:
        """The layer of objects of this page."""
        return self.project.controller.page.labels

    def truth(self, task: Task) -> NDArray[np.bool_]:
        """Return where an object is."""
        path = self.work / "labels" / f"{Path(task.image).stem}.png"
        return read_label_image(path) == task.value

    # ---- labelling

    def label(self, task: Task) -> float:
        """Label an object by clicks and Enter, and return the IoU it reached."""
        self.turn_to(task.image)
        reached = self.click_on(task, MOST_CLICKS)
        self.person.press_enter()
        return reached

    def click_on(self, task: Task, most: int) -> float:
        """Click on an object until its mask is good."""
        self.click.controls.classes.choose(task.class_id)
        self.person.wait()
        truth, clicks = self.truth(task), []
        while len(clicks) < most:
            mask = self.person.mask()
            if iou(mask, truth) >= GOOD_ENOUGH:
                break
            click = next_click(mask, truth, clicks=clicks)
            if click is None:
                break
            clicks.append(click)
            self.person.click(click)
        return iou(self.person.mask(), truth)

    def page(self) -> tuple[NDArray[Any], dict[int, tuple[int, int]]]:
        """Return the labels and objects that the page shows."""
        layer = self.layer
        records = read_records(layer)
        return np.asarray(layer.data).copy(), {
            i: (record.class_id, len(record.clicks)) for i, record in records.items()
        }

    def drag(self, start: Point, end: Point) -> None:
        """Drag the mouse from one pixel of the image to another."""
        canvas, left = find_canvas(self.click), Qt.MouseButton.LeftButton
        first, last = self._place(canvas, start), self._place(canvas, end)
        _QTest.mousePress(canvas, left, pos=first)
        for step in range(1, 11):
            _QTest.mouseMove(canvas, first + (last - first) * step / 10)
            _QTest.qWait(20)
        _QTest.mouseRelease(canvas, left, pos=last)
        self.person.wait()

    def _place(self, canvas: Any, point: Point) -> QPoint:
        camera = self.viewer.scene.camera
        y, x = camera.center[-2:]
        return QPoint(
            round((point[1] - x) * camera.zoom + canvas.width() / 2),
            round((point[0] - y) * camera.zoom + canvas.height() / 2),
        )

    # ---- checks

    def check(self, name: str, held: bool, detail: str = "") -> None:
        """Note whether something held."""
        self.checks.append(Check(name, bool(held), detail))

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something; TimeoutError after two minutes."""
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"it did not come in {_PATIENCE_S:.0f} s")
            _QTest.qWait(20)

    def settle(self) -> None:
        """Wait until the docks have nothing to do."""
        self.person.wait()
        self.until(lambda: not self.objects.busy)


def save_pages(pages: Pages, path: Path) -> None:
    """Write down what is to be found again."""
    arrays = {name: labels for name, (labels, _) in pages.items()}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    rows = {name: list(objects.items()) for name, (_, objects) in pages.items()}
    path.write_text(json.dumps(rows))


def load_pages(path: Path) -> Pages:
    """Return what :func:`save_pages` wrote."""
    rows = json.loads(path.read_text())
    with np.load(path.with_suffix(".npz")) as arrays:
        return {
            name: (arrays[name], {i: tuple(row) for i, row in objects})
            for name, objects in rows.items()
        }


def first_session(day: Day) -> None:
    """Label half of the objects, begin another one, and wait to be killed."""
    day.open()
    half = len(day.tasks) // 2
    pages: Pages = {}
    for task in day.tasks[:half]:
        reached = day.label(task)
        print(f"{task.image}:{task.value} IoU {reached:.2f}", flush=True)
        pages[task.image] = day.page()
    task = day.tasks[half]
    day.turn_to(task.image)
    day.click_on(task, 2)
    clicks = len(day.click.controller.clicks)
    save_pages(pages, day.work / "half.json")
    (day.work / "draft").write_text(str(clicks))
    # What was finished and clicked a second ago is to be found again.
    _QTest.qWait(1000)
    (day.work / "half").touch()
    while True:
        _QTest.qWait(50)


def second_session(day: Day) -> None:
    """Find everything, go on, edit, and export."""
    day.open()
    task = day.tasks[len(day.tasks) // 2]
    is_left = day.project.controller.current == task.image
    day.check("the page is the one that was left", is_left)
    find_draft(day)
    find_pages(day)
    reached = [day.label(task) for task in day.tasks[len(day.tasks) // 2 :]]
    day.check(
        "the other objects are labelled", min(reached) > 0.5,
        f"mean IoU {np.mean(reached):.3f}, least {min(reached):.3f}",
    )  # fmt: skip
    edit(day)
    draw_by_box(day, day.tasks[0])
    draw_by_brush(day)
    day.until(lambda: day.project.controller.project.saver.wait(timeout=0.01))
    for name in FORMATS:
        export(day, name)


def find_draft(day: Day) -> None:
    """Take up the object that was in progress."""
    notice = day.project.controls.notice
    expected = int((day.work / "draft").read_text())
    day.until(lambda: notice.isVisibleTo(day.project.controls))
    notice.buttons[0].click()
    day.settle()
    clicks = len(day.click.controller.clicks)
    day.check(
        "the object in progress is there with its clicks", clicks == expected,
        f"{clicks} of {expected}",
    )  # fmt: skip
    day.click.controller.clear()
    day.settle()


def find_pages(day: Day) -> None:
    """Compare all pages with what they were."""
    expected = load_pages(day.work / "half.json")
    same = rows = 0
    for name, (labels, objects) in expected.items():
        day.turn_to(name)
        found, records = day.page()
        same += np.array_equal(found, labels)
        rows += records == objects
    day.check("all pixels are found again", same == len(expected), f"{same} pages")
    day.check("all classes and clicks are found again", rows == len(expected))


def edit(day: Day) -> None:
    """Delete, undo, redo, merge and undo again on a page with several objects."""
    counts = {t.image: 0 for t in day.tasks}
    for task in day.tasks:
        counts[task.image] += 1
    name = max(counts, key=lambda image: counts[image])
    day.turn_to(name)
    day.objects.controls.layer.choose(day.layer)
    day.settle()
    before, rows = day.page()
    first, second = list(rows)[:2]
    press(day, "Delete", first)
    after, _ = day.page()
    rest = before != first
    gone = not (after == first).any() and np.array_equal(after[rest], before[rest])
    day.check("an object is deleted", gone)
    day.objects.controls.undo.click()
    day.settle()
    day.check("undo brings it back", same_page(day.page(), (before, rows)))
    press(day, "Merge", first, second)
    merged, _ = day.page()
    both = (before == first) | (before == second)
    day.check("two objects are merged", len(np.unique(merged[both])) == 1)
    day.objects.controls.undo.click()
    day.settle()
    day.check("undo parts them", same_page(day.page(), (before, rows)))
    day.objects.controls.redo.click()
    day.settle()
    day.check("redo merges them", np.array_equal(day.page()[0], merged))
    edit_outline(day, int(merged[both][0]))


def edit_outline(day: Day, value: int) -> None:
    """Draw another part beside an object and write the outline back."""
    tabs = day.objects.controls.tabs
    widgets = map(tabs.widget, range(tabs.count()))
    tab = next(widget for widget in widgets if isinstance(widget, OutlineTab))
    before, _ = day.page()
    day.objects.controller.select([value])
    day.settle()
    tab.start.click()
    outline = tab.panel.controller
    day.until(lambda: outline.session is not None and not outline.busy)
    # Every corner of the pixels: what is written back is known exactly then.
    tab.panel.tolerance.setValue(0)
    day.until(lambda: not outline.busy)
    corner = free_corner(before)
    square = np.array([[0, 0], [0, 20], [20, 20], [20, 0]]) + corner
    # napari puts the centres of pixels at whole numbers.
    outline.layer.shapes.add(square - 0.5, shape_type="polygon")
    day.until(lambda: not outline.busy)
    tab.panel.write.click()
    day.until(lambda: not outline.active)
    day.settle()
    after, _ = day.page()
    expected = before == value
    expected[corner[0] : corner[0] + 20, corner[1] : corner[1] + 20] = True
    others = (before > 0) & (before != value)
    same = np.array_equal(after[others], before[others])
    kept = iou(after == value, expected)
    day.check("a polygon is edited and written back", same and kept == 1,
              f"IoU {kept:.4f}")  # fmt: skip


def free_corner(labels: NDArray[Any]) -> tuple[int, int]:
    """Return where a square of 20 pixels has no label."""
    height, width = labels.shape
    for top in range(0, height - 20, 20):
        for left in range(0, width - 20, 20):
            if not labels[top : top + 20, left : left + 20].any():
                return top, left
    raise ValueError("the image is full of labels: give others")


def draw_by_box(day: Day, task: Task) -> None:
    """Delete an object and label it again by a box."""
    day.turn_to(task.image)
    day.objects.controls.layer.choose(day.layer)
    day.settle()
    truth = day.truth(task)
    labels, _ = day.page()
    found = np.unique(labels[truth & (labels > 0)]).tolist()
    press(day, "Delete", *found)
    rows, columns = np.nonzero(truth)
    day.click.controls.classes.choose(task.class_id)
    day.click.controls.tools.choose("box")
    day.drag((rows.min(), columns.min()), (rows.max(), columns.max()))
    reached = iou(day.person.mask(), truth)
    finish_as(day, "box", f"IoU {reached:.3f}")


def draw_by_brush(day: Day) -> None:
    """Paint an object with napari's brush alone."""
    top, left = free_corner(day.page()[0])
    day.click.controls.tools.choose("brush")
    day.click.controller.layers.preview.brush_size = 6
    day.drag((top + 10, left + 5), (top + 10, left + 15))
    finish_as(day, "brush")


def finish_as(day: Day, source: str, detail: str = "") -> None:
    """Finish an object, and see what is known of it."""
    before = set(read_records(day.layer))
    day.person.press_enter()
    day.click.controls.tools.choose("click")
    day.settle()
    added = [r for i, r in read_records(day.layer).items() if i not in before]
    held = [record.source for record in added] == [source]
    day.check(f"an object is made by {source}", held, detail)


def same_page(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Return whether labels and objects are the same."""
    return np.array_equal(one[0], other[0]) and one[1] == other[1]


def press(day: Day, text: str, *ids: int) -> None:
    """Select objects and press a button of the dock of objects."""
    day.objects.controller.select(ids)
    day.settle()
    day.objects.controls.buttons[text].click()
    day.settle()


def export(day: Day, name: str) -> None:
    """Export the project with the dock, and compare what comes back."""
    fields = day.export.exports
    output = day.work / "exports" / name
    fields.what.setCurrentIndex(1)
    fields.options.format.setCurrentIndex(fields.options.format.findData(name))
    fields.options.choose_values("objects" if name == "tiff" else "classes")
    fields.options.folder.choose(output)
    fields.run.click()
    day.until(lambda: not day.export.exporter.busy)
    said = fields.state.text().splitlines()[0]
    if FORMATS[name].image == "needed" and name != "voc":
        pictures = len(list(output.rglob("*.png")))
        day.check(f"export {name}", pictures == len(counted_pages(day)), said)
        return
    found = read_annotations(guess_source(output), output)
    by_stem = {Path(entry.file_name).stem: entry for entry in found}
    truth = {Path(image).stem: page for image, page in counted_pages(day).items()}
    worst = min((agreement(by_stem.get(s), p) for s, p in truth.items()), default=0)
    is_mask = name in ("gray", "palette", "tiff", "voc")
    day.check(
        f"export {name} and back", worst == 1 if is_mask else worst >= 0.99,
        f"least IoU {worst:.4f} · {said}",
    )  # fmt: skip


def counted_pages(day: Day) -> Pages:
    """Return what is on the disk of each page with objects."""
    project = day.project.controller.project
    found = {}
    for name, content in project.read_pages() if project is not None else ():
        for layer in content.layers.values():
            if layer.labels.any():
                classes = {i: (int(r["class_id"]), 0) for i, r in layer.rows.items()}
                found[name] = (layer.labels, classes)
    return found


def agreement(
    annotation: ImageAnnotation | None, page: tuple[NDArray[Any], dict[int, Any]]
) -> float:
    """Return the least IoU of a class; 0 if an image or class is missing."""
    labels, objects = page
    if annotation is None:
        return 0.0
    names = {entry.id: entry.name for entry in annotation.classes}
    back = annotation.class_labels()
    voc = {15: "person", 8: "cat", 12: "dog", 7: "car"}
    worst = 1.0
    for class_id in {class_id for class_id, _ in objects.values()}:
        ids = [i for i, (c, _) in objects.items() if c == class_id]
        same = [i for i, name in names.items() if name == voc[class_id]]
        worst = min(worst, iou(np.isin(back, same), np.isin(labels, ids)))
    return worst


def main() -> int:
    """Run one window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("session", type=int)
    parser.add_argument("--model", default="edgeflow-lite")
    options = parser.parse_args()
    day = Day(options.work, options.model)
    if options.session == 1:
        first_session(day)
        return 0
    try:
        second_session(day)
    finally:
        report = [asdict(check) for check in day.checks]
        (options.work / "report.json").write_text(json.dumps(report))
        day.viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
