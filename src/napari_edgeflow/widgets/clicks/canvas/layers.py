"""The two layers a person clicks with: the clicks and the mask so far."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.bands import box_band, stroke_band
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.clicks.canvas.points import ClickPoints
from napari_edgeflow.widgets.clicks.canvas.preview import (
    BAND,
    NEGATIVE_BAND,
    POSITIVE_BAND,
    ClickPreview,
)
from napari_edgeflow.widgets.clicks.object.settings import Tool
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape, thick_shape
from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer, Points
    from napari.viewer import Viewer

_BOX_WIDTH, _STROKE_WIDTH = 3.0, 7.0
"""Of what is drawn while a person draws, in pixels of the screen."""

_STROKE_SPACING = 24.0
"""Least distance of two clicks of a stroke, in pixels of the screen."""


class ClickLayers(QObject):
    """The Points layer "Clicks" and the Labels layer "Preview" of one image.

    A person may delete, hide, rename or move them at any time; :meth:`ensure` brings
    back what is missing.

    Parameters
    ----------
    viewer : Viewer
        Where they live.
    shortcuts : Shortcuts
        The keys.
    actions : dict
        What the actions with a key do; they work while one of both layers is active.
    """

    clicks_edited = Signal()
    """A person added, moved or deleted points."""
    box_drawn = Signal(object, object)
    """A person drew a box between two positions (y, x) in the plane."""
    stroke_drawn = Signal(object, bool, float)
    """A person drew a line (N, 2) of a sign; the least distance of its clicks."""
    brushed = Signal(object)
    """A person painted on the preview: a :class:`Brush`."""

    def __init__(
        self,
        viewer: "Viewer",
        shortcuts: Shortcuts,
        actions: dict[str, Callable[[], None]],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._shortcuts, self._actions = shortcuts, actions
        self._keys, self._preview_keys = Connections(), Connections()
        self._plane: Plane | None = None
        self._aside: Labels | None = None
        self._clicks, self._mask = ClickPoints(viewer), ClickPreview(viewer)
        self._clicks.edited.connect(self.clicks_edited)
        self._clicks.drawing.connect(self._on_drawing)
        self._clicks.drawn.connect(self._on_drawn)
        self._mask.brushed.connect(self.brushed)
        self.image: Image | None = None

    @property
    def points(self) -> "Points | None":
        """The layer of the clicks."""
        return self._clicks.layer

    @property
    def preview(self) -> "Labels | None":
        """The layer of the mask."""
        return self._mask.layer

    def ensure(self, image: "Image", plane: Plane) -> None:
        """Make sure that both layers are in the viewer and lie on a plane of the image.

        What the preview showed of another plane or image is wiped.
        """
        shape = thick_shape(layer_shape(image), plane)
        if self.image is not image:
            self._leave_image(image)
        before, self.image, self._plane = self._plane, image, plane
        self._clicks.plane = plane
        preview = self.preview
        if preview is None or not self._mask.in_viewer:
            self._add_preview(image, plane)
        elif plane != before or preview.data.shape != shape:
            self._mask.move(image, plane)
        if not self._clicks.in_viewer:
            self._keys.close()
            points = self._clicks.add(image)
            for action_id, function in self._actions.items():
                self._keys.keep(self._shortcuts.bind(points, action_id, function))

    def _leave_image(self, coming: "Image") -> None:
        """Get ready for another image.

        Both layers are kept for it if they can be: napari takes a quarter of a second
        to take them out and put new ones in.
        """
        points, self._plane = self.points, None
        fits = points is not None and points.ndim == coming.ndim
        if self.image is None or not fits or self._mask.is_being_painted:
            self.remove()
            return
        self._clicks.show(())
        self._clicks.place(coming)
        layers = self._viewer.layers
        ours = [layers.index(x) for x in (self.preview, points) if x in layers]
        if ours and min(ours) < layers.index(coming):
            # On top, where new ones would be.
            layers.move_multiple(ours, len(layers))

    def _add_preview(self, image: "Image", plane: Plane) -> None:
        layers = self._viewer.layers
        under = self._clicks.in_viewer
        index = layers.index(self.points) if under else len(layers)
        preview = self._mask.add(image, plane, index)
        if under:
            # napari has selected what is new: the next click would be a brush stroke.
            self._clicks.activate()
        preview.events.mode.connect(self._bind_preview)
        self._bind_preview()

    def _bind_preview(self) -> None:
        """Bind the keys to the preview; napari's own undo knows nothing of clicks."""
        self._preview_keys.close()
        preview = self.preview
        for action_id, function in self._actions.items():
            # Enter ends a polygon that is being drawn.
            if preview is not None and (action_id, preview.mode) != (
                "finish",
                "polygon",
            ):
                key = self._shortcuts.bind(preview, action_id, function)
                self._preview_keys.keep(key)

    def remove(self) -> None:
        """Take both layers out of the viewer."""
        self.release_keys()
        if self.preview is not None:
            self.preview.events.mode.disconnect(self._bind_preview)
        self._clicks.remove()
        self._mask.remove()
        self.image = None

    def release_keys(self) -> None:
        """Let the keys do nothing any more."""
        self._keys.close()
        self._preview_keys.close()

    def owns(self, layer: "Layer") -> bool:
        """Return whether a layer is one of the two."""
        return layer is self.points or layer is self.preview

    def set_aside(self, labels: "Labels | None") -> None:
        """Hide a layer while an object of it is in the preview; None shows it again.

        Otherwise the object's old shape would hide what clicks take away from it.
        """
        if labels is self._aside:
            return
        if self._aside is not None:
            self._aside.visible = True
            self._aside = None
        if labels is not None and labels.visible:
            labels.visible = False
            self._aside = labels

    def activate(self) -> None:
        """Let the mouse work on the object, unless it paints on the mask already."""
        if not self._mask.is_active:
            self._clicks.activate()

    @property
    def tool(self) -> Tool:
        """What dragging the mouse does now."""
        return "brush" if self._mask.is_active else self._clicks.tool

    def set_tool(self, tool: Tool) -> None:
        """Choose what dragging the mouse does."""
        if tool == "brush":
            self._mask.activate()
        else:
            self._clicks.tool = tool
            self._clicks.activate()

    def place(self) -> None:
        """Follow the image after it was scaled, moved or turned."""
        if self.image is not None:
            self._clicks.place(self.image)
            self._mask.place(self.image)

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the points (N, D) in the image's pixels, and which are positive."""
        return self._clicks.read()

    def show_clicks(self, clicks: Sequence[Click]) -> None:
        """Make the points those of ``clicks``."""
        self._clicks.show(clicks)

    def show_part(self, part: MaskPart | None) -> None:
        """Make the preview show a mask; None shows none."""
        self._mask.show(part)

    def set_polarity(self, left_positive: bool) -> None:
        """Say what a click with the left button means; the right one inverts it."""
        self._clicks.set_polarity(left_positive)

    def set_colour(self, colour: Sequence[float]) -> None:
        """Show the mask in this RGBA colour."""
        self._mask.set_colour(colour)

    def resize_points(self) -> None:
        """Keep the points' size on the screen, at any zoom."""
        self._clicks.resize()

    def _on_drawing(self, tool: str, line: NDArray[np.float64], positive: bool) -> None:
        pixel = self._clicks.pixel
        if tool == "box":
            self._mask.show_band(box_band(line[0], line[-1], _BOX_WIDTH * pixel), BAND)
        else:
            value = POSITIVE_BAND if positive else NEGATIVE_BAND
            self._mask.show_band(stroke_band(line, _STROKE_WIDTH * pixel), value)

    def _on_drawn(self, tool: str, line: NDArray[np.float64], positive: bool) -> None:
        self._mask.show_band((), BAND)
        if tool == "box":
            self.box_drawn.emit(tuple(line[0]), tuple(line[-1]))
        else:
            spacing = _STROKE_SPACING * self._clicks.pixel
            self.stroke_drawn.emit(line, positive, spacing)
