"""The table of what automatic segmentation found."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.engine.semantic_regions import ClassShare
from napari_edgeflow.widgets.class_list import swatch

_HEADERS = ("Class", "Pixels", "%", "Conf.")
_CLASS = 0


class SummaryTable(QTableWidget):
    """One row for each class: colour and name, pixels, percent, mean confidence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADERS), parent)
        self.setHorizontalHeaderLabels(list(_HEADERS))
        tips = ("", "", "Share of all pixels", "Mean probability of the class")
        for column, tip in enumerate(tips):
            header = self.horizontalHeaderItem(column)
            if header is not None:
                header.setToolTip(tip)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:
            rows.hide()
            rows.setDefaultSectionSize(22)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            columns.setSectionResizeMode(_CLASS, QHeaderView.ResizeMode.Stretch)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setShowGrid(False)
        self.setMinimumHeight(96)

    def show_summary(self, classes: ClassTable, shares: Sequence[ClassShare]) -> None:
        """Show the classes found, in the order given; the background is left out."""
        found = [share for share in shares if share.class_id]
        self.setRowCount(len(found))
        for row, share in enumerate(found):
            entry = classes.get(share.class_id)
            name = QTableWidgetItem(swatch(entry.colour), entry.name)
            name.setToolTip(f"{entry.name} (id {entry.id})")
            self.setItem(row, _CLASS, name)
            figures = (
                f"{share.pixels:,}",
                f"{share.percent:.1f}",
                f"{share.confidence:.2f}",
            )
            for column, text in enumerate(figures, start=1):
                item = QTableWidgetItem(text)
                item.setTextAlignment(
                    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
                self.setItem(row, column, item)
