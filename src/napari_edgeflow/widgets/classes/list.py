"""An editable list of classes, one of which is the current one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QPoint, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent
from qtpy.QtWidgets import (
    QColorDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QTableWidgetItem,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.labels.class_search import find_classes
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.formats.files.class_files import (
    CLASS_FORMATS,
    ClassFormat,
    read_classes,
    write_classes,
)
from napari_edgeflow.widgets.classes.table import COLOUR, ID, NAME, ClassRows
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.workers import show_problem

if TYPE_CHECKING:
    from napari.viewer import Viewer

_MOST_TOLD = 5
"""How many problems of a file are told one by one."""


class ClassMenu(QMenu):
    """The menu of a list of classes."""

    def __init__(self, view: "ClassList") -> None:
        super().__init__(view)
        self._view = view
        for entry in (
            ("Rename", view.rename_class),
            ("Colour …", view.ask_colour),
            ("Move up", lambda: view.move_class(-1)),
            ("Move down", lambda: view.move_class(1)),
            None,
            ("Merge into another class …", self._merge),
            ("Delete …", view.remove_class),
            None,
            ("Show this class only", self._show_only),
            ("Show all classes", lambda: view.hide_classes(frozenset())),
            None,
            ("Open classes …", self._open),
        ):
            if entry is None:
                self.addSeparator()
            else:
                self._add_entry(self, *entry)
        self._add_exports()

    def _add_exports(self) -> None:
        exports = QMenu("Save classes as", self)
        self.addMenu(exports)
        for form, (title, _) in CLASS_FORMATS.items():
            self._add_entry(exports, f"{title} …", partial(self._save, form))

    def _add_entry(self, menu: QMenu, text: str, action: Callable[[], None]) -> None:
        entry = menu.addAction(text)
        if entry is not None:
            entry.triggered.connect(lambda _checked=False: self._view.act(action))

    def _merge(self) -> None:
        self._view.merge_asked.emit(self._view.current_id)

    def _show_only(self) -> None:
        view = self._view
        others = {entry.id for entry in view.classes} - {view.current_id}
        view.hide_classes(frozenset(others))

    # ---- files

    def _open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._view, "Open classes", "", "Classes (*.txt *.json);;All files (*)"
        )
        if name:
            self.open_classes(Path(name))

    def open_classes(self, path: Path) -> None:
        """Take over the classes of a file, whatever can be used of it.

        Present classes that have labels stay, so that no label loses its class, unless
        the file has their id.
        """
        problems: list[str] = []
        try:
            found = read_classes(path, problems.append)
        except (ValueError, OSError) as error:
            show_problem(error)
            return
        view, ids = self._view, {entry.id for entry in found}
        used = (c for c in view.classes if c.id not in ids and view.count_text(c.id))
        view.replace(ClassTable((*found, *used)), view.current_id)
        _tell(problems)

    def _save(self, form: ClassFormat) -> None:
        suffix = CLASS_FORMATS[form][1]
        name, _ = QFileDialog.getSaveFileName(
            self._view, "Save classes", f"classes{suffix}", f"Classes (*{suffix})"
        )
        if name:
            path = Path(name)
            self.save_classes(path if path.suffix else path.with_suffix(suffix), form)

    def save_classes(self, path: Path, form: ClassFormat) -> None:
        """Write the classes into a file."""
        try:
            write_classes(path, self._view.classes, form)
        except (ValueError, OSError) as error:
            show_problem(error)
        else:
            show_info(f"{len(self._view.classes)} classes are in {path}.")


def _tell(problems: list[str]) -> None:
    if problems:
        told = "\n".join(problems[:_MOST_TOLD])
        more = len(problems) - _MOST_TOLD
        rest = f"\n… and {more} more" if more > 0 else ""
        show_warning(f"{told}{rest}")


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


class ClassList(QWidget):
    """Classes with colour, id, name and how many labels they have.

    Double-click on a colour, an id or a name changes it, dragging a row changes the
    order; the box beside a colour hides the labels of the class.
    """

    changed = Signal()
    """The classes or the current one were changed by the person."""
    edited = Signal(object, object)
    """The person edited the classes: as they were, and as they are."""
    hidden_changed = Signal(object)
    """The ids of the classes whose labels are to be hidden."""
    removal_asked = Signal(int)
    """A class is to go; whoever listens calls :meth:`take_away`, or not."""
    merge_asked = Signal(int)
    """A class is to go into another one."""

    def __init__(self, classes: ClassTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = classes
        self._counts: Mapping[int, int] = {}
        self._unit = ""
        self._hidden: frozenset[int] = frozenset()
        self.asks_before_removal = False
        self._table = ClassRows(self)
        self._search = ClassSearchField(self)
        self._menu = ClassMenu(self)
        self._lay_out()
        self._connect()
        self._fill(self._classes.classes[0].id)

    def _lay_out(self) -> None:
        under = QHBoxLayout()
        under.setSpacing(2)
        under.addWidget(self._search, 1)
        under.addWidget(self._button("+", "Add a class", self.add_class))
        under.addWidget(self._button("−", "Delete the class", self.remove_class))  # noqa: RUF001
        more = self._button("⋯", "Order, merge, visibility, files of classes", None)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setMenu(self._menu)
        more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        under.addWidget(more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._table)
        layout.addLayout(under)

    def _connect(self) -> None:
        table, search = self._table, self._search
        table.itemSelectionChanged.connect(self.changed)
        table.itemChanged.connect(self._on_edited)
        table.itemDoubleClicked.connect(self._on_double_click)
        table.row_dropped.connect(self._on_dropped)
        table.customContextMenuRequested.connect(self._on_context_menu)
        search.textChanged.connect(self._on_typed)
        search.chosen.connect(self._on_chosen)

    def _button(
        self, text: str, tip: str, action: Callable[[], None] | None
    ) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setFixedWidth(28)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if action is not None:
            button.clicked.connect(lambda _checked=False: self.act(action))
        return button

    # ---- the classes

    @property
    def classes(self) -> ClassTable:
        """The classes."""
        return self._classes

    @property
    def current_id(self) -> int:
        """Id of the current class."""
        return self._classes.classes[max(self._table.currentRow(), 0)].id

    @property
    def hidden(self) -> frozenset[int]:
        """Ids of the classes whose labels are hidden."""
        return self._hidden

    def set_classes(self, classes: ClassTable) -> None:
        """Show other classes; the current one stays current if its id is there."""
        if classes != self._classes and len(classes):
            current = self.current_id
            self._classes = classes
            self._fill(current)

    def choose(self, class_id: int) -> None:
        """Make a class the current one.

        Raises
        ------
        ValueError
            If there is none of this id.
        """
        self._classes.get(class_id)
        ids = [entry.id for entry in self._classes]
        self._table.selectRow(ids.index(class_id))

    def choose_row(self, row: int) -> None:
        """Make the class of a row the current one, if there is such a row."""
        if row < len(self._classes):
            self._table.selectRow(row)

    def search(self) -> None:
        """Let the person type the name of a class, also where a tab hides the list."""
        around = self.parentWidget()
        while around is not None:
            if isinstance(around, QTabWidget) and around.indexOf(self) >= 0:
                around.setCurrentWidget(self)
            around = around.parentWidget()
        self._search.start()

    # ---- edits

    def act(self, action: Callable[[], None]) -> None:
        """Do what a button or the menu is for, after what a person is typing.

        Neither takes the keys, so that a cell would stay open.
        """
        self._table.end_edit()
        action()

    def add_class(self) -> None:
        """Add a class with the lowest free id, and make it the current one."""
        class_id = self._classes.next_id()
        red, green, blue = voc_palette()[class_id % 256].tolist()
        entry = LabelClass(class_id, f"class {class_id}", (red, green, blue))
        self.replace(self._classes.with_class(entry), class_id)
        self.rename_class()

    def rename_class(self) -> None:
        """Let the person type another name for the current class."""
        item = self._table.item(self._table.currentRow(), NAME)
        if item is not None:
            self._table.editItem(item)

    def remove_class(self) -> None:
        """Ask for the current class to be taken away."""
        if len(self._classes) == 1:
            show_warning("The last class cannot be removed: change it instead.")
        elif self.asks_before_removal:
            self.removal_asked.emit(self.current_id)
        else:
            self.take_away(self.current_id)

    def take_away(self, class_id: int) -> None:
        """Take a class away; labels that use it stay as they are."""
        row = [entry.id for entry in self._classes].index(class_id)
        classes = self._classes.without(class_id)
        self.replace(classes, classes.classes[min(row, len(classes) - 1)].id)

    def move_class(self, by: int) -> None:
        """Move the current class some rows down, or up."""
        row = self._table.currentRow() + by
        if 0 <= row < len(self._classes):
            self.replace(self._classes.moved(self.current_id, row), self.current_id)

    def set_colour(self, colour: QColor) -> None:
        """Give the current class another colour."""
        entry = self._classes.get(self.current_id)
        rgb = (colour.red(), colour.green(), colour.blue())
        self.replace(self._classes.with_class(replace(entry, colour=rgb)), entry.id)

    def replace(self, classes: ClassTable, current: int) -> None:
        """Take over classes as an edit of the person's."""
        before, self._classes = self._classes, classes
        self._fill(current)
        if classes != before:
            self.edited.emit(before, classes)
        self.changed.emit()

    # ---- what a layer tells of them

    def show_counts(self, counts: Mapping[int, int], unit: str) -> None:
        """Show how many labels each class id has, in a unit as in "objects"."""
        if (counts, unit) != (self._counts, self._unit):
            self._counts, self._unit = dict(counts), unit
            self._table.show_counts(self._classes, self._counts, unit)

    def count_text(self, class_id: int) -> str:
        """Return how many labels a class has, as in "12 objects"; "" for none."""
        count = self._counts.get(class_id, 0)
        unit = self._unit[:-1] if count == 1 else self._unit
        return f"{count:,} {unit}" if count else ""

    def show_hidden(self, hidden: frozenset[int]) -> None:
        """Show which classes are hidden."""
        self._hidden = hidden
        self._table.show_hidden(self._classes, hidden)

    def hide_classes(self, hidden: frozenset[int]) -> None:
        """Hide the labels of these classes, and of no others."""
        self.show_hidden(hidden)
        self.hidden_changed.emit(hidden)

    # ---- what happens

    def _fill(self, current: int) -> None:
        ids = [entry.id for entry in self._classes]
        row = ids.index(current) if current in ids else 0
        self._table.fill(self._classes, row)
        self._table.show_hidden(self._classes, self._hidden)
        self._table.show_counts(self._classes, self._counts, self._unit)
        if self._search.text():
            self._on_typed(self._search.text())

    def _on_edited(self, item: QTableWidgetItem) -> None:
        entry, text = self._classes.classes[item.row()], item.text().strip()
        if item.column() == COLOUR:
            is_shown = item.checkState() == Qt.CheckState.Checked
            others = self._hidden - {entry.id}
            self.hide_classes(others if is_shown else others | {entry.id})
            return
        try:
            if item.column() == ID:
                changed = replace(entry, id=self._as_free_id(entry, text))
            else:
                changed = replace(entry, name=text)
            self.replace(self._classes.replaced(entry.id, changed), changed.id)
        except ValueError as error:
            show_warning(str(error))
            self._fill(entry.id)

    def _as_free_id(self, entry: LabelClass, text: str) -> int:
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"class id {text!r}: use a whole number from 1 on")
        if int(text) != entry.id and self.count_text(entry.id):
            raise ValueError(
                f"{entry.name!r} has {self.count_text(entry.id)} with the id "
                f"{entry.id}: add a class with the id {text} and merge this one into it"
            )
        return int(text)

    def _on_double_click(self, item: QTableWidgetItem) -> None:
        if item.column() == COLOUR:
            self.ask_colour()

    def ask_colour(self) -> None:
        """Let the person choose another colour for the current class."""
        before = QColor(*self._classes.get(self.current_id).colour)
        colour = QColorDialog.getColor(before, self, "Colour of the class")
        if colour.isValid():
            self.set_colour(colour)

    def _on_dropped(self, row: int, place: int) -> None:
        class_id = self._classes.classes[row].id
        self.replace(self._classes.moved(class_id, place), class_id)

    def _on_context_menu(self, at: QPoint) -> None:
        self._menu.popup(self._table.mapToGlobal(at))

    def _on_typed(self, text: str) -> None:
        found = find_classes(self._classes, text)
        best = found[0].id if found and text.strip() else None
        self._table.show_only({entry.id for entry in found}, best, self._classes)

    def _on_chosen(self, text: str) -> None:
        found = find_classes(self._classes, text)
        if text.strip() and not found:
            show_warning(f"No class is called anything like {text!r}.")
        elif text.strip():
            self.choose(found[0].id)


def bind_class_keys(
    viewer: "Viewer", view: ClassList, shortcuts: Shortcuts, links: Connections
) -> None:
    """Let keys choose the classes of a list by their row.

    The keys are those of the whole viewer, so that a layer that uses a digit itself,
    as napari's do for their modes, comes first.
    """
    links.keep(shortcuts.bind(viewer, "find_class", view.search))
    for row in range(10):
        choose = partial(view.choose_row, row)
        # The digit 0 is the tenth on a keyboard.
        links.keep(shortcuts.bind(viewer, f"digit_{(row + 1) % 10}", choose))
        if row < 9:
            links.keep(shortcuts.bind(viewer, f"class_{row + 1}", choose))
