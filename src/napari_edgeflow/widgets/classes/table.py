"""The table of a list of classes: what a row looks like."""

from collections.abc import Collection, Mapping
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QDropEvent
from qtpy.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.widgets.qt.style import make_compact, swatch

COLOUR, ID, NAME, COUNT = range(4)

_FIXED = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_MOVES = Qt.ItemFlag.ItemIsDragEnabled
_WORDS = {"objects": "Objects", "pixels": "Pixels"}


class ClassRows(QTableWidget):
    """One row for each class; it shows what it is told and knows no more."""

    row_dropped = Signal(int, int)
    """A row was dragged to another place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setHorizontalHeaderLabels(["", "Id", "Class", ""])
        make_compact(self, stretched=NAME, row_height=22, least_height=120)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        # Columns that follow their content measure all rows for each cell written.
        header = self.horizontalHeader()
        if header is not None:
            for column in (COLOUR, ID, COUNT):
                header.setSectionResizeMode(column, header.ResizeMode.Fixed)

    def end_edit(self) -> None:
        """Take over what a person is typing into a cell, as Enter does."""
        for editor in self._editors():
            self.commitData(editor)
        self._close_editors()

    def _close_editors(self) -> None:
        for editor in self._editors():
            self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def _editors(self) -> list[QLineEdit]:
        is_editing = self.state() == QAbstractItemView.State.EditingState
        area = self.viewport() if is_editing else None
        editors = [] if area is None else area.findChildren(QLineEdit)
        # One that was closed is there for a moment.
        return [editor for editor in editors if not editor.isHidden()]

    def fill(self, classes: ClassTable, current: int) -> None:
        """Show classes, and select one row; what is being typed is dropped."""
        self._close_editors()
        with signals_blocked(self):
            self.setRowCount(len(classes))
            for row, entry in enumerate(classes):
                for column, item in enumerate(_items(entry)):
                    self.setItem(row, column, item)
            self.selectRow(current)
            for column in (COLOUR, ID):
                self.resizeColumnToContents(column)

    def show_counts(
        self, classes: ClassTable, counts: Mapping[int, int], unit: str
    ) -> None:
        """Show how many labels each class has."""
        with signals_blocked(self):
            self.setColumnHidden(COUNT, not unit)
            header = self.horizontalHeaderItem(COUNT)
            if header is not None:
                header.setText(_WORDS.get(unit, ""))
            for row, entry in enumerate(classes):
                count = counts.get(entry.id, 0)
                self._cell(row, COUNT).setText(f"{count:,}" if count else "–")  # noqa: RUF001
            self.resizeColumnToContents(COUNT)

    def show_hidden(self, classes: ClassTable, hidden: Collection[int]) -> None:
        """Show which classes are hidden."""
        grey = self.palette().placeholderText()
        with signals_blocked(self):
            for row, entry in enumerate(classes):
                is_hidden = entry.id in hidden
                state = Qt.CheckState.Unchecked if is_hidden else Qt.CheckState.Checked
                self._cell(row, COLOUR).setCheckState(state)
                for column in (ID, NAME, COUNT):
                    brush = grey if is_hidden else QBrush()
                    self._cell(row, column).setForeground(brush)

    def show_only(
        self, ids: Collection[int], best: int | None, classes: ClassTable
    ) -> None:
        """Show only some rows, the best of them in bold."""
        with signals_blocked(self):
            for row, entry in enumerate(classes):
                self.setRowHidden(row, entry.id not in ids)
                item = self._cell(row, NAME)
                font = item.font()
                if font.bold() != (entry.id == best):
                    font.setBold(entry.id == best)
                    item.setFont(font)
                if entry.id == best:
                    self.scrollToItem(item)
        if best is None:
            self.scrollToItem(self._cell(max(self.currentRow(), 0), NAME))

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Say where a row was dropped; the rows are filled anew."""
        if event is None:
            return
        row, target = self.currentRow(), self.indexAt(event.position().toPoint()).row()
        indicator = self.dropIndicatorPosition()
        if target < 0:
            target = self.rowCount()
        elif indicator == QAbstractItemView.DropIndicatorPosition.BelowItem:
            target += 1
        # Else Qt would move or remove cells itself.
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        place = target - 1 if target > row else target
        if row >= 0 and place != row:
            self.row_dropped.emit(row, place)

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item: Any = self.item(row, column)
        if item is None:
            raise IndexError(f"no cell {row}, {column} in {self.rowCount()} classes")
        found: QTableWidgetItem = item
        return found


def _items(entry: LabelClass) -> tuple[QTableWidgetItem, ...]:
    colour = QTableWidgetItem(swatch(entry.colour), "")
    colour.setFlags(_FIXED | _MOVES | Qt.ItemFlag.ItemIsUserCheckable)
    colour.setCheckState(Qt.CheckState.Checked)
    colour.setToolTip("Tick: show its labels. Double-click: change the colour")
    count = QTableWidgetItem("")
    count.setFlags(_FIXED | _MOVES)
    count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    name = QTableWidgetItem(entry.name)
    name.setToolTip(f"{entry.name}\nDouble-click to rename, drag to reorder")
    return colour, QTableWidgetItem(str(entry.id)), name, count
