"""How the docks' tables look."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableView


def make_compact(
    table: QTableView, *, stretched: int, row_height: int, least_height: int
) -> None:
    """Give a table low rows without numbers, and one column the room that is left.

    Parameters
    ----------
    table : QTableView
        With its columns.
    stretched : int
        The column that grows with the table; others are as wide as their content.
    row_height, least_height : int
        Of a row and of the table, in pixels.
    """
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    if rows is not None and columns is not None:
        rows.hide()
        rows.setDefaultSectionSize(row_height)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    table.setShowGrid(False)
    table.setMinimumHeight(least_height)
