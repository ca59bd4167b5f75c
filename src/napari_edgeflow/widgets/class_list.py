"""An editable list of classes, one of which is the current one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.classes import (
    ClassTable,
    Colour,
    LabelClass,
    voc_palette,
)
from napari_edgeflow.widgets.tables import make_compact

_COLOUR, _ID, _NAME = range(3)


class ClassList(QWidget):
    """Classes with colour, id and name; double-click on one of these to change it.

    Parameters
    ----------
    classes : ClassTable
        The classes at first.
    parent : QWidget, optional
        The widget it is part of.
    """

    changed = Signal()
    """The classes or the current one were changed by the person."""

    def __init__(self, classes: ClassTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = classes
        self._table = self._make_table()
        self._add = self._make_button("Add class", self.add_class)
        self._remove = self._make_button("Remove class", self.remove_class)
        buttons = QHBoxLayout()
        buttons.addWidget(self._add)
        buttons.addWidget(self._remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(buttons)
        self._fill(self._classes.classes[0].id)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 3, self)
        table.setHorizontalHeaderLabels(["", "Id", "Class"])
        make_compact(table, stretched=_NAME, row_height=24, least_height=120)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.itemSelectionChanged.connect(self.changed)
        table.itemChanged.connect(self._on_edited)
        table.itemDoubleClicked.connect(self._on_double_click)
        return table

    def _make_button(self, text: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(partial(_call, action))
        return button

    @property
    def classes(self) -> ClassTable:
        """The classes."""
        return self._classes

    @property
    def current_id(self) -> int:
        """Id of the current class."""
        return self._classes.classes[max(self._table.currentRow(), 0)].id

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

    def add_class(self) -> None:
        """Add a class with the lowest free id, and make it the current one."""
        class_id = self._classes.next_id()
        red, green, blue = voc_palette()[class_id % 256].tolist()
        entry = LabelClass(class_id, f"class {class_id}", (red, green, blue))
        self._replace(self._classes.with_class(entry), class_id)
        row = self._table.currentRow()
        self._table.editItem(self._table.item(row, _NAME))

    def remove_class(self) -> None:
        """Remove the current class; labels that use it stay as they are."""
        if len(self._classes) == 1:
            show_warning("The last class cannot be removed: change it instead.")
            return
        row = self._table.currentRow()
        classes = self._classes.without(self.current_id)
        self._replace(classes, classes.classes[min(row, len(classes) - 1)].id)

    def set_colour(self, colour: QColor) -> None:
        """Give the current class another colour."""
        entry = self._classes.get(self.current_id)
        rgb = (colour.red(), colour.green(), colour.blue())
        self._replace(self._classes.with_class(replace(entry, colour=rgb)), entry.id)

    def _replace(self, classes: ClassTable, current: int) -> None:
        self._classes = classes
        self._fill(current)
        self.changed.emit()

    def _fill(self, current: int) -> None:
        table = self._table
        table.blockSignals(True)
        table.setRowCount(len(self._classes))
        for row, entry in enumerate(self._classes):
            for column, item in enumerate(_items(entry)):
                table.setItem(row, column, item)
        ids = [entry.id for entry in self._classes]
        table.selectRow(ids.index(current) if current in ids else 0)
        table.blockSignals(False)

    def _on_edited(self, item: QTableWidgetItem) -> None:
        entry, text = self._classes.classes[item.row()], item.text().strip()
        try:
            if item.column() == _ID:
                changed = replace(entry, id=_as_id(text))
            else:
                changed = replace(entry, name=text)
            entries = list(self._classes)
            entries[item.row()] = changed
            self._replace(ClassTable(tuple(entries)), changed.id)
        except ValueError as error:
            show_warning(str(error))
            self._fill(entry.id)

    def _on_double_click(self, item: QTableWidgetItem) -> None:
        if item.column() == _COLOUR:
            before = QColor(*self._classes.get(self.current_id).colour)
            colour = QColorDialog.getColor(before, self, "Colour of the class")
            if colour.isValid():
                self.set_colour(colour)


def swatch(colour: Colour) -> QIcon:
    """Return a square of a colour."""
    square = QPixmap(16, 16)
    square.fill(QColor(*colour))
    icon = QIcon(square)
    # Else Qt tints the square of a row that is selected.
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


def _items(entry: LabelClass) -> tuple[QTableWidgetItem, ...]:
    colour = QTableWidgetItem(swatch(entry.colour), "")
    colour.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    colour.setToolTip("Double-click to change the colour")
    return colour, QTableWidgetItem(str(entry.id)), QTableWidgetItem(entry.name)


def _as_id(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"class id {text!r}: use a whole number from 1 on")
    return int(text)


def _call(action: Callable[[], None], _checked: bool) -> None:
    action()
