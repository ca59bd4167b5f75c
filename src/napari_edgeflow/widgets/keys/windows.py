"""The windows that list the keys and change them, and the links to both."""

from collections.abc import Iterable, Iterator
from functools import partial
from html import escape

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_edgeflow.widgets.keys.keys import PLACES, shown_key
from napari_edgeflow.widgets.keys.shortcuts import Action, Shortcuts
from napari_edgeflow.widgets.qt.style import make_compact

_HINT = "Click on a key and press another one. It holds at once, in all docks."


class ShortcutDialog(QDialog):
    """All actions and their keys; a key that is in use is refused."""

    def __init__(self, parent: QWidget, shortcuts: Shortcuts) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self.setWindowTitle("Shortcuts of EdgeFlow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fields: dict[str, QKeySequenceEdit] = {}
        self.message = QLabel(_HINT, self)
        self.message.setWordWrap(True)
        self.message.setMinimumHeight(2 * self.message.fontMetrics().lineSpacing())
        self.reset = QPushButton("Reset all", self)
        self.reset.setToolTip("Give all actions their first keys again")
        self.reset.clicked.connect(self._on_reset)
        self._lay_out(self._make_table([a for a in shortcuts if not a.fixed]))
        shortcuts.changed.connect(self._show)
        self._show()
        self.resize(560, 460)

    def _make_table(self, actions: list[Action]) -> QTableWidget:
        table = QTableWidget(len(actions), 3, self)
        table.setHorizontalHeaderLabels(["Action", "Works", "Key"])
        make_compact(table, stretched=0, row_height=30, least_height=200)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        for row, action in enumerate(actions):
            table.setItem(row, 0, QTableWidgetItem(action.text))
            table.setItem(row, 1, QTableWidgetItem(PLACES[action.place]))
            table.setCellWidget(row, 2, self._make_cell(action))
        table.setColumnWidth(2, 140)
        header = table.horizontalHeader()
        if header is not None:
            header.setSectionResizeMode(2, header.ResizeMode.Fixed)
        return table

    def _make_cell(self, action: Action) -> QWidget:
        field = QKeySequenceEdit(self)
        field.setMaximumSequenceLength(1)
        field.setToolTip(f"Its first key: {shown_key(action.key) or 'none'}")
        field.editingFinished.connect(partial(self._on_key, action.id))
        self.fields[action.id] = field
        # The field's own button cannot be told from the start of another key.
        none = QToolButton(self)
        none.setText("×")  # noqa: RUF001
        none.setToolTip("No key")
        none.clicked.connect(partial(self._on_none, action.id))
        cell = QWidget(self)
        row = QHBoxLayout(cell)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(field, 1)
        row.addWidget(none)
        return cell

    def _lay_out(self, table: QTableWidget) -> None:
        buttons = QDialogButtonBox(self)
        buttons.addButton(self.reset, QDialogButtonBox.ButtonRole.ResetRole)
        close = buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        for button in (self.reset, close):
            if button is not None:
                # Enter is a key to be chosen, too.
                button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.message)
        layout.addWidget(table)
        layout.addWidget(buttons)

    def _show(self) -> None:
        for action_id, field in self.fields.items():
            keys = QKeySequence(self._shortcuts.key(action_id))
            if field.keySequence() != keys:
                with signals_blocked(field):
                    field.setKeySequence(keys)

    def _on_key(self, action_id: str) -> None:
        keys = self.fields[action_id].keySequence()
        if keys.isEmpty():
            # Only a Shift or a Ctrl was pressed.
            self._show()
            return
        self._assign(action_id, keys.toString(QKeySequence.SequenceFormat.PortableText))

    def _on_none(self, action_id: str, _checked: bool = False) -> None:
        self._assign(action_id, "")

    def _assign(self, action_id: str, key: str) -> None:
        self._tell(_HINT, is_problem=False)
        try:
            self._shortcuts.assign(action_id, key)
        except (ValueError, OSError) as error:
            self._tell(str(error), is_problem=True)
        self._show()

    def _on_reset(self) -> None:
        self._tell(_HINT, is_problem=False)
        try:
            self._shortcuts.reset()
        except OSError as error:
            show_warning(str(error))

    def _tell(self, text: str, *, is_problem: bool) -> None:
        self.message.setText(text)
        self.message.setStyleSheet("color: #ff8c66" if is_problem else "")


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
    """Lists all keys and mouse actions; it may stay open beside the work."""

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
    """Two small buttons: the list of the keys, and the window that changes them."""

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
