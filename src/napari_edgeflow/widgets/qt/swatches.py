"""Squares of colours, as lists show them."""

from qtpy.QtGui import QColor, QIcon, QPixmap

from napari_edgeflow.engine.labels.classes import Colour


def swatch(colour: Colour) -> QIcon:
    """Return a square of a colour."""
    square = QPixmap(16, 16)
    square.fill(QColor(*colour))
    icon = QIcon(square)
    # Else Qt tints the square of a row that is selected.
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon
