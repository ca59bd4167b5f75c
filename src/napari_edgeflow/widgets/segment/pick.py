"""Picking an object of a Labels layer by a click on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.labels.regions import component_at
from napari_edgeflow.widgets.layers.kinds import told_kind
from napari_edgeflow.widgets.layers.labels import class_of_label
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    layer_array,
    layer_shape,
    plane_shown,
)
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

_LEFT_BUTTON = 1


@dataclass(frozen=True, slots=True, eq=False)
class PickedObject:
    """The object that was clicked on.

    Parameters
    ----------
    image : Image
        The image it is an object of.
    labels : Labels
        The layer it is in.
    plane : Plane
        The plane of both that it is in.
    class_id : int
        Its class.
    mask : ndarray
        (H, W) bool, its pixels in the plane.
    """

    image: "Image"
    labels: "Labels"
    plane: Plane
    class_id: int
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a person clicked; ``pixels`` (H, W) are the labels of the plane."""

    image: "Image"
    labels: "Labels"
    kind: Kind
    plane: Plane
    position: tuple[int, int]
    class_id: int
    pixels: NDArray[np.integer]


class ObjectPicker(QObject):
    """Waits for a click on a label, and finds the object that it belongs to."""

    picked = Signal(object)
    """A :class:`PickedObject`."""
    armed_changed = Signal(bool)
    hint_changed = Signal(str)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._image: Image | None = None
        self._labels: Labels | None = None
        self._calls: LatestCall[_Place, NDArray[np.bool_]] = LatestCall(
            _find, self._deliver, self._fail
        )

    @property
    def armed(self) -> bool:
        """Whether the next click picks an object."""
        return self._labels is not None

    @property
    def busy(self) -> bool:
        """Whether an object is being looked for."""
        return self._calls.busy

    def arm(self, image: "Image | None", labels: "Labels | None") -> None:
        """Let the next left click on the canvas pick an object.

        Raises
        ------
        ValueError
            If there is none, or they do not belong together.
        """
        if image is None or labels is None:
            raise ValueError(
                "There are no labels to correct: run first, or choose a layer to "
                "write to."
            )
        if layer_shape(image) != layer_shape(labels):
            raise ValueError(
                f"{labels.name!r} has the shape {layer_shape(labels)}, the image "
                f"{layer_shape(image)}: choose the labels of this image"
            )
        self.disarm()
        self._image, self._labels = image, labels
        # Before other callbacks: the click is for us alone.
        self._viewer.mouse_drag_callbacks.insert(0, self._on_press)
        self.armed_changed.emit(True)
        self.hint_changed.emit("Click on an object in the image.")

    def disarm(self) -> None:
        """Leave the clicks alone again."""
        if not self.armed:
            return
        self._image = self._labels = None
        self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self.armed_changed.emit(False)

    def close(self) -> None:
        """Stop."""
        self.disarm()
        self._calls.close()

    def _on_press(self, _viewer: Any, event: Any) -> None:
        image, labels = self._image, self._labels
        if event.button != _LEFT_BUTTON or image is None or labels is None:
            return
        # Else napari would paint, or move the image.
        event.handled = True
        if image not in self._viewer.layers or labels not in self._viewer.layers:
            self.disarm()
            self.hint_changed.emit("The image or its labels are gone.")
            return
        try:
            place = self._place(image, labels, event.position)
        except ValueError as error:
            self.hint_changed.emit(f"{str(error)[0].upper()}{str(error)[1:]}.")
            return
        self.disarm()
        self._calls(place)

    def _place(self, image: "Image", labels: "Labels", position: Any) -> _Place:
        """Return what was clicked on.

        Raises
        ------
        ValueError
            If that is no object.
        """
        plane = plane_shown(self._viewer, labels)
        y, x = (round(at) for at in plane.position(labels.world_to_data(position)))
        pixels = plane.read(layer_array(labels))
        height, width = pixels.shape
        if not (0 <= y < height and 0 <= x < width) or pixels[y, x] <= 0:
            raise ValueError("there is no label: click on an object")
        class_id = class_of_label(labels, int(pixels[y, x]))
        if class_id is None:
            raise ValueError("nobody told the class of this object: click on another")
        kind = told_kind(labels) or "object"
        return _Place(image, labels, kind, plane, (y, x), class_id, pixels)

    def _deliver(self, place: _Place, mask: NDArray[np.bool_]) -> None:
        self.picked.emit(
            PickedObject(place.image, place.labels, place.plane, place.class_id, mask)
        )

    def _fail(self, _place: _Place, error: Exception) -> None:
        show_problem(error)


def _find(place: _Place) -> NDArray[np.bool_]:
    """Return the mask of the object at a place."""
    if place.kind == "object":
        mask: NDArray[np.bool_] = place.pixels == place.pixels[place.position]
        return mask
    return component_at(place.pixels, place.position)
