"""The buttons and fields for editing an outline; shown while there is one."""

from typing import TYPE_CHECKING

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
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

_MOST_TOLERANCE = 10.0


class OutlinePanel(QWidget):
    """Edits the outline of one object after the other; hidden between them.

    Parameters
    ----------
    viewer : Viewer
        Where the objects are.
    parent : QWidget, optional
        The dock it is part of.
    """

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
        # A click here must not take the keys away from the canvas.
        for field in self.findChildren(QWidget):
            if field.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                field.setFocusPolicy(Qt.FocusPolicy.TabFocus)

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
