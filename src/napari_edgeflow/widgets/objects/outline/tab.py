"""The tab "Outline" of the dock "Objects"."""

from typing import TYPE_CHECKING

import numpy as np
from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from napari_edgeflow.widgets.objects.outline.controller import OutlineController
from napari_edgeflow.widgets.objects.table.view import plane_to_edit, show_object
from napari_edgeflow.widgets.qt.style import leave_keys_to_canvas
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.engine.raster.mask_part import MaskPart
    from napari_edgeflow.widgets.layers.planes import Plane
    from napari_edgeflow.widgets.objects.table.controller import ObjectsController
    from napari_edgeflow.widgets.objects.table.entries import ObjectSelection

_MOST_TOLERANCE = 10.0


class OutlinePanel(QWidget):
    """Edits the outline of one object after the other; hidden between them."""

    def __init__(self, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.controller = OutlineController(viewer)
        self.hint, self.state, self.problem = (QLabel(self) for _ in range(3))
        self.tolerance = QLabeledDoubleSlider(Qt.Orientation.Horizontal, self)
        self._make_fields()
        self._make_buttons(viewer)
        self._lay_out()
        self.controller.changed.connect(self._show_state)
        self._show_state()

    def _make_fields(self) -> None:
        self.hint.setText(
            "Drag the vertices; napari's tools for shapes, on the left, add and remove "
            "them. Yellow are the parts of the object, pink are holes."
        )
        for label in (self.hint, self.state, self.problem):
            label.setWordWrap(True)
        self.problem.setStyleSheet("color: #ff8c42")
        self.tolerance.setRange(0, _MOST_TOLERANCE)
        self.tolerance.setDecimals(1)
        self.tolerance.setToolTip(
            "How many pixels the outline may move for fewer vertices; at 0 it follows "
            "every pixel"
        )
        self.tolerance.valueChanged.connect(self.controller.simplify)

    def _make_buttons(self, viewer: "Viewer") -> None:
        shortcuts, controller = Workspace.of(viewer).shortcuts, self.controller
        self.write = QPushButton("Write into labels", self)
        self.cancel = QPushButton("Cancel", self)
        self.undo, self.redo = QPushButton("Undo", self), QPushButton("Redo", self)
        self.add_part = QPushButton("Draw a part", self)
        self.add_hole = QPushButton("Draw a hole", self)
        self.add_part.setToolTip("Click its corners, double-click the last one")
        self.add_hole.setToolTip(self.add_part.toolTip())
        for button, action in (
            (self.write, "outline_write"),
            (self.cancel, "outline_cancel"),
            (self.undo, "outline_undo"),
            (self.redo, "outline_redo"),
        ):
            shortcuts.label(button, action)
        self.write.clicked.connect(controller.write)
        self.cancel.clicked.connect(controller.cancel)
        self.undo.clicked.connect(controller.undo)
        self.redo.clicked.connect(controller.redo)
        self.add_part.clicked.connect(lambda: controller.draw(hole=False))
        self.add_hole.clicked.connect(lambda: controller.draw(hole=True))
        leave_keys_to_canvas(self)

    def _lay_out(self) -> None:
        simplify = QHBoxLayout()
        simplify.addWidget(QLabel("Tolerance", self))
        simplify.addWidget(self.tolerance, 1)
        buttons = QGridLayout()
        for at, button in enumerate(
            (self.add_part, self.add_hole, self.undo, self.redo)
        ):
            buttons.addWidget(button, *divmod(at, 2))
        buttons.addWidget(self.write, 2, 0, 1, 2)
        buttons.addWidget(self.cancel, 3, 0, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint)
        layout.addLayout(simplify)
        layout.addWidget(self.state)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def _show_state(self) -> None:
        controller = self.controller
        session, found = controller.session, controller.answer
        self.setVisible(controller.active)
        self.setEnabled(session is not None)
        if session is None:
            return
        self.undo.setEnabled(session.can_undo)
        self.redo.setEnabled(session.can_redo)
        if found is None:
            self.state.setText("working …")
            return
        with signals_blocked(self.tolerance):
            self.tolerance.setValue(session.state.tolerance)
        self.state.setText(controller.summary)
        repairs = () if found.filled is None else found.filled.repairs
        self.problem.setText(" ".join((found.problem, *repairs)).strip())
        self.problem.setVisible(bool(self.problem.text()))


class OutlineTab(QWidget):
    """Edits the outline of the object that is selected."""

    def __init__(self, controller: "ObjectsController") -> None:
        super().__init__()
        self._objects = controller
        self.panel = OutlinePanel(controller.viewer, self)
        self.hint = QLabel(
            "The outline of an object is edited as polygons, holes and parts apart.",
            self,
        )
        self.hint.setWordWrap(True)
        self.start = QPushButton(self)
        self.start.clicked.connect(self._start)
        layout = QVBoxLayout(self)
        for widget in (self.hint, self.start, self.panel):
            layout.addWidget(widget)
        layout.addStretch(1)
        controller.selection_changed.connect(self._on_selection)
        outline = self.panel.controller
        outline.changed.connect(self._on_outline)
        self.destroyed.connect(outline.stop)
        self._on_selection(controller.selection)

    def edit(self, labels: "Labels", plane: "Plane", part: "MaskPart") -> None:
        """Edit the outline of an object that was just finished.

        Raises
        ------
        ValueError
            If another outline is being edited, or nothing is left of the object.
        """
        window = part.window
        present = plane.read(labels.data, window)
        values = present[part.mask & (present > 0)]
        if not values.size:
            raise ValueError("The object that was finished last is not there any more.")
        value = int(np.bincount(values).argmax())
        mask = np.zeros([labels.data.shape[axis] for axis in plane.axes], np.bool_)
        mask[window.slices] = part.mask & (present == value)
        self.panel.controller.start(labels, plane, value, mask)

    def _start(self) -> None:
        self._objects.when_listed(self._start_now)

    def _start_now(self) -> None:
        selection, viewer = self._objects.selection, self._objects.viewer
        layer = selection.layer
        if layer is None or len(selection.entries) != 1:
            return
        entry = selection.entries[0]
        plane = plane_to_edit(viewer, layer, entry)
        try:
            self.panel.controller.start(layer, plane, entry.id)
        except ValueError as error:
            show_warning(str(error))
            return
        if plane == entry.plane:
            show_object(viewer, layer, entry)
        # It would lie over the vertices.
        self._objects.highlight.hide()

    def _on_selection(self, selection: "ObjectSelection") -> None:
        one = len(selection.entries) == 1
        what = f"object {selection.entries[0].id}" if one else "one selected object"
        self.start.setText(f"Edit the outline of {what}")
        self.start.setEnabled(one)

    def _on_outline(self) -> None:
        active = self.panel.controller.active
        self.start.setVisible(not active)
        self.hint.setVisible(not active)
