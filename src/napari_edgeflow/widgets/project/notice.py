"""A sentence in a dock with buttons for what to do about it."""

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

_Answer = tuple[str, Callable[[], None]]
"""The text of a button and what it does."""


class Notice(QFrame):
    """Asks something without stopping the person; hidden while it does not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(
            "Notice { border-radius: 4px; background: rgba(240, 165, 0, 70) }"
        )
        self.text = QLabel(self)
        self.text.setWordWrap(True)
        self._row = QHBoxLayout()
        self.buttons: list[QPushButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.text)
        layout.addLayout(self._row)
        self.hide()

    def ask(self, text: str, *answers: _Answer) -> None:
        """Show a sentence and buttons; each button takes the notice away first."""
        self._clear()
        self.text.setText(text)
        for label, action in answers:
            button = QPushButton(label, self)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._answer, action))
            self._row.addWidget(button)
            self.buttons.append(button)
        self.show()

    def dismiss(self) -> None:
        """Take the notice away."""
        self._clear()
        self.hide()

    def _answer(self, action: Callable[[], None], _checked: bool) -> None:
        self.dismiss()
        action()

    def _clear(self) -> None:
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons.clear()
