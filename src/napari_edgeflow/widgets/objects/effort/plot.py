"""A small plot of what each object took."""

from collections.abc import Mapping, Sequence
from typing import Literal

from qtpy.QtCore import QEvent, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_edgeflow.engine.evaluation.effort import ObjectEffort
from napari_edgeflow.engine.labels.classes import Colour

Measure = Literal["clicks", "seconds"]

_HEIGHT = 84
_MARGIN = 4
_WIDEST = 18.0
"""Widest bar in pixels: few objects need not fill the plot."""
_GREY: Colour = (128, 128, 128)


class EffortPlot(QWidget):
    """One bar for each object, in the order they were made, in its class's colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._objects: tuple[ObjectEffort, ...] = ()
        self._colours: Mapping[str, Colour] = {}
        self._measure: Measure = "seconds"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_objects(
        self,
        objects: Sequence[ObjectEffort],
        colours: Mapping[str, Colour],
        measure: Measure,
    ) -> None:
        """Show objects; ``colours`` has that of each class's name."""
        self._objects, self._colours = tuple(objects), colours
        self._measure = measure
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size that is wanted."""
        return QSize(200, _HEIGHT)

    def bars(self) -> list[QRectF]:
        """Return where the bar of each object is."""
        values = [self._value(entry) for entry in self._objects]
        top = max(values, default=0) or 1
        room = self.width() - 2 * _MARGIN
        step = min(room / max(len(values), 1), _WIDEST)
        gap = 1.0 if step >= 3 else 0.0
        # The highest bar leaves a line for its number.
        full = self.height() - 2 * _MARGIN - self.fontMetrics().height()
        bottom = self.height() - _MARGIN
        return [
            QRectF(
                _MARGIN + place * step,
                bottom - max(value / top * full, 1.0),
                max(step - gap, 0.5),
                max(value / top * full, 1.0),
            )
            for place, value in enumerate(values)
        ]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the bars, the line they stand on and the number of the highest."""
        painter = QPainter(self)
        text = self.palette().color(self.foregroundRole())
        painter.setPen(text)
        if not self._objects:
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "no object labelled yet"
            )
            return
        for bar, entry in zip(self.bars(), self._objects, strict=True):
            colour = self._colours.get(entry.class_name, _GREY)
            painter.fillRect(bar, QColor(*colour))
        baseline = self.height() - _MARGIN
        painter.drawLine(_MARGIN, baseline, self.width() - _MARGIN, baseline)
        highest = max(self._value(entry) for entry in self._objects)
        told = (
            f"{highest:.1f} s" if self._measure == "seconds" else f"{highest:g} clicks"
        )
        painter.drawText(
            self.rect().adjusted(_MARGIN, 0, -_MARGIN, 0),
            Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight,
            f"highest bar: {told}",
        )

    def event(self, event: QEvent | None) -> bool:
        """Say which object a bar stands for."""
        if isinstance(event, QHelpEvent):
            entry = self.object_at(event.pos().x())
            QToolTip.showText(event.globalPos(), "" if entry is None else _told(entry))
            return True
        return super().event(event)

    def object_at(self, x: int) -> ObjectEffort | None:
        """Return the object whose bar is at a position from the left."""
        for bar, entry in zip(self.bars(), self._objects, strict=True):
            if bar.left() <= x <= bar.right() + 1:
                return entry
        return None

    def _value(self, entry: ObjectEffort) -> float:
        return entry.seconds if self._measure == "seconds" else float(entry.clicks)


def _told(entry: ObjectEffort) -> str:
    parts = [
        f"{entry.class_name or 'object'} {entry.object_id}",
        entry.source,
        f"{entry.clicks} clicks",
        f"{entry.seconds:.1f} s",
    ]
    return " · ".join([*parts, entry.where] if entry.where else parts)
