"""The Points layer a person clicks on, and what they draw on it with the mouse."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.widgets.clicks.object.settings import DragTool
from napari_edgeflow.widgets.layers.helpers import HELPER
from napari_edgeflow.widgets.layers.planes import Plane, follow, placement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image
    from napari.viewer import Viewer


POSITIVE = "positive"
"""The feature of a point that says whether it is part of the object."""

COLOURS = {True: "#2ecc40", False: "#ff2d2d"}

_DIAMETER = 12.0
"""Diameter of a click in pixels of the screen."""

_RIGHT_BUTTON = 2

_EDITS = ("added", "removed", "changed")

_LEAST_DRAG = 5.0
"""Pixels of the screen from which a drag is no click; the same as napari's."""

_TOOL_OF_MODIFIER: dict[str, DragTool] = {"Shift": "box", "Control": "stroke"}
"""What dragging does while a key is held; Alt is for zooming and for windows."""


class ClickPoints(QObject):
    """The Points layer "Clicks"."""

    edited = Signal()
    """A person added, moved or deleted points."""
    drawing = Signal(str, object, bool)
    """A person draws: tool, positions (N, 2) in the plane so far, sign."""
    drawn = Signal(str, object, bool)
    """They are done."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._silent = False
        self.plane: Plane | None = None
        self.tool: DragTool = "click"
        self.left_positive = True
        self.layer: Points | None = None

    @property
    def in_viewer(self) -> bool:
        """Whether the layer is there."""
        return self.layer is not None and self.layer in self._viewer.layers

    @property
    def pixel(self) -> float:
        """The side of a pixel of the screen in pixels of the image."""
        if self.layer is None:
            return 1.0
        scale = float(np.mean(np.abs(self.layer.scale[-2:])))
        return 1 / max(float(self._viewer.scene.camera.zoom) * scale, 1e-9)

    def add(self, image: "Image") -> Points:
        """Put an empty layer on an image."""
        points = Points(
            ndim=image.ndim,
            name="Clicks",
            metadata={HELPER: "clicks"},
            features={POSITIVE: np.zeros(0, np.bool_)},
            face_color=POSITIVE,
            face_color_cycle=COLOURS,
            border_color="white",
            border_width=0.12,
            **placement(image),
        )
        points.feature_defaults = {POSITIVE: [self.left_positive]}
        # Before napari's own callback, which adds the point.
        points.mouse_drag_callbacks.insert(0, self._on_press)
        points.events.data.connect(self._on_points)
        self.layer = points
        self._viewer.layers.append(points)
        self.resize()
        self.activate()
        return points

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self.layer is not None:
            self.layer.events.data.disconnect(self._on_points)
        if self.in_viewer:
            self._viewer.layers.remove(self.layer)
        self.layer = None

    def activate(self) -> None:
        """Let clicks on the canvas be clicks on the object."""
        if self.layer is not None and self.in_viewer:
            self._viewer.layers.selection.active = self.layer
            self.layer.mode = "add"

    def place(self, image: "Image") -> None:
        """Follow the image after it was scaled, moved or turned."""
        if self.layer is not None:
            follow(self.layer, image)
            self.resize()

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the points (N, D) in the image's pixels, and which are positive."""
        points = self.layer
        if points is None:
            return np.zeros((0, 2)), np.zeros(0, np.bool_)
        return np.array(points.data, float), np.array(points.features[POSITIVE], bool)

    def show(self, clicks: Sequence[Click]) -> None:
        """Make the points those of ``clicks``."""
        points, plane = self.layer, self.plane
        if points is None or plane is None:
            return
        rows = [plane.point(click.y, click.x) for click in clicks]
        data = np.array(rows, float).reshape(-1, points.ndim)
        signs = np.array([click.positive for click in clicks], bool)
        before, signs_before = self.read()
        # napari adds points anywhere in the thickness of the plane.
        held = [axis for axis, at in enumerate(plane.index) if at is not None]
        before[:, held] = np.round(before[:, held])
        if np.array_equal(data, before) and np.array_equal(signs, signs_before):
            return
        with self._silently():
            points.selected_data = set()
            points.data = data
            # napari does not do this for hidden points, and then draws missing ones.
            points.set_view_slice()
            points.features = {POSITIVE: signs}
            self.set_polarity(self.left_positive)

    def set_polarity(self, left_positive: bool) -> None:
        """Say what a click with the left button means; the right one inverts it."""
        self.left_positive = left_positive
        points = self.layer
        if points is not None and points.feature_defaults[POSITIVE][0] != left_positive:
            points.feature_defaults = {POSITIVE: [left_positive]}

    def resize(self) -> None:
        """Keep the points' size on the screen, at any zoom."""
        points = self.layer
        if points is None:
            return
        size = _DIAMETER * self.pixel
        points.current_size = size
        if len(points.data):
            points.size = size

    # ---- the mouse

    def _on_press(self, layer: Points, event: Any) -> Generator[None, None, None]:
        """Take a drag for a box or a stroke; clicks are left to napari."""
        positive = self.left_positive != (event.button == _RIGHT_BUTTON)
        layer.feature_defaults = {POSITIVE: [positive]}
        held = [_TOOL_OF_MODIFIER[m] for m in event.modifiers if m in _TOOL_OF_MODIFIER]
        tool = held[0] if held else self.tool
        plane, start = self.plane, event.pos
        line = [] if plane is None else [self._position(layer, plane, event)]
        yield
        if plane is None or tool not in ("box", "stroke") or layer.mode != "add":
            return
        far = False
        while event.type == "mouse_move":
            # Else the camera follows the mouse too.
            event.handled = True
            far = far or float(np.hypot(*(event.pos - start))) >= _LEAST_DRAG
            line.append(self._position(layer, plane, event))
            if far:
                self.drawing.emit(tool, np.array(line), positive)
            yield
        if far:
            self.drawn.emit(tool, np.array(line), positive)

    def _position(self, layer: Points, plane: Plane, event: Any) -> tuple[float, float]:
        """Return where the mouse is in the plane, as (y, x)."""
        return plane.position(layer.world_to_data(event.position))

    def _on_points(self, event: Any) -> None:
        if not self._silent and str(event.action) in _EDITS:
            self.edited.emit()

    @contextmanager
    def _silently(self) -> "Iterator[None]":
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before
