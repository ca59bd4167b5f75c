"""The list of all keys and mouse actions, and the links to it."""

from collections.abc import Iterable, Iterator
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.widgets.keys.dialog import ShortcutDialog
from napari_edgeflow.widgets.keys.keys import PLACES
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts

MOUSE = (
    ("Left click", "Part of the object, or not: as the dock says"),
    ("Right click", "The other of the two"),
    ("Shift + drag", "A box around the object"),
    ("Ctrl + drag", "A stroke: clicks along it"),
    ("Wheel", "Zoom"),
    ("Space + drag", "Move the view"),
    ("Double-click in the class list", "Change a colour, an id or a name"),
    ("Drag in the class list", "Change the order; later classes cover earlier ones"),
    ("Right click in the class list", "Merge, hide, open and save classes"),
)
"""What the mouse does."""

_SERIES = {
    "class": "Choose the class in that row of the list",
    "digit": "The same, where the layer leaves the digit to us (6 to 0 on clicks)",
}
"""What actions do that differ in their number only."""


class KeyHelp(QDialog):
    """Lists all keys and mouse actions; it may stay open beside the work.

    Parameters
    ----------
    parent : QWidget
        Where it appears.
    shortcuts : Shortcuts
        The keys.
    """

    def __init__(self, parent: QWidget, shortcuts: Shortcuts) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self.setWindowTitle("Keys and mouse of EdgeFlow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QTextBrowser(self)
        self.change = QPushButton("Change shortcuts …", self)
        self.change.setAutoDefault(False)
        self.change.clicked.connect(self._on_change)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.change)
        shortcuts.changed.connect(self._show)
        self._show()
        self.resize(560, 700)

    def _on_change(self) -> None:
        ShortcutDialog(self, self._shortcuts).show()

    def _show(self) -> None:
        self.text.setHtml(help_text(self._shortcuts))


class KeyLinks(QWidget):
    """Two small buttons: the list of the keys, and the window that changes them.

    Parameters
    ----------
    shortcuts : Shortcuts
        The keys.
    parent : QWidget, optional
        The widget it is part of.
    """

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self.help = self._button("Help", "All keys, and what the mouse does")
        self.help.clicked.connect(self._on_help)
        self.change = self._button("Shortcuts …", "Choose other keys")
        self.change.clicked.connect(self._on_change)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.help)
        layout.addWidget(self.change)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _on_help(self) -> None:
        KeyHelp(self, self._shortcuts).show()

    def _on_change(self) -> None:
        ShortcutDialog(self, self._shortcuts).show()


def help_text(shortcuts: Shortcuts) -> str:
    """Return all keys and mouse actions as HTML, by where they work."""
    parts = [_section("Mouse", MOUSE)]
    for place, title in PLACES.items():
        rows = list(_rows(shortcuts, place))
        if rows:
            parts.append(_section(f"Keys {title}", rows))
    return "".join(parts)


def _rows(shortcuts: Shortcuts, place: str) -> Iterator[tuple[str, str]]:
    series: dict[str, list[str]] = {}
    for action in shortcuts:
        if action.place != place:
            continue
        name = action.id.rpartition("_")[0]
        key = shortcuts.shown(action.id)
        if name in _SERIES:
            series.setdefault(name, []).append(key)
        else:
            yield key or "no key", action.text
    for name, keys in series.items():
        given = [key for key in keys if key] or ["no key"]
        # The key of each is in its row of the other window.
        shown = given if len(given) < 3 else [given[0], "…", given[-1]]
        yield " ".join(shown), _SERIES[name]


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td width='150'><b>{escape(key)}</b></td><td>{escape(text)}</td></tr>"
        for key, text in rows
    )
    return f"<h4>{escape(title)}</h4><table cellpadding='2'>{cells}</table>"
