"""The Shapes layer in which a person edits the outline of an object."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.outlines.outline import (
    OutlineShape,
    ellipse_ring,
    moved,
)
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.layers.planes import Plane, placement

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

KIND = "outline"
"""The feature of a shape that says whether it is a part of the object or a hole."""

PART, HOLE = "part", "hole"

_LINES = {PART: (1.0, 0.9, 0.1, 1.0), HOLE: (1.0, 0.1, 0.9, 1.0)}
_FACES = {PART: (1.0, 0.9, 0.1, 0.1), HOLE: (1.0, 0.1, 0.9, 0.25)}
_WIDTH = 4.0
"""Of the lines, in pixels of the screen: seen beside napari's line of what is
selected."""

_FAINT = 0.3
"""Opacity of the labels, so that the image is seen through them."""

_PIXEL = 0.5
"""napari puts the centre of the first pixel at 0, outlines start at its corner."""


class OutlineLayer:
    """Shapes on one plane of a Labels layer: components of an object, and holes.

    ``on_edit`` is called when a person changed shapes.
    """

    def __init__(
        self,
        viewer: "Viewer",
        labels: "Labels",
        plane: Plane,
        on_edit: Callable[[], None],
    ) -> None:
        self._viewer = viewer
        self._plane = plane
        self._labels, self._opacity = labels, float(labels.opacity)
        self._on_edit = on_edit
        self._silent = False
        self._held: list[Callable[[], None]] = []
        self._hold: Callable[[], None] = lambda: None
        self.shapes = Shapes(
            ndim=labels.ndim,
            name="Outline",
            opacity=1.0,
            features={KIND: np.zeros(0, object)},
            feature_defaults={KIND: PART},
            **placement(labels),
        )
        self.shapes.events.data.connect(self._on_data)
        self.shapes.events.mode.connect(self._on_mode)
        viewer.layers.append(self.shapes)
        labels.opacity = min(self._opacity, _FAINT)

    def bind(
        self, shortcuts: Shortcuts, actions: Mapping[str, Callable[[], None]]
    ) -> None:
        """Let keys of the layer call functions, but while a shape is being drawn.

        napari needs some of the same keys to finish a drawing.
        """

        def hold() -> None:
            self._held = [
                shortcuts.bind(self.shapes, name, action)
                for name, action in actions.items()
            ]

        self._hold = hold
        hold()

    def remove(self) -> None:
        """Take the layer out of the viewer; the keys and calls end."""
        self.unfollow()
        if self.shapes in self._viewer.layers:
            self._viewer.layers.remove(self.shapes)

    def unfollow(self) -> None:
        """Leave the layer to the person, as any other layer of shapes."""
        self._release()
        self._hold = lambda: None
        self.shapes.events.data.disconnect(self._on_data)
        self.shapes.events.mode.disconnect(self._on_mode)
        if self._labels.opacity == _FAINT:
            self._labels.opacity = self._opacity

    # ---- shapes

    def show(self, shapes: tuple[OutlineShape, ...]) -> None:
        """Show these shapes in place of those that are there."""
        layer = self.shapes
        kinds = [HOLE if one.is_hole else PART for one in shapes]
        with self._silently(), layer.block_thumbnail_update():
            layer.selected_data = set()
            layer.data = []
            if shapes:
                layer.add(
                    [self._points(one) for one in moved(shapes, -_PIXEL, -_PIXEL)],
                    shape_type="polygon",
                    edge_width=self._line_width(),
                    edge_color=[_LINES[kind] for kind in kinds],
                    face_color=[_FACES[kind] for kind in kinds],
                )
            layer.features = {KIND: np.array(kinds, object)}
            self._colour_next()

    def read(self) -> tuple[OutlineShape, ...]:
        """Return the shapes.

        Raises
        ------
        ValueError
            If one lies in another plane.
        """
        layer = self.shapes
        kinds = list(layer.features[KIND])
        shapes = []
        for points, kind, drawn in zip(
            layer.data, kinds, layer.shape_type, strict=False
        ):
            if not all(self._plane.holds(point) for point in points):
                raise ValueError(
                    f"a polygon does not lie in {self._plane.name}, where the object "
                    "is: delete it"
                )
            ring = np.asarray(points, np.float64)[:, list(self._plane.axes)]
            ring = ellipse_ring(ring) if drawn == "ellipse" else ring
            shapes.append(OutlineShape(ring, kind == HOLE))
        return moved(shapes, _PIXEL, _PIXEL)

    def edit_vertices(self) -> None:
        """Let the person drag vertices; all shapes are selected."""
        layer = self.shapes
        self._viewer.layers.selection.active = layer
        layer.mode = "direct"
        layer.selected_data = set(range(len(layer.data)))

    def draw(self, *, hole: bool) -> None:
        """Let the person draw a part or a hole."""
        layer = self.shapes
        self._viewer.layers.selection.active = layer
        layer.mode = "add_polygon"
        self._draw_next(HOLE if hole else PART)

    def resize(self) -> None:
        """Keep the lines' width on the screen, at any zoom."""
        width = self._line_width()
        layer = self.shapes
        if len(layer.data) and not np.allclose(layer.edge_width, width, rtol=0.2):
            layer.edge_width = width
        layer.current_edge_width = width

    # ---- what a person does in the layer

    def _on_data(self, event: Any) -> None:
        if self._silent:
            return
        action = str(event.action)
        if action == "adding":
            # A shape is begun; from here on its keys are napari's.
            self._release()
        elif action in ("added", "removed", "changed"):
            self._match_features(event)
            with self._silently():
                self._tidy()
            if not self._held:
                self._hold()
                # What was drawn is edited next.
                self.shapes.mode = "direct"
            self._on_edit()

    def _match_features(self, event: Any) -> None:
        """Drop the rows of shapes that napari dropped without their rows.

        It does so where a polygon loses one of its last three vertices, and where a
        drawing is finished that has too few.
        """
        layer = self.shapes
        surplus = len(layer.features) - len(layer.data)
        if surplus <= 0:
            return
        rows = list(range(len(layer.features)))
        gone = event.data_indices[0] if str(event.action) == "changed" else -1
        del rows[gone]
        layer.features = layer.features.iloc[rows[: len(layer.data)]]

    def _tidy(self) -> None:
        """Give the shapes their colours and lines."""
        layer = self.shapes
        kinds = list(layer.features[KIND])
        if kinds:
            layer.edge_color = [_LINES[kind] for kind in kinds]
            layer.face_color = [_FACES[kind] for kind in kinds]
        self.resize()
        self._colour_next()

    def _on_mode(self) -> None:
        # A person took one of napari's tools; the latest selection may be a hole.
        if str(self.shapes.mode).startswith("add"):
            self._draw_next(PART)

    def _draw_next(self, kind: str) -> None:
        self.shapes.selected_data = set()
        self.shapes.feature_defaults = {KIND: kind}
        self._colour_next()

    def _colour_next(self) -> None:
        layer = self.shapes
        kind = layer.feature_defaults[KIND][0]
        with layer.block_update_properties():
            layer.current_edge_color = _LINES[kind]
            layer.current_face_color = _FACES[kind]

    def _line_width(self) -> float:
        scale = float(np.mean(np.abs(self.shapes.scale[-2:])))
        zoom = float(self._viewer.scene.camera.zoom)
        return _WIDTH / max(zoom * scale, 1e-9)

    def _points(self, one: OutlineShape) -> NDArray[np.float64]:
        """Return the vertices (N, D) in the layer's coordinates."""
        points = np.empty((len(one.ring), self.shapes.ndim))
        points[:] = [0 if at is None else at for at in self._plane.index]
        points[:, list(self._plane.axes)] = one.ring
        return points

    def _release(self) -> None:
        for end in self._held:
            end()
        self._held = []

    @contextmanager
    def _silently(self) -> Iterator[None]:
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before
