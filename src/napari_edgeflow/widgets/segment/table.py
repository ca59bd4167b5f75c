"""The table of what automatic segmentation found."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.regions import ClassShare
from napari_edgeflow.widgets.qt.style import make_compact, swatch

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
        make_compact(self, stretched=_CLASS, row_height=22, least_height=96)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)

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
