"""Showing objects in the viewer: where they are, and their outlines."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.outlines.polygons import trace
from napari_edgeflow.widgets.layers.helpers import kept_selection
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    follow,
    layer_shape,
    placement,
    plane_shown,
    show_plane,
)
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry
from napari_edgeflow.widgets.qt.workers import LatestCall

if TYPE_CHECKING:
    from napari.layers import Labels, Layer
    from napari.viewer import Viewer

_MOST_OUTLINES = 100
"""Objects that get an outline; more than that nobody tells apart."""

_MOST_PIXELS = 4_000_000
"""Boxes with more pixels than this get a rectangle instead of an outline."""

_WIDTH = 2.5
"""Width of an outline in pixels of the screen."""

_ROOM = 1.2
"""How much larger than an object the view is that it is made to fit in."""

_NAME = "Selected objects"

_Path = NDArray[np.float64]
"""(N, D) positions in the array of a layer."""

_Outlined = tuple["Labels", Any, Sequence[ObjectEntry]]
"""A layer, its labels as they are, and the objects in them whose outlines to show."""


def show_object(viewer: "Viewer", layer: "Labels", entry: ObjectEntry) -> None:
    """Move the sliders and the camera to an object; zoom out if it does not fit."""
    dims, camera = viewer.dims, viewer.scene.camera
    missing = dims.ndim - layer.ndim
    world = np.asarray(layer.data_to_world(entry.centre))
    show_plane(viewer, layer, entry.plane)
    shown = [axis - missing for axis in dims.displayed if axis >= missing]
    if not shown:
        return
    centre = list(camera.center)
    centre[-len(shown) :] = world[shown]
    sides = np.subtract(entry.measure.stop, entry.measure.start)[shown]
    seen = np.diff(layer.corner_pixels, axis=0)[0][shown] + 1
    factor = float(np.min(seen / (sides * _ROOM)))
    if 0 < factor < 1:
        camera.zoom *= factor
    camera.center = tuple(centre)


def plane_to_edit(viewer: "Viewer", layer: "Labels", entry: ObjectEntry) -> Plane:
    """Return the plane that is shown if an object lies in it, else the object's own."""
    try:
        plane = plane_shown(viewer, layer)
    except ValueError:
        return entry.plane
    box = entry.measure.box
    inside = all(
        at is None or side.start <= at < side.stop
        for at, side in zip(plane.index, box, strict=True)
    )
    y, x = plane.axes
    part = np.asarray(layer.data[plane.select(box[y], box[x])]) if inside else None
    return plane if part is not None and (part == entry.id).any() else entry.plane


def _outlines(wanted: _Outlined) -> list[_Path]:
    """Return the outlines of objects in the planes to see them in."""
    _, labels, entries = wanted
    return [
        path for entry in entries[:_MOST_OUTLINES] for path in _outline(labels, entry)
    ]


def _outline(labels: Any, entry: ObjectEntry) -> list[_Path]:
    plane, measure = entry.plane, entry.measure
    y, x = plane.axes
    top, left = measure.start[y], measure.start[x]
    bottom, right = measure.stop[y], measure.stop[x]
    if (bottom - top) * (right - left) > _MOST_PIXELS:
        corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
        rings = [np.array(corners, float)]
    else:
        mask = plane.read(labels, Window(top, left, bottom, right)) == entry.id
        parts = (polygon.moved(top, left) for polygon in trace(mask))
        rings = [ring for polygon in parts for ring in polygon.rings]
    # Vertices are corners of pixels, which napari puts at half numbers.
    closed = (np.concatenate([ring, ring[:1]]) - 0.5 for ring in rings)
    return [np.array([plane.point(*at) for at in ring.tolist()]) for ring in closed]


class ObjectHighlight:
    """The layer with the outlines of what is selected; it takes no part in anything.

    ``fail`` is called with an error of the background, where outlines are made.
    """

    def __init__(self, viewer: "Viewer", fail: Callable[[Exception], None]) -> None:
        self._viewer = viewer
        self._layer: Shapes | None = None
        self._wanted: tuple[Labels, Sequence[_Path]] | None = None
        self._calls: LatestCall[_Outlined, list[_Path]] = LatestCall(
            _outlines, self._on_outlines, lambda _, error: fail(error)
        )

    def show(self, labels: "Labels", entries: Sequence[ObjectEntry]) -> None:
        """Show the outlines of objects; none of them takes the earlier ones away."""
        self._calls((labels, labels.data, entries))

    def _on_outlines(self, wanted: _Outlined, paths: list[_Path]) -> None:
        labels, data, _ = wanted
        if labels not in self._viewer.layers or labels.data is not data:
            return
        self._wanted = labels, paths
        if not paths or self._fits(labels):
            self._draw()
        else:
            self._make(labels)
            # A layer takes napari a while to make: the window has its turn first.
            QTimer.singleShot(0, self._draw)

    def _draw(self) -> None:
        layer = self._layer
        if layer is None or self._wanted is None or layer not in self._viewer.layers:
            return
        (labels, paths), self._wanted = self._wanted, None
        layer.data = []
        if paths:
            if not _lies_on(layer, labels):
                follow(layer, labels)
            layer.add_paths(list(paths), edge_width=self._width(labels))
            layer.selected_data = set()

    def close(self) -> None:
        """Show no more outlines, and leave the layer where the viewer goes."""
        self._calls.close()

    def hide(self) -> None:
        """Take the layer out of the viewer."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _width(self, labels: "Labels") -> float:
        scale = float(np.mean(np.abs(labels.scale[-2:])))
        zoom = float(self._viewer.scene.camera.zoom)
        return _WIDTH / max(zoom * scale, 1e-9)

    def _fits(self, labels: "Labels") -> bool:
        layer = self._layer
        if layer is None or layer not in self._viewer.layers:
            return False
        return bool(layer.ndim == labels.ndim)

    def _make(self, labels: "Labels") -> None:
        self.hide()
        layer = Shapes(
            ndim=len(layer_shape(labels)),
            name=_NAME,
            edge_color="white",
            face_color="transparent",
            **placement(labels),
        )
        layer.editable = False
        with kept_selection(self._viewer):
            self._viewer.layers.append(layer)
        self._layer = layer


def _lies_on(layer: "Layer", other: "Layer") -> bool:
    """Return whether positions in two layers are the same places; see :func:`follow`.

    To move a layer takes napari long.
    """
    corners = np.vstack([np.zeros(layer.ndim), np.eye(layer.ndim)])
    return all(
        np.allclose(layer.data_to_world(at), other.data_to_world(at)) for at in corners
    )
