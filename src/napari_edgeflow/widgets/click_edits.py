"""From what a person does on the canvas to the prompts of the object in progress."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
from napari_edgeflow.widgets.click_rectangle import rectangle

if TYPE_CHECKING:
    import numpy as np
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_edgeflow.widgets.click_layers import ClickLayers
    from napari_edgeflow.widgets.click_session import ClickSession
    from napari_edgeflow.widgets.click_stage import ClickStage


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
