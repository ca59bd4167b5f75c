"""What happens while an outline is edited, without any of its buttons."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info, show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.raster.outlines.outline import TOLERANCE
from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.objects.outline.layer import OutlineLayer
from napari_edgeflow.widgets.objects.outline.work import (
    OutlineAnswer,
    OutlinedObject,
    OutlineRequest,
    OutlineSession,
    OutlineShapes,
    OutlineState,
    answer,
    commit_outline,
)
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_SETTLE_MS = 150
"""How long the zoom rests before the lines get their width."""


class OutlineController(QObject):
    """Shows the outline of an object as shapes, and writes it back."""

    changed = Signal()
    """The outline, or what is known of it, is another one."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        workspace = Workspace.of(viewer)
        self._history, self._shortcuts = workspace.history, workspace.shortcuts
        self._labels: Labels | None = None
        self._target: OutlinedObject | None = None
        self.layer: OutlineLayer | None = None
        """The shapes that are edited."""
        self.session: OutlineSession | None = None
        """The states of the outline that is edited."""
        self._request: OutlineRequest | None = None
        self.answer: OutlineAnswer | None = None
        """What is known of the outline that is shown; None while it is computed."""
        self._writing = self._warned = False
        self._calls = LatestCall(answer, self._deliver, self._fail)
        self._resize_later = Later(self, self._resize, _SETTLE_MS)
        self._links = Connections()

    # ---- what a panel asks for

    @property
    def active(self) -> bool:
        """Whether an outline is edited."""
        return self._target is not None

    @property
    def busy(self) -> bool:
        """Whether something is computed in the background."""
        return self._calls.busy

    @property
    def summary(self) -> str:
        """How many vertices the outline has, and what simplifying it cost."""
        session, found = self.session, self.answer
        if session is None or found is None:
            return ""
        vertices = sum(len(one.ring) for one in session.state.shapes)
        if found.simplified is None:
            return f"{vertices} vertices"
        return f"{vertices} vertices · IoU lost {1 - found.simplified.overlap:.4f}"

    def start(
        self,
        labels: "Labels",
        plane: Plane,
        value: int,
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Show the outline of an object, to be edited.

        ``mask`` (H, W) bool is the object; by default it is all pixels of the value.

        Raises
        ------
        ValueError
            If another outline is being edited, or the layer cannot be written to.
        """
        if self.active:
            raise ValueError(
                "There is an outline being edited: write it into the labels or cancel "
                "it first."
            )
        if labels not in self._viewer.layers:
            raise ValueError("The labels are gone: open them again.")
        check_target(labels, layer_shape(labels), value)
        pixels = plane.read(labels.data)
        self._labels = labels
        self._target = OutlinedObject(plane, value, pixels, mask)
        self._links.connect(self._viewer.layers.events.removed, self._on_removed)
        self._links.connect(self._viewer.scene.camera.events.zoom, self._on_zoom)
        self._ask(None, None)

    def simplify(self, tolerance: float) -> None:
        """Show the outline with more or fewer vertices; see :func:`outline_of`."""
        if self.session is not None:
            self._ask(self.session.state.source, tolerance)

    def draw(self, *, hole: bool) -> None:
        """Let the person draw another part, or a hole."""
        if self.layer is not None:
            self.layer.draw(hole=hole)

    def undo(self) -> None:
        """Take the last change back."""
        if self.session is not None:
            self.session.undo()
            self._show(self.session.state)

    def redo(self) -> None:
        """Bring the last change back."""
        if self.session is not None:
            self.session.redo()
            self._show(self.session.state)

    def write(self) -> None:
        """Write the outline into the labels, once it is known what it encloses."""
        if self.session is None:
            return
        self._writing = True
        if not self._calls.busy:
            self._write_now()

    def leave(self) -> None:
        """Cancel, but ask once more where the person has changed something."""
        if self.session is not None and self.session.edited and not self._warned:
            self._warned = True
            key = self._shortcuts.shown("outline_cancel")
            show_info(
                f"The outline was changed: press {key} again to leave the labels as "
                "they were."
            )
        else:
            self.cancel()

    def cancel(self) -> None:
        """Leave the labels as they are."""
        if self.active:
            self._end(remove=True)

    def stop(self) -> None:
        """Stop for good; an outline that is being edited stays as a layer of shapes."""
        self._links.close()
        self._resize_later.cancel()
        self._calls.close()
        if self.layer is not None:
            self.layer.unfollow()
        self.layer = self._labels = self._target = self.session = None

    # ---- the outline

    def _ask(self, shapes: OutlineShapes | None, tolerance: float | None) -> None:
        if self._target is not None:
            self.answer = None
            self._request = OutlineRequest(self._target, shapes, tolerance)
            self._calls(self._request)
            self.changed.emit()

    def _deliver(self, request: OutlineRequest, found: OutlineAnswer) -> None:
        if request is not self._request or self._target is None:
            return
        self.answer = found
        session, layer = self.session, self.layer
        if session is None or layer is None:
            self._begin(found)
        elif request.tolerance is not None:
            session.simplify(found.shapes, request.tolerance)
            layer.show(found.shapes)
            layer.edit_vertices()
        self.changed.emit()
        if self._writing:
            self._write_now()

    def _begin(self, found: OutlineAnswer) -> None:
        labels, target = self._labels, self._target
        if labels is None or target is None:
            return
        tolerance = TOLERANCE
        if found.simplified is not None:
            tolerance = found.simplified.tolerance
        self.session = OutlineSession(OutlineState(found.shapes, None, tolerance))
        layer = OutlineLayer(self._viewer, labels, target.plane, self._on_edited)
        self.layer = layer
        layer.bind(
            self._shortcuts,
            {
                "outline_write": self.write,
                "outline_cancel": self.leave,
                "outline_undo": self.undo,
                "outline_redo": self.redo,
            },
        )
        layer.show(found.shapes)
        layer.edit_vertices()

    def _on_edited(self) -> None:
        session, layer = self.session, self.layer
        if session is None or layer is None:
            return
        self._warned = self._writing = False
        try:
            shapes = layer.read()
        except ValueError as error:
            show_warning(f"{str(error)[0].upper()}{str(error)[1:]}.")
            return
        session.edit(shapes)
        self._ask(shapes, None)

    def _show(self, state: OutlineState) -> None:
        """Show an earlier or later state."""
        self._warned = self._writing = False
        if self.layer is not None:
            self.layer.show(state.shapes)
            self.layer.edit_vertices()
            self._ask(state.shapes, None)

    def _fail(self, _request: OutlineRequest, error: Exception) -> None:
        self._writing = False
        session = self.session
        if session is None:
            self._end(remove=True)
        else:
            # What is shown stays as it is.
            self._ask(session.state.shapes, None)
        show_problem(error)

    # ---- the end

    def _write_now(self) -> None:
        self._writing = False
        labels, target = self._labels, self._target
        found, layer = self.answer, self.layer
        if labels is None or target is None or found is None or layer is None:
            return
        try:
            # It may hold what the session refused.
            layer.read()
            if found.filled is None:
                raise ValueError(found.problem)
            others = commit_outline(
                self._history, labels, target, found.mask, found.filled
            )
        except ValueError as error:
            show_warning(f"{str(error)[0].upper()}{str(error)[1:]}.")
            return
        if others:
            show_info(f"{others} pixels belong to other objects and stay theirs.")
        self._end(remove=True)

    def _end(self, *, remove: bool) -> None:
        self._links.close()
        layer, labels = self.layer, self._labels
        self._labels = self._target = self.layer = self.session = None
        self._request = self.answer = None
        self._writing = self._warned = False
        if layer is not None:
            if remove:
                layer.remove()
            else:
                layer.unfollow()
        if remove and labels is not None and labels in self._viewer.layers:
            self._viewer.layers.selection.active = labels
        self.changed.emit()

    # ---- what happens in the viewer

    def _on_removed(self, event: Any) -> None:
        labels = self._labels
        if labels is not None and event.value is labels:
            show_warning(
                f"The labels {labels.name!r} were deleted while an outline of them "
                "was edited: the outline stays as a layer of shapes."
            )
            self._end(remove=False)
        elif self.layer is not None and event.value is self.layer.shapes:
            show_warning("The outline was deleted: the labels are as they were.")
            self._end(remove=False)

    def _on_zoom(self) -> None:
        self._resize_later.ask_anew()

    def _resize(self) -> None:
        if self.layer is not None:
            self.layer.resize()
