"""The two layers a person clicks with, on the plane of the image that they click on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_edgeflow.engine.raster.bands import box_band, stroke_band
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.clicks.canvas.points import ClickPoints
from napari_edgeflow.widgets.clicks.canvas.preview import (
    BAND,
    NEGATIVE_BAND,
    POSITIVE_BAND,
    ClickPreview,
)
from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress
from napari_edgeflow.widgets.clicks.object.settings import Tool
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    PlaneImage,
    layer_shape,
    plane_shown,
    read_plane,
    thick_shape,
    visible_window,
)
from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image, Labels, Layer, Points
    from napari.viewer import Viewer

_BOX_WIDTH, _STROKE_WIDTH = 3.0, 7.0
"""Of what is drawn while a person draws, in pixels of the screen."""

_PLACING = ("scale", "translate", "rotate", "shear", "affine")


class ClickLayers(QObject):
    """The Points layer "Clicks" and the Labels layer "Preview" of one image.

    A person may delete, hide, rename or move them at any time; :meth:`lay` brings
    back what is missing.

    Parameters
    ----------
    actions : dict
        What the actions with a key do; they work while one of both layers is active.
    """

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
        self._links, self._image_links = Connections(), Connections()
        self.clicks, self.mask = ClickPoints(viewer), ClickPreview(viewer)
        self.image: Image | None = None
        """The image to click on; it may have been closed since."""
        self.plane_image: PlaneImage | None = None
        """The plane of it that was shown last."""
        self._laid_on: Image | None = None
        self._plane: Plane | None = None
        self._aside: Labels | None = None
        self.clicks.drawing.connect(self._on_drawing)
        self.clicks.drawn.connect(self._on_drawn)
        self._links.connect(viewer.scene.camera.events.zoom, self.clicks.resize)

    @property
    def points(self) -> "Points | None":
        """The layer of the clicks."""
        return self.clicks.layer

    @property
    def preview(self) -> "Labels | None":
        """The layer of the mask."""
        return self.mask.layer

    def owns(self, layer: "Layer") -> bool:
        """Return whether a layer is one of the two."""
        return layer is self.points or layer is self.preview

    # ---- the image and its plane

    @property
    def is_open(self) -> bool:
        """Whether there is an image, in the viewer still."""
        return self.image is not None and self.image in self._viewer.layers

    def choose(self, image: "Image | None") -> None:
        """Go to another image, or to none."""
        self.image, self.plane_image = image, None
        self._image_links.close()
        if image is None:
            self.remove()
            return
        for name in _PLACING:
            self._image_links.connect(getattr(image.events, name), self._on_placed)

    def read(self) -> PlaneImage:
        """Return the plane that is shown now.

        The same one is returned as the same object, since its reader is kept by that.

        Raises
        ------
        ValueError
            If there is nothing to click on, saying why.
        """
        if self.image is None:
            raise ValueError("There is no image to click on: open one.")
        shown = read_plane(self._viewer, self.image)
        if self.plane_image is None or not shown.same_as(self.plane_image):
            self.plane_image = shown
        return self.plane_image

    def read_only(self, plane: Plane) -> PlaneImage:
        """Return a plane if it is the one that is shown.

        Raises
        ------
        ValueError
            If it is not.
        """
        image = None if self.image is None else self.read()
        if image is None or image.plane != plane:
            raise ValueError(
                f"{plane.name} is not shown: go back to it to go on with the object"
            )
        return image

    @property
    def plane_shown(self) -> Plane:
        """The plane of the image that the viewer shows.

        Raises
        ------
        ValueError
            As :meth:`read`.
        """
        if self.image is None:
            raise ValueError("There is no image to click on: open one.")
        return plane_shown(self._viewer, self.image)

    def view(self, plane: Plane) -> Window | None:
        """Return what the canvas shows of a plane; None for all of it."""
        return None if self.image is None else visible_window(self.image, plane)

    def rectangle(self) -> NDArray[np.float64]:
        """Return the corners (N, 2) of a rectangle in the plane that is shown.

        It is the one that is selected in a Shapes layer, else the last one that was
        drawn.

        Raises
        ------
        ValueError
            If there is none.
        """
        layer = next(_with_rectangles(self._viewer), None)
        if layer is None or self.image is None:
            raise ValueError("There is no rectangle: draw one in a Shapes layer.")
        found = [i for i, kind in enumerate(layer.shape_type) if kind == "rectangle"]
        selected = [i for i in found if i in layer.selected_data]
        plane = self.read().plane
        return np.array(
            [
                plane.position(self.image.world_to_data(layer.data_to_world(vertex)))
                for vertex in layer.data[(selected or found)[-1]]
            ]
        )

    def lay(self, plane: Plane) -> None:
        """Make sure that both layers are in the viewer and lie on a plane of the image.

        What the preview showed of another plane or image is wiped.
        """
        image = self.image
        if image is None or not self.is_open:
            return
        if self._laid_on is not image:
            self._leave_image(image)
        before, self._laid_on, self._plane = self._plane, image, plane
        self.clicks.plane = plane
        preview = self.preview
        if preview is None or not self.mask.in_viewer:
            self._add_preview(image, plane)
        elif plane != before or preview.data.shape != thick_shape(
            layer_shape(image), plane
        ):
            self.mask.move(image, plane)
        if not self.clicks.in_viewer:
            self._keys.close()
            points = self.clicks.add(image)
            for action_id, function in self._actions.items():
                self._keys.keep(self._shortcuts.bind(points, action_id, function))

    def _leave_image(self, coming: "Image") -> None:
        """Get ready for another image.

        Both layers are kept for it if they can be: napari takes a quarter of a second
        to take them out and put new ones in. New ones lie on top, where kept ones below
        the image would have to be moved to: a change of order may crash a canvas from
        which somebody removed a layer before we knew of it (see `CanvasContext`).
        """
        points, self._plane = self.points, None
        layers = self._viewer.layers
        fits = points is not None and points.ndim == coming.ndim
        at = layers.index(coming)
        is_below = any(layers.index(x) < at for x in layers if self.owns(x))
        if self._laid_on is None or not fits or is_below or self.mask.is_being_painted:
            self.remove()
            return
        self.clicks.show(())
        self.clicks.place(coming)

    def _add_preview(self, image: "Image", plane: Plane) -> None:
        layers = self._viewer.layers
        under = self.clicks.in_viewer
        index = layers.index(self.points) if under else len(layers)
        preview = self.mask.add(image, plane, index)
        if under:
            # napari has selected what is new: the next click would be a brush stroke.
            self.clicks.activate()
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

    def _on_placed(self) -> None:
        if self._laid_on is not None:
            self.clicks.place(self._laid_on)
            self.mask.place(self._laid_on)

    def remove(self) -> None:
        """Take both layers out of the viewer."""
        self._keys.close()
        self._preview_keys.close()
        if self.preview is not None:
            self.preview.events.mode.disconnect(self._bind_preview)
        self.clicks.remove()
        self.mask.remove()
        self._laid_on = None

    def close(self, remove: bool) -> None:
        """Stop; with ``remove`` also take both layers out of the viewer."""
        for links in (self._links, self._image_links, self._keys, self._preview_keys):
            links.close()
        if remove:
            self._set_aside(None)
            self.remove()

    # ---- the object in progress

    def show(self, clicked: ObjectInProgress | None) -> None:
        """Show an object, but for its mask if that has yet to be computed.

        While it corrects one in a layer the layer is hidden: the old shape would hide
        what clicks take away from it.
        """
        origin = None if clicked is None else clicked.origin
        if clicked is not None:
            self.lay(clicked.plane)
        self._set_aside(None if origin is None else origin.target)
        self.clicks.show(() if clicked is None else clicked.clicks)
        if clicked is None or not clicked.prompts:
            self.mask.show(None if origin is None else origin.part)

    def _set_aside(self, labels: "Labels | None") -> None:
        """Hide a layer; show the one that was hidden before."""
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
        if not self.mask.is_active:
            self.clicks.activate()

    @property
    def tool(self) -> Tool:
        """What dragging the mouse does now."""
        return "brush" if self.mask.is_active else self.clicks.tool

    def set_tool(self, tool: Tool) -> None:
        """Choose what dragging the mouse does."""
        if tool == "brush":
            self.mask.activate()
        else:
            self.clicks.tool = tool
            self.clicks.activate()

    def _on_drawing(self, tool: str, line: NDArray[np.float64], positive: bool) -> None:
        pixel = self.clicks.pixel
        if tool == "box":
            self.mask.show_band(box_band(line[0], line[-1], _BOX_WIDTH * pixel), BAND)
        else:
            value = POSITIVE_BAND if positive else NEGATIVE_BAND
            self.mask.show_band(stroke_band(line, _STROKE_WIDTH * pixel), value)

    def _on_drawn(self) -> None:
        self.mask.show_band((), BAND)


def _with_rectangles(viewer: "Viewer") -> "Iterator[Shapes]":
    """Yield the Shapes layers with a rectangle, the active and the topmost first."""
    active = viewer.layers.selection.active
    topmost_first = list(viewer.layers)[::-1]
    for layer in sorted(topmost_first, key=lambda layer: layer is not active):
        if isinstance(layer, Shapes) and "rectangle" in layer.shape_type:
            yield layer
