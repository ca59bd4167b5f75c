"""The buttons that choose what dragging the mouse does."""

from typing import get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from napari_edgeflow.widgets.clicks.object.settings import Tool

_TEXTS: dict[Tool, tuple[str, str]] = {
    "click": ("Click", "Click on the object; dragging moves the view"),
    "box": (
        "Box",
        "Drag a box around the object, then correct the mask by clicks.\n"
        "Shift and dragging does this at any time.",
    ),
    "stroke": (
        "Scribble",
        "Drag along the object: one stroke counts as many clicks. Drag with the "
        "right button along what is not part of it.\n"
        "Ctrl and dragging does this at any time.",
    ),
    "brush": (
        "Brush",
        "Paint and erase the mask with napari's own tools for labels; the next "
        "clicks keep to that.",
    ),
}


class ToolButtons(QWidget):
    """One button for each tool; one of them is down."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._buttons: dict[Tool, QPushButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for tool in get_args(Tool):
            text, tip = _TEXTS[tool]
            button = QPushButton(text, self)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(self._on_clicked)
            self._group.addButton(button)
            self._buttons[tool] = button
            layout.addWidget(button)
        self._buttons["click"].setChecked(True)
        self.rectangle = QPushButton("Use rectangle", self)
        self.rectangle.setToolTip(
            "Take the rectangle selected in a Shapes layer, or its last one, for a box"
        )
        layout.addWidget(self.rectangle)
        self.rectangle.hide()

    @property
    def tool(self) -> Tool:
        """The tool whose button is down."""
        return next(tool for tool, b in self._buttons.items() if b.isChecked())

    def choose(self, tool: Tool) -> None:
        """Press a tool's button."""
        self._buttons[tool].click()

    def show_tool(self, tool: str) -> None:
        """Show that a tool is in use which the person chose in napari."""
        for known, button in self._buttons.items():
            if known == tool:
                button.setChecked(True)

    def _on_clicked(self) -> None:
        self.changed.emit()
