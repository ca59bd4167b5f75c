"""The two layers a person clicks with: the clicks and the mask so far."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_edgeflow.engine.clicks import Click
from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.mask_part import MaskPart
from napari_edgeflow.widgets.connections import Connections
from napari_edgeflow.widgets.planes import (
    Plane,
    follow,
    layer_shape,
    placement,
    plane_shown,
    thick_shape,
)
from napari_edgeflow.widgets.shortcuts import Shortcuts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image, Layer
    from napari.viewer import Viewer

POSITIVE = "positive"
"""The feature of a point that says whether it is part of the object."""

COLOURS = {True: "#2ecc40", False: "#ff2d2d"}

_DIAMETER = 12.0
"""Diameter of a click in pixels of the screen."""

_RIGHT_BUTTON = 2

_EDITS = ("added", "removed", "changed")


class ClickLayers:
    """The Points layer "Clicks" and the Labels layer "Preview" of one image.

    A person may delete, hide, rename or move them at any time; :meth:`ensure` brings
    back what is missing.

    Parameters
    ----------
    viewer : Viewer
        Where they live.
    on_edit : callable
        Called without arguments when a person added, moved or deleted points.
    shortcuts : Shortcuts
        The keys.
    actions : dict
        What the actions with a key do; they work while the clicks are the active layer.
    """

    def __init__(
        self,
        viewer: "Viewer",
        on_edit: Callable[[], None],
        shortcuts: Shortcuts,
        actions: dict[str, Callable[[], None]],
    ) -> None:
        self._viewer = viewer
        self._on_edit = on_edit
        self._shortcuts, self._actions = shortcuts, actions
        self._keys = Connections()
        self._silent = False
        self._window: Window | None = None
        self._plane: Plane | None = None
        self._aside: Labels | None = None
        self.left_positive = True
        self.image: Image | None = None
        self.points: Points | None = None
        self.preview: Labels | None = None

    def ensure(self, image: "Image", plane: Plane) -> None:
        """Make sure that both layers are in the viewer and lie on a plane of the image.

        What the preview showed of another plane or image is wiped.
        """
        shape = thick_shape(layer_shape(image), plane)
        if self.image is not image:
            self.remove()
        before, self.image, self._plane = self._plane, image, plane
        if self.preview is None or self.preview not in self._viewer.layers:
            self._add_preview(image, plane)
        elif plane != before or self.preview.data.shape != shape:
            self._move_preview(image, plane)
        if self.points is None or self.points not in self._viewer.layers:
            self._add_points(image)

    def remove(self) -> None:
        """Take both layers out of the viewer."""
        self.release_keys()
        if self.points is not None:
            self.points.events.data.disconnect(self._on_points)
        for layer in (self.points, self.preview):
            if layer is not None and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self.image = self.points = self.preview = self._window = None

    def release_keys(self) -> None:
        """Let the keys do nothing any more."""
        self._keys.close()

    def owns(self, layer: "Layer") -> bool:
        """Return whether a layer is one of the two."""
        return layer is self.points or layer is self.preview

    def set_aside(self, labels: Labels | None) -> None:
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
        """Let clicks on the canvas be clicks on the object."""
        if self.points is not None and self.points in self._viewer.layers:
            self._viewer.layers.selection.active = self.points
            self.points.mode = "add"

    def place(self) -> None:
        """Follow the image after it was scaled, moved or turned."""
        if self.image is not None and self.points is not None:
            follow(self.points, self.image)
            follow(self.preview, self.image, self._plane)
            self.resize_points()

    # ---- points

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the points (N, D) in the image's pixels, and which are positive."""
        points = self.points
        if points is None:
            return np.zeros((0, 2)), np.zeros(0, np.bool_)
        return np.array(points.data, float), np.array(points.features[POSITIVE], bool)

    def show_clicks(self, clicks: Sequence[Click]) -> None:
        """Make the points those of ``clicks``."""
        points, plane = self.points, self._plane
        if points is None or plane is None:
            return
        with self._silently():
            points.selected_data = set()
            rows = [plane.point(click.y, click.x) for click in clicks]
            points.data = np.array(rows).reshape(-1, points.ndim)
            # napari does not do this for hidden points, and then draws missing ones.
            points.set_view_slice()
            points.features = {POSITIVE: np.array([c.positive for c in clicks], bool)}
            self.set_polarity(self.left_positive)

    def set_polarity(self, left_positive: bool) -> None:
        """Say what a click with the left button means; the right one inverts it."""
        self.left_positive = left_positive
        points = self.points
        if points is not None and points.feature_defaults[POSITIVE][0] != left_positive:
            points.feature_defaults = {POSITIVE: [left_positive]}

    def resize_points(self) -> None:
        """Keep the points' size on the screen, at any zoom."""
        points = self.points
        if points is None:
            return
        scale = float(np.mean(np.abs(points.scale[-2:])))
        size = _DIAMETER / max(self._viewer.scene.camera.zoom * scale, 1e-9)
        points.current_size = size
        if len(points.data):
            points.size = size

    def _add_points(self, image: "Image") -> None:
        points = Points(
            ndim=image.ndim,
            name="Clicks",
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
        self.release_keys()
        for action_id, function in self._actions.items():
            self._keys.keep(self._shortcuts.bind(points, action_id, function))
        points.events.data.connect(self._on_points)
        self.points = points
        self._viewer.layers.append(points)
        self.resize_points()
        self.activate()

    def _on_press(self, layer: Points, event: Any) -> None:
        inverted = event.button == _RIGHT_BUTTON
        layer.feature_defaults = {POSITIVE: [self.left_positive != inverted]}

    def _on_points(self, event: Any) -> None:
        if not self._silent and str(event.action) in _EDITS:
            self._on_edit()

    @contextmanager
    def _silently(self) -> "Iterator[None]":
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    # ---- preview

    def _add_preview(self, image: "Image", plane: Plane) -> None:
        shape = thick_shape(layer_shape(image), plane)
        self._window = None
        self.preview = Labels(
            np.zeros(shape, np.uint8),
            name="Preview",
            opacity=0.5,
            colormap=_one_colour((1.0, 1.0, 0.0, 1.0)),
            **placement(image, plane),
        )
        self.preview.editable = False
        layers = self._viewer.layers
        above = self.points in layers if self.points is not None else False
        layers.insert(layers.index(self.points) if above else len(layers), self.preview)

    def _move_preview(self, image: "Image", plane: Plane) -> None:
        preview = self.preview
        if preview is None:
            return
        shape = thick_shape(layer_shape(image), plane)
        if preview.data.shape != shape or self._window is not None:
            self._window = None
            # Nobody edits this layer, so it has no undo history to go stale.
            preview.data = np.zeros(shape, np.uint8)
            preview.editable = False
        follow(preview, image, plane)

    def set_colour(self, colour: Sequence[float]) -> None:
        """Show the mask in this RGBA colour."""
        if self.preview is not None:
            current = self.preview.colormap.color_dict.get(1)
            if current is None or not np.allclose(current, colour):
                self.preview.colormap = _one_colour(colour)

    def show_part(self, part: MaskPart | None) -> None:
        """Make the preview show a mask, touching only pixels that may change.

        Parameters
        ----------
        part : MaskPart or None
            The mask and where it lies in the plane; None for no mask.
        """
        preview, before = self.preview, self._window
        if preview is None or (part is None and before is None):
            return
        pixels = _flat(preview.data, self._plane)
        if before is not None:
            pixels[before.slices] = 0
        if part is not None:
            pixels[part.window.slices] = part.mask
        self._window = None if part is None else part.window
        changed = [window for window in (before, self._window) if window is not None]
        self._refresh(preview, pixels, changed[0].union(changed[-1]))

    def _refresh(
        self, preview: Labels, pixels: NDArray[np.uint8], window: Window
    ) -> None:
        """Send a window of the preview to the screen."""
        if not self._is_shown() or preview.contour:
            preview.refresh(thumbnail=False, highlight=False, extent=False)
            return
        part, offset = pixels[window.slices], [window.top, window.left]
        shown = self._viewer.dims.displayed
        if shown[0] > shown[1]:
            part, offset = part.T, offset[::-1]
        preview.events.labels_update(data=part, offset=offset)

    def _is_shown(self) -> bool:
        """Return whether the canvas shows the plane that the preview is for."""
        if self.image is None:
            return False
        try:
            return plane_shown(self._viewer, self.image) == self._plane
        except ValueError:
            return False


def _flat(data: NDArray[np.uint8], plane: Plane | None) -> NDArray[np.uint8]:
    """Return the (H, W) view of an array that is one plane thick."""
    if plane is None:
        return data
    view: NDArray[np.uint8] = data[
        tuple(slice(None) if at is None else 0 for at in plane.index)
    ]
    return view


def _one_colour(colour: Sequence[float]) -> DirectLabelColormap:
    clear = (0.0, 0.0, 0.0, 0.0)
    return DirectLabelColormap(color_dict={None: clear, 0: clear, 1: tuple(colour)})
