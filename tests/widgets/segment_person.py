"""A person who segments automatically, and a segmenter that needs no weights."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qtpy.QtTest import QTest
from tests.widgets.dock_person import two_squares

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.segmentation.segmenter import PredictSettings, Strip
from napari_edgeflow.widgets.segment.dock import SegmentWidget

CAT, PERSON = 8, 15
ROWS = 40
"""Rows of a strip: three strips for an image of 120 rows."""


class ColourSegmenter:
    """Says that red is a cat and that white is a person."""

    def __init__(self, models: "FakeSemanticModels", device: str) -> None:
        self.name = "colours"
        self.device = "cpu" if device == "auto" else device
        self.classes = ClassTable.voc()
        self.notices: list[str] = []
        self.models = models

    def strips(
        self,
        image: Any,
        settings: PredictSettings,
        limits: tuple[float, float] | None = None,
    ) -> Iterator[Strip]:
        models = self.models
        models.settings.append(settings)
        self.notices.clear()
        height = image.shape[0]
        total = -(-height // ROWS)
        try:
            for done, top in enumerate(range(0, height, ROWS)):
                models.entered.set()
                assert models.gate.wait(20), "the test never opened the gate"
                if models.error is not None:
                    raise models.error
                models.calls += 1
                nothing = np.zeros((0, image.shape[1]), np.uint8)
                yield Strip(top, nothing, nothing.astype(np.float32), done, total)
                pixels = np.asarray(image[top : top + ROWS, :])
                self.notices += models.notices
                yield Strip(top, *classified(pixels), done + 1, total)
        finally:
            models.closed.set()


def classified(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and confidence (h, W) of (h, W, C) pixels."""
    bright = pixels.max(-1) > 128
    red = bright & (pixels.min(-1) < 128)
    labels = np.where(red, CAT, np.where(bright, PERSON, 0)).astype(np.uint8)
    confidence = np.where(red, 0.6, np.where(bright, 0.9, 0.8)).astype(np.float32)
    return labels, confidence


class FakeSemanticModels:
    """Loads the segmenter above under any name but those in ``broken``."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.closed = threading.Event()
        self.calls = 0
        self.error: Exception | None = None
        self.notices: list[str] = []
        self.settings: list[PredictSettings] = []
        self.broken = {"broken"}
        self.loaded: list[tuple[str, str]] = []
        self.threads: set[str] = set()

    def __call__(self, model: str, device: str) -> Any:
        self.threads.add(threading.current_thread().name)
        if model in self.broken:
            raise ValueError(f"{model} is not a checkpoint of ours: choose another")
        self.loaded.append((model, device))
        return ColourSegmenter(self, device)


@dataclass
class SegmentPerson:
    """Works with the dock for automatic segmentation."""

    viewer: Any
    dock: SegmentWidget
    models: FakeSemanticModels
    qtbot: Any
    canvas: Any = field(default=None)

    def run(self, wait: bool = True) -> None:
        self.dock.controls.run.click()
        if wait:
            self.wait()

    def start(self) -> None:
        """Run, and stay where the network is called for the first time."""
        self.models.gate.clear()
        self.models.entered.clear()
        self.run(wait=False)
        assert self.models.entered.wait(10)

    def wait(self) -> None:
        QTest.qWait(1)
        self.qtbot.waitUntil(lambda: not self.dock.controller.busy, timeout=20_000)
        self.qtbot.waitUntil(lambda: not self.dock.picker.busy, timeout=20_000)
        QTest.qWait(1)

    @property
    def controls(self) -> Any:
        return self.dock.controls

    @property
    def state(self) -> str:
        return str(self.dock.controls.state.text())

    @property
    def target(self) -> Any:
        return self.dock.controls.target.layer

    def table(self) -> list[list[str]]:
        table = self.dock.controls.table
        return [
            [table.item(row, column).text() for column in range(table.columnCount())]
            for row in range(table.rowCount())
        ]


MakeSegmentPerson = Callable[..., SegmentPerson]

IMAGE = two_squares()
EXPECTED = classified(IMAGE)[0]
