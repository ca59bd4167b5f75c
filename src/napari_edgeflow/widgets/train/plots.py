"""Curves and bars of a training, drawn as it goes on."""

from collections.abc import Mapping

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.engine.training.curves import Plot, ticks

_LEFT, _TOP, _RIGHT, _BOTTOM = 42, 22, 10, 20
_ROW = 20
_RIGHTWARDS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFTWARDS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CurvePlot(QWidget):
    """Curves over epochs, with a legend beside the title.

    Parameters
    ----------
    plot : Plot
        What to show at first.
    parent : QWidget, optional
        The widget it is part of.
    """

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
        """Draw the axes, then the curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        self._draw_axes(painter, area, ink)
        self._draw_curves(painter, area)
        self._draw_legend(painter, ink)
        painter.end()

    def _place(self, area: QRectF, epoch: float, value: float) -> QPointF:
        first, last, low, high = self.plot.bounds
        x = area.left() + area.width() * (epoch - first) / (last - first)
        return QPointF(x, area.bottom() - area.height() * (value - low) / (high - low))

    def _draw_axes(self, painter: QPainter, area: QRectF, ink: QColor) -> None:
        first, last, low, high = self.plot.bounds
        faint, text = QColor(ink), QColor(ink)
        faint.setAlpha(45)
        text.setAlpha(180)
        for value in ticks(low, high, 4):
            at = self._place(area, first, value)
            painter.setPen(QPen(faint, 1))
            painter.drawLine(at, QPointF(area.right(), at.y()))
            painter.setPen(text)
            box = QRectF(0, at.y() - 8, _LEFT - 6, 16)
            painter.drawText(box, _RIGHTWARDS, f"{value:g}")
        for epoch in ticks(first, last, 4):
            if epoch == int(epoch):
                x = self._place(area, epoch, low).x()
                box = QRectF(x - 20, area.bottom() + 3, 40, 16)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{epoch:g}")
        painter.drawLine(area.bottomLeft(), area.bottomRight())

    def _draw_curves(self, painter: QPainter, area: QRectF) -> None:
        for curve in self.plot.curves:
            places = [self._place(area, *point) for point in curve.points]
            colour = QColor(*curve.colour)
            painter.setPen(QPen(colour, 2))
            painter.drawPolyline(QPolygonF(places))
            painter.setBrush(colour)
            if len(places) < 60:
                for place in places:
                    painter.drawEllipse(place, 1.5, 1.5)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_legend(self, painter: QPainter, ink: QColor) -> None:
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(QRectF(6, 2, 120, 16), _LEFTWARDS, self.plot.title)
        painter.setFont(self.font())
        metrics = QFontMetricsF(self.font())
        right = float(self.width() - _RIGHT)
        for curve in reversed(self.plot.curves):
            width = metrics.horizontalAdvance(curve.name) + 2
            painter.setPen(QColor(*curve.colour))
            painter.drawText(
                QRectF(right - width, 2, width, 16), _RIGHTWARDS, curve.name
            )
            right -= width + 10


class ClassBars(QWidget):
    """One bar for each class, as long as its IoU.

    Parameters
    ----------
    parent : QWidget, optional
        The widget it is part of.
    """

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
