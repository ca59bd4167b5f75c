"""How fields, tables and texts of all docks look."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QFormLayout,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableView,
    QWidget,
)

from napari_edgeflow.engine.labels.classes import Colour


def counted(number: int, what: str) -> str:
    """Return "1 image" or "2 images"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def swatch(colour: Colour) -> QIcon:
    """Return a square of a colour."""
    square = QPixmap(16, 16)
    square.fill(QColor(*colour))
    icon = QIcon(square)
    # Else Qt tints the square of a row that is selected.
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


def field_form(*rows: tuple[str, QWidget]) -> QFormLayout:
    """Return labelled fields below each other, as wide as the dock and no wider."""
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for text, field in rows:
        form.addRow(text, field)
        fit_width(field)
    return form


def fit_width(field: QWidget) -> None:
    """Make a field as wide as there is room, however long its texts are."""
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)


def make_bold(button: QPushButton) -> None:
    """Show that this is the button to press in the end."""
    font = button.font()
    font.setBold(True)
    button.setFont(font)


def leave_keys_to_canvas(widget: QWidget) -> None:
    """Let no click on a field or button of a widget take the keys."""
    for field in widget.findChildren(QWidget):
        if field.focusPolicy() & Qt.FocusPolicy.ClickFocus:
            field.setFocusPolicy(Qt.FocusPolicy.TabFocus)


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
