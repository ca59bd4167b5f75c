"""How long napari's window is held while a person labels.

    python benchmarks/window_holds.py [--side 1420] [--objects 5000]

Prints, for each thing a person does, the longest times for which the window's thread
was busy without a turn for the mouse, in milliseconds of its CPU time. What napari and
the drawing of the picture take is part of them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy import QtTest
from qtpy.QtCore import QTimer

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.layers.labels import hide_classes
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.train.dock import TrainWidget
from napari_edgeflow.widgets.workspace.history import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

FLAT = Plane((None, None))
CELL = 20
"""Pixels from one object to the next."""

# PyQt's types forget that the functions of this class are static.
_QTest: Any = QtTest.QTest


class Holds:
    """Measures the time between turns of the window."""

    def __init__(self) -> None:
        self._last, self._found = 0.0, [0.0]
        self._timer = QTimer()
        self._timer.timeout.connect(self._on_turn)

    def _on_turn(self) -> None:
        self._found.append(1000 * (time.thread_time() - self._last))
        self._last = time.thread_time()

    def show(self, what: str, action: Callable[[], object]) -> None:
        """Do something and print what it held."""
        _QTest.qWait(300)
        self._last, self._found = time.thread_time(), []
        self._timer.start(0)
        action()
        _QTest.qWait(2000)
        self._timer.stop()
        longest = sorted(self._found, reverse=True)[:3]
        print(f"{what:<34}" + "".join(f"{held:8.0f}" for held in longest), flush=True)


class Person:
    """A person with the docks for labelling, on a folder of images."""

    def __init__(self, folder: Path, side: int) -> None:
        (folder / "images").mkdir()
        for number in range(3):
            pixels = np.full((side, side, 3), 60 * number, np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1280, 800)
        self.project = ProjectWidget(self.viewer, RecentProjects(folder / "recent"))
        self.click, self.objects = ClickWidget(self.viewer), ObjectsWidget(self.viewer)
        for dock in (self.project, self.click, self.objects):
            self.viewer.window.add_dock_widget(dock, tabify=True)
        self.history = Workspace.of(self.viewer).history
        self.project.controller.open(ProjectPlace(folder / "images"))
        self.until("0.png")

    def until(self, name: str) -> None:
        """Wait until a page is shown."""
        while self.project.controller.current != name:
            _QTest.qWait(5)

    @property
    def labels(self) -> Any:
        """The layer of objects."""
        return self.project.controller.page.labels

    def turn(self, name: str) -> None:
        """Turn to a page."""
        self.project.controller.turn_to(name)
        self.until(name)

    def make_objects(self, count: int) -> None:
        """Put squares into the layer."""
        rows = -(-count // (self.labels.data.shape[1] // CELL))
        ids = np.arange(1, rows * (self.labels.data.shape[1] // CELL) + 1)
        ids = np.where(ids <= count, ids, 0).reshape(rows, -1)
        values = np.kron(ids, np.pad(np.ones((CELL - 6, CELL - 6), int), 3))
        window = Window(0, 0, *values.shape)
        self.write("import", window, values, range(1, count + 1))

    def write(self, what: str, window: Window, values: Any, ids: Any) -> None:
        """Write objects as one step."""
        change = PixelChange(FLAT, window, values > 0, values)
        records = [ObjectRecord(i, 1 + i % 20, "", (), 1.0, FLAT) for i in ids]
        self.history.apply(self.labels, what, [change], records)

    def finish(self, object_id: int) -> None:
        """Write one object more."""
        values = np.full((CELL // 3, CELL // 3), object_id)
        window = Window(0, 0, CELL // 3, CELL // 3)
        self.write("finish", window, values, [object_id])

    def fill_preview(self) -> None:
        """Fill the whole image with napari's bucket, as with the mouse."""
        preview = self.click.controller.layers.preview
        with preview.block_history():
            preview.fill((CELL, CELL), 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1420, help="of the image")
    parser.add_argument("--objects", type=int, default=5000)
    options = parser.parse_args()
    holds = Holds()
    print(f"{'longest holds, ms':<34}{'1st':>8}{'2nd':>8}{'3rd':>8}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        person = Person(Path(folder), options.side)
        many, table = options.objects, person.objects.controls.table
        _QTest.qWait(3000)
        for name in ("1.png", "2.png", "0.png"):
            holds.show("turn a page", lambda name=name: person.turn(name))
        holds.show("fill the preview", person.fill_preview)
        holds.show("undo it", person.click.controller.undo)
        holds.show(f"{many:,} objects at once", lambda: person.make_objects(many))
        for row in (5, 50):
            holds.show("select an object", lambda row=row: table.selectRow(row))
        holds.show("finish an object", lambda: person.finish(many + 1))
        holds.show("undo", person.history.undo)
        holds.show("redo", person.history.redo)
        holds.show("hide a class", lambda: hide_classes(person.labels, {3}))
        holds.show("turn to an empty page", lambda: person.turn("1.png"))
        holds.show("turn back", lambda: person.turn("0.png"))
        holds.show("make the dock Train", lambda: TrainWidget(person.viewer))
        person.viewer.close()


if __name__ == "__main__":
    main()
