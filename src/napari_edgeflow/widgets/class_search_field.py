"""A small field in which a class is found by a few letters."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QLineEdit, QWidget


class ClassSearchField(QLineEdit):
    """Takes the keys while a person types, and gives them back after Enter or Esc."""

    chosen = Signal(str)
    """The person pressed Enter after typing this."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Find a class")
        self.setToolTip("Type some letters or an id; Enter chooses the class in bold")
        self.setClearButtonEnabled(True)

    def start(self) -> None:
        """Take the keys."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the keys, also in a dock whose fields leave them to the canvas."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Choose, or give up."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            text = self.text()
            self._end()
            self.chosen.emit(text)
        elif event.key() == Qt.Key.Key_Escape:
            self._end()
        else:
            super().keyPressEvent(event)

    def _end(self) -> None:
        self.clear()
        # napari's window hands the keys of nobody to the canvas.
        self.clearFocus()
