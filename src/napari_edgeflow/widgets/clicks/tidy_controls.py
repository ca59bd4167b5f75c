"""The fields that say how masks are made tidy."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider, QLabeledSlider

from napari_edgeflow.engine.interaction.prediction import THRESHOLD
from napari_edgeflow.engine.raster.tidy import TidySettings

_MOST_SMOOTH, _MOST_PIXELS = 10, 20
_LARGEST_AREA = 1_000_000


class TidyControls(QWidget):
    """Threshold, parts, holes, outline and size; the mask follows at once."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal, self)
        self.threshold.setRange(0.05, 0.95)
        self.threshold.setDecimals(2)
        self.threshold.setValue(THRESHOLD)
        self.threshold.setToolTip("Lower: larger masks. Higher: smaller masks.")
        self.largest = QCheckBox("Largest part only", self)
        self.fill_holes = QCheckBox("Fill holes", self)
        self.smooth = self._slider(0, _MOST_SMOOTH, "Smooths the outline, in pixels")
        self.grow = self._slider(
            -_MOST_PIXELS, _MOST_PIXELS, "Grows the mask by pixels; below 0 shrinks it"
        )
        self.min_area = QSpinBox(self)
        self.min_area.setRange(0, _LARGEST_AREA)
        self.min_area.setSingleStep(10)
        self.min_area.setSuffix(" px")
        self.min_area.setSpecialValueText("any")
        self.min_area.setToolTip("Parts of fewer pixels are left out")
        self._reset = QPushButton("Back to the plain mask", self)
        self._reset.setToolTip("Switch all of this off")
        self._lay_out()
        for signal in (
            self.threshold.valueChanged,
            self.largest.toggled,
            self.fill_holes.toggled,
            self.smooth.valueChanged,
            self.grow.valueChanged,
            self.min_area.valueChanged,
        ):
            signal.connect(self._on_changed)
        self._reset.clicked.connect(self.reset)
        self._on_changed()

    def settings(self) -> TidySettings:
        """Return what the fields are set to, but for the threshold."""
        return TidySettings(
            fill_holes=self.fill_holes.isChecked(),
            smooth=float(self.smooth.value()),
            grow=self.grow.value(),
            min_area=self.min_area.value(),
            largest=self.largest.isChecked(),
        )

    @property
    def is_off(self) -> bool:
        """Whether masks are what the model says."""
        return self.settings().is_off and self.threshold.value() == THRESHOLD

    def reset(self) -> None:
        """Switch all off."""
        self.threshold.setValue(THRESHOLD)
        for box in (self.largest, self.fill_holes):
            box.setChecked(False)
        for field in (self.smooth, self.grow, self.min_area):
            field.setValue(0)

    def _slider(self, low: int, high: int, tip: str) -> QLabeledSlider:
        slider = QLabeledSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(low, high)
        slider.setValue(0)
        slider.setToolTip(tip)
        return slider

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.addWidget(self.largest)
        boxes.addWidget(self.fill_holes)
        form = QFormLayout()
        form.addRow("Threshold", self.threshold)
        form.addRow("Smooth", self.smooth)
        form.addRow("Grow", self.grow)
        form.addRow("Smallest part", self.min_area)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(form)
        layout.addLayout(boxes)
        layout.addWidget(self._reset)
        layout.addStretch(1)

    def _on_changed(self, *_: object) -> None:
        self._reset.setEnabled(not self.is_off)
        self.changed.emit()
