"""The main job on a sample image: by a person in a window, or by scripted clicks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from qtpy import QtTest
from qtpy.QtCore import QPoint, Qt

from napari_edgeflow.engine.interaction.clicks import Click, depth, next_click
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.formats.kinds.voc.png import write_palette_png
from napari_edgeflow.samples import SAMPLES, load_sample
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.clicks.object.work import load_segmenter
from napari_edgeflow.widgets.qt.canvas import find_canvas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter

SAMPLE = "astronaut"
OBJECT = 1
CLASS_ID = 15
"""VOC's id of a person."""

GOOD_ENOUGH = 0.9
ACCEPTED = 0.8
_PATIENCE_S = 120.0

# PyQt's types forget that the functions of this class are static.
_QTest: Any = QtTest.QTest


def run_demo(
    headless: Path | None,
    load: Callable[[str], ClickSegmenter] = load_segmenter,
    most_clicks: int = 10,
) -> int:
    """Open napari on a sample image with the click dock.

    Parameters
    ----------
    headless : Path or None
        None leaves the window to the person and returns when they close it. A folder
        has scripted clicks made, and their results written there: a picture of the
        window, ``screenshot.png``, and the mask as a palette image, ``mask.png``.
    load : callable
        Loads a model by name.
    most_clicks : int
        After so many scripted clicks the mask is what it is.

    Returns
    -------
    int
        0, or 1 if scripted clicks did not give a mask of IoU 0.8 or better.
    """
    viewer = napari.Viewer(title="napari-edgeflow", show=True)
    viewer.window.resize(1400, 900)
    image, labels = load_sample(SAMPLE)
    viewer.add_image(image, name=SAMPLES[SAMPLE].title)
    dock = ClickWidget(viewer, load)
    viewer.window.add_dock_widget(dock, name="Click to label", area="right")
    if headless is None:
        napari.run()
        return 0
    try:
        return _scripted(viewer, dock, labels == OBJECT, headless, most_clicks)
    finally:
        viewer.close()


def _scripted(
    viewer: napari.Viewer,
    dock: ClickWidget,
    truth: NDArray[np.bool_],
    folder: Path,
    most_clicks: int,
) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    dock.controls.classes.choose(CLASS_ID)
    person = ScriptedPerson(viewer, dock)
    person.wait()
    reached = _click_until_good(person, truth, most_clicks)
    viewer.screenshot(str(folder / "screenshot.png"), canvas_only=False, flash=False)
    clicks = len(dock.controller.clicks)
    person.press_enter()
    target = dock.controls.target.layer
    if target is None:
        print("the demo could not finish its object")
        return 1
    mask = np.asarray(target.data)
    path = folder / "mask.png"
    write_palette_png(path, mask, dock.controls.classes.classes.palette())
    print(f"clicks {clicks} · IoU {reached:.2f} · {path}")
    return 0 if iou(mask == CLASS_ID, truth) >= ACCEPTED else 1


def _click_until_good(
    person: ScriptedPerson, truth: NDArray[np.bool_], most_clicks: int
) -> float:
    """Click until the mask fits, at least once on what is not part of the object."""
    clicks: list[Click] = []
    while len(clicks) < most_clicks:
        mask = person.mask()
        good = iou(mask, truth) >= GOOD_ENOUGH
        if good and not all(click.positive for click in clicks):
            break
        click = beside(truth) if good else next_click(mask, truth, clicks=clicks)
        if click is None:
            break
        clicks.append(click)
        person.click(click)
    return iou(person.mask(), truth)


class ScriptedPerson:
    """Uses the dock as a person does: with mouse and keyboard on the window.

    Parameters
    ----------
    viewer : napari.Viewer
        A viewer that is shown, of a 2-D image that is neither scaled nor moved.
    dock : ClickWidget
        The dock.
    """

    def __init__(self, viewer: napari.Viewer, dock: ClickWidget) -> None:
        self._viewer = viewer
        self._dock = dock
        _QTest.qWait(300)
        viewer.reset_view()
        self._canvas = find_canvas(dock)

    def click(self, click: Click) -> None:
        """Click on the image, and wait for the mask."""
        button = Qt.MouseButton.LeftButton
        if not click.positive:
            button = Qt.MouseButton.RightButton
        _QTest.mouseClick(self._canvas, button, pos=self._place(click))
        self.wait()

    def press_enter(self) -> None:
        """Finish the object."""
        _QTest.keyClick(self._canvas, Qt.Key.Key_Return)
        self.wait()

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask that is shown, (H, W) bool."""
        preview = self._dock.controller.layers.preview
        if preview is None:
            raise ValueError("the dock shows no preview: open an image first")
        return np.asarray(preview.data) > 0

    def wait(self) -> None:
        """Wait until nothing is computed any more and all is drawn.

        Raises
        ------
        TimeoutError
            After two minutes.
        """
        end = time.monotonic() + _PATIENCE_S
        _QTest.qWait(100)
        while self._dock.controller.busy:
            if time.monotonic() > end:
                raise TimeoutError(f"no answer in {_PATIENCE_S:.0f} s")
            _QTest.qWait(20)
        _QTest.qWait(100)

    def _place(self, click: Click) -> QPoint:
        """Return where on the canvas a pixel of the image is."""
        camera = self._viewer.scene.camera
        y, x = camera.center[-2:]
        return QPoint(
            round((click.x - x) * camera.zoom + self._canvas.width() / 2),
            round((click.y - y) * camera.zoom + self._canvas.height() / 2),
        )


def beside(truth: NDArray[np.bool_]) -> Click | None:
    """Return a click on the background, as near to an object as is safe."""
    distances = depth(~truth)
    rows, columns = np.nonzero(distances == np.minimum(distances.max(), 30).round())
    if not rows.size:
        return None
    middle = rows.size // 2
    return Click(float(rows[middle]), float(columns[middle]), False)
