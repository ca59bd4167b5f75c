"""Curves and bars of a training, drawn as it goes on."""

from collections.abc import Mapping

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.engine.training.curves import Plot, plot_picture

_TOP = 22
_ROW = 20
_RIGHTWARDS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFTWARDS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CurvePlot(QWidget):
    """Curves over epochs, with a legend beside the title."""

    def __init__(self, plot: Plot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = plot
        self.setMinimumHeight(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Return the size that shows it well."""
        return QSize(280, 160)

    def show_plot(self, plot: Plot) -> None:
        """Show other curves."""
        self.plot = plot
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the curves, in the colours of the window."""
        fine = self.devicePixelRatioF()
        size = round(self.width() * fine), round(self.height() * fine)
        roles = QPalette.ColorRole.WindowText, QPalette.ColorRole.Window
        ink, paper = (_rgb(self.palette().color(role)) for role in roles)
        # Text is somewhat smaller than in a file, as is that of the other fields.
        data = plot_picture(self.plot, size, 0.85 * fine, ink, paper).tobytes()
        picture = QImage(data, *size, 3 * size[0], QImage.Format.Format_RGB888)
        picture.setDevicePixelRatio(fine)
        painter = QPainter(self)
        painter.drawImage(0, 0, picture)
        painter.end()


def _rgb(colour: QColor) -> Colour:
    return colour.red(), colour.green(), colour.blue()


class ClassBars(QWidget):
    """One bar for each class, as long as its IoU."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values: Mapping[str, float | None] = {}
        self.colours: Mapping[str, Colour] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the size that shows all of them."""
        return QSize(280, _TOP + _ROW * max(len(self.values), 1))

    def show_values(
        self, values: Mapping[str, float | None], colours: Mapping[str, Colour]
    ) -> None:
        """Show the IoU of each class by name; None where it could not be told."""
        self.values, self.colours = dict(values), dict(colours)
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw a row for each class."""
        painter = QPainter(self)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(QRectF(6, 2, 240, 16), _LEFTWARDS, "IoU by class")
        painter.setFont(self.font())
        for row, (name, value) in enumerate(self.values.items()):
            self._draw_row(painter, _TOP + row * _ROW, name, value, ink)
        painter.end()

    def _draw_row(
        self, painter: QPainter, top: float, name: str, value: float | None, ink: QColor
    ) -> None:
        metrics = QFontMetricsF(self.font())
        names = min(max(self.width() * 0.36, 60), 150)
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names - 12)
        painter.setPen(ink)
        painter.drawText(QRectF(6, top, names - 8, _ROW), _LEFTWARDS, shown)
        bar = QRectF(names, top + 4, self.width() - names - 46, _ROW - 8)
        ground = QColor(ink)
        ground.setAlpha(35)
        painter.fillRect(bar, ground)
        text = "-" if value is None else f"{value:.2f}"
        if value is not None:
            bar.setWidth(bar.width() * value)
            painter.fillRect(bar, QColor(*self.colours.get(name, (130, 130, 130))))
        box = QRectF(self.width() - 42, top, 36, _ROW)
        painter.drawText(box, _RIGHTWARDS, text)
