"""A person who works with the dock, and a network that needs no weights."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.widgets.clicks.dock import ClickWidget

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class ColourNetwork:
    """Says that what has the colour of the positive clicks is the object."""

    device = "cpu"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.calls = 0
        self.error: Exception | None = None
        self.sureness = 1.0

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        self.calls += 1
        self.entered.set()
        assert self.gate.wait(20), "the test never opened the gate"
        if self.error is not None:
            raise self.error
        positive, negative = interaction[0] > 0, interaction[1] > 0
        scores = np.zeros(positive.shape, np.float32)
        if positive.any():
            clicked = image[positive].reshape(-1, 3)
            colours = np.unique(clicked // 64, axis=0)
            for colour in colours:
                scores[(image // 64 == colour).all(-1)] = self.sureness
        scores[positive] = 1.0
        scores[negative] = 0.0
        return scores


class FakeModels:
    """Loads the network above under any name but those in ``broken``."""

    def __init__(self) -> None:
        self.network = ColourNetwork()
        self.broken = {"broken"}
        self.loaded: list[str] = []
        self.threads: list[str] = []

    def __call__(self, model: str) -> ClickSegmenter:
        self.threads.append(threading.current_thread().name)
        if model in self.broken:
            raise ValueError(f"{model} is not a checkpoint of ours: choose another")
        self.loaded.append(model)
        return ClickSegmenter(self.network)


def two_squares(shape: tuple[int, int] = (120, 160)) -> NDArray[np.uint8]:
    """An image of a white square at 20:60, 30:80 and a red one at 70:110, 90:140."""
    image = np.full((*shape, 3), 20, np.uint8)
    image[20:60, 30:80] = 230
    image[70:110, 90:140] = (230, 20, 20)
    return image


WHITE, RED, GROUND = (40.0, 55.0), (90.0, 115.0), (100.0, 30.0)


@dataclass
class Person:
    """Works with the dock by mouse and keyboard."""

    viewer: Any
    dock: ClickWidget
    models: FakeModels
    qtbot: Any
    canvas: Any = field(default=None)

    def place(self, point: tuple[float, ...]) -> QPoint:
        """Where a pixel of the image is on the canvas."""
        image = self.dock.controls.image.layer
        world = np.asarray(image.data_to_world(point))
        y, x = world[list(self.viewer.dims.displayed)]
        camera = self.viewer.scene.camera
        canvas = self.canvas
        return QPoint(
            round((x - camera.center[-1]) * camera.zoom + canvas.width() / 2),
            round((y - camera.center[-2]) * camera.zoom + canvas.height() / 2),
        )

    def click(self, *point: float, button: Any = LEFT, wait: bool = True) -> None:
        QTest.mouseClick(self.canvas, button, pos=self.place(point))
        if wait:
            self.wait()

    def drag(
        self,
        *points: tuple[float, ...],
        button: Any = LEFT,
        modifier: Any = Qt.KeyboardModifier.NoModifier,
        during: Callable[[], None] | None = None,
    ) -> None:
        """Press at the first point, move along the others, and release."""
        places = [self.place(point) for point in points]
        QTest.mousePress(self.canvas, button, modifier, pos=places[0])
        for first, last in pairwise(places):
            for step in range(1, 6):
                self._move(first + (last - first) * step / 5, button, modifier)
        if during is not None:
            during()
        QTest.mouseRelease(self.canvas, button, modifier, pos=places[-1])
        self.wait()

    def _move(self, place: QPoint, button: Any, modifier: Any) -> None:
        # QTest.mouseMove knows no modifiers.
        at, where = QPointF(place), self.canvas.mapToGlobal(QPointF(place))
        kind = QEvent.Type.MouseMove
        event = QMouseEvent(kind, at, where, button, button, modifier)
        QApplication.sendEvent(self.canvas, event)
        QTest.qWait(5)

    def key(self, key: Any, *modifiers: Any) -> None:
        modifier = Qt.KeyboardModifier.NoModifier
        for one in modifiers:
            modifier |= one
        QTest.keyClick(self.canvas, key, modifier)
        self.wait()

    def enter(self) -> None:
        self.key(Qt.Key.Key_Return)

    def undo(self) -> None:
        self.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    def redo(self) -> None:
        control = Qt.KeyboardModifier.ControlModifier
        self.key(Qt.Key.Key_Z, control, Qt.KeyboardModifier.ShiftModifier)

    def wait(self) -> None:
        QTest.qWait(1)
        self.qtbot.waitUntil(lambda: not self.dock.controller.busy, timeout=20_000)
        QTest.qWait(1)

    @property
    def layers(self) -> Any:
        return self.dock.controller.layers

    @property
    def mask(self) -> NDArray[np.bool_]:
        return np.squeeze(self.layers.preview.data) > 0

    @property
    def signs(self) -> list[bool]:
        return [click.positive for click in self.dock.controller.clicks]

    @property
    def target(self) -> Any:
        return self.dock.controls.target.layer


MakePerson = Callable[..., Person]
