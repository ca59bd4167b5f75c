"""From what a person does on the canvas to the prompts of the object in progress."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.prompts import (
    Box,
    Brush,
    Prompt,
    Stroke,
    check_prompts,
    with_clicks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_edgeflow.widgets.clicks.canvas.layers import ClickLayers
    from napari_edgeflow.widgets.clicks.canvas.stage import ClickStage
    from napari_edgeflow.widgets.clicks.object.session import ClickSession


class ClickEdits(QObject):
    """Takes clicks, boxes, strokes and what is brushed into a session.

    What does not fit the image or the object in progress is refused, and the person
    told why.

    Parameters
    ----------
    viewer : Viewer
        Where rectangles may be.
    session : ClickSession
        The object in progress; the first prompt begins one.
    stage : ClickStage
        Where it is.
    layers : ClickLayers
        What the person works on.
    """

    edited = Signal()
    """The session has other prompts."""
    refused = Signal()
    """It has not, and the layers show what it has not got."""

    def __init__(
        self,
        viewer: "Viewer",
        session: "ClickSession",
        stage: "ClickStage",
        layers: "ClickLayers",
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._session = session
        self._stage = stage
        self._layers = layers
        layers.clicks_edited.connect(self._on_clicks)
        layers.box_drawn.connect(self._on_box)
        layers.stroke_drawn.connect(self._on_stroke)
        layers.brushed.connect(self._on_brush)

    def use_rectangle(self) -> None:
        """Take the rectangle that was drawn in a Shapes layer for a box."""
        try:
            start, end = rectangle(self._viewer, self._stage)
        except ValueError as error:
            show_warning(str(error))
            return
        self._on_box(start, end)
        self._layers.activate()

    def _on_clicks(self) -> None:
        try:
            points, positive = self._layers.read()
            if len(points) and not self._session.active:
                self._stage.begin(self._session)
            clicks = self._session.as_clicks(points, positive)
        except ValueError as error:
            show_warning(str(error))
            self._layers.show_clicks(self._session.clicks)
            return
        self._session.edit(with_clicks(self._session.prompts, clicks))
        self.edited.emit()

    def _on_box(self, start: Sequence[float], end: Sequence[float]) -> None:
        self._add(lambda shape: Box.between(start, end, shape))

    def _on_stroke(
        self, line: "NDArray[np.float64]", positive: bool, spacing: float
    ) -> None:
        self._add(lambda _: Stroke.along(line, positive, spacing))

    def _on_brush(self, brush: Brush) -> None:
        self._add(lambda _: brush)

    def _add(self, make: Callable[[tuple[int, int]], Prompt]) -> None:
        """Add what a person drew, made for the height and width of the plane."""
        try:
            shape = self._stage.begin(self._session).shape[:2]
            prompt = make(shape)
            check_prompts([prompt], shape)
        except ValueError as error:
            show_warning(str(error))
            self.refused.emit()
            return
        self._session.edit((*self._session.prompts, prompt))
        if isinstance(prompt, Stroke):
            self._layers.show_clicks(self._session.clicks)
        self.edited.emit()


Corner = tuple[float, float]


def shapes_layers(viewer: "Viewer") -> "Iterator[Shapes]":
    """Yield the Shapes layers with a rectangle, the active and the topmost first."""
    active = viewer.layers.selection.active
    topmost_first = list(viewer.layers)[::-1]
    for layer in sorted(topmost_first, key=lambda layer: layer is not active):
        if isinstance(layer, Shapes) and "rectangle" in layer.shape_type:
            yield layer


def rectangle(viewer: "Viewer", stage: "ClickStage") -> tuple[Corner, Corner]:
    """Return two opposite corners (y, x) of a rectangle in the plane that is shown.

    It is the one that is selected, else the last one that was drawn.

    Raises
    ------
    ValueError
        If there is none.
    """
    layer = next(shapes_layers(viewer), None)
    if layer is None or stage.image is None:
        raise ValueError("There is no rectangle: draw one in a Shapes layer.")
    found = [i for i, kind in enumerate(layer.shape_type) if kind == "rectangle"]
    selected = [i for i in found if i in layer.selected_data]
    plane = stage.read().plane
    corners = np.array(
        [
            plane.position(stage.image.world_to_data(layer.data_to_world(vertex)))
            for vertex in layer.data[(selected or found)[-1]]
        ]
    )
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    return (float(top), float(left)), (float(bottom), float(right))
