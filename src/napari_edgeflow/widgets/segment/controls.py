"""The buttons and fields of the dock for automatic segmentation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.checkpoints.checkpoint import SEMANTIC, SEMANTIC_TASK
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.regions import ClassShare
from napari_edgeflow.widgets.fields.choices import DeviceCombo, KindCombo, PlanesCombo
from napari_edgeflow.widgets.fields.layers import image_combo, target_combo
from napari_edgeflow.widgets.fields.models import ModelCombo
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import field_form, make_bold, make_compact, swatch
from napari_edgeflow.widgets.segment.class_filter import ClassFilter
from napari_edgeflow.widgets.segment.work import SegmentRequest, SegmentSettings

if TYPE_CHECKING:
    from napari.viewer import Viewer

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


_TILE_SIZES = (256, 512, 768, 1024, 1536, 2048)
_LARGEST = 10_000_000


class SegmentControls(QWidget):
    """All fields of the dock, and what they are set to."""

    changed = Signal()

    def __init__(self, viewer: "Viewer", links: Connections) -> None:
        super().__init__()
        self.image = image_combo(viewer, links, self)
        self.target = target_combo(viewer, links, self)
        self.planes = PlanesCombo(self)
        self.model = ModelCombo(SEMANTIC, SEMANTIC_TASK, self)
        self.device = DeviceCombo(self)
        self.classes = ClassFilter(self)
        self.kind = KindCombo(self)
        self.table = SummaryTable(self)
        self.state = QLabel(self)
        self._make_fields()
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._on_image()

    # ---- values

    def settings(self) -> SegmentSettings:
        """Return what the fields are set to."""
        return SegmentSettings(
            image=self.image.layer,
            every_plane=self.planes.every,
            target=self.target.layer,
            only_unlabelled=self.only_unlabelled.isChecked(),
            request=SegmentRequest(
                self.model.chosen,
                self.device.chosen,
                tile_size=int(self.tile_size.currentData()),
                flip=self.flip.isChecked(),
                kept=self.classes.kept,
                minimum_pixels=self.minimum.value(),
                kind=self.kind.kind,
            ),
        )

    def show_running(self, running: bool, can_cancel: bool) -> None:
        """Enable what can be pressed."""
        self.run.setEnabled(not running)
        self.cancel.setEnabled(can_cancel)

    # ---- making

    def _make_fields(self) -> None:
        self.tile_size = QComboBox(self)
        for side in _TILE_SIZES:
            self.tile_size.addItem(f"{side} pixels", side)
        self.tile_size.setCurrentIndex(_TILE_SIZES.index(512))
        self.tile_size.setToolTip(
            "What goes through the network at once. Smaller tiles take less memory."
        )
        self.minimum = QSpinBox(self)
        self.minimum.setRange(0, _LARGEST)
        self.minimum.setSingleStep(50)
        self.minimum.setSuffix(" pixels")
        self.minimum.setSpecialValueText("any size")
        self.minimum.setToolTip("Smaller connected areas are left out")
        self.flip = QCheckBox("More accurate, half as fast", self)
        self.flip.setToolTip("Average with the mirrored image")
        self.only_unlabelled = QCheckBox("Only where unlabelled", self)
        self.only_unlabelled.setChecked(True)
        self.only_unlabelled.setToolTip(
            "Labels that are there stay. The result of an earlier run is replaced "
            "in any case."
        )
        self.confidence = QCheckBox("Show confidence", self)
        self.confidence.setToolTip("Let the places glow where the network was unsure")

    def _make_buttons(self) -> None:
        self.run = QPushButton("Run", self)
        make_bold(self.run)
        self.cancel = QPushButton("Cancel", self)
        self.correct = QPushButton("Correct an object by clicks", self)
        self.correct.setCheckable(True)
        self.correct.setToolTip(
            "Then click on an object in the image, and correct it with "
            "“Click to label”. Press again to leave it."
        )
        self.state.setWordWrap(True)
        self.show_running(False, False)

    def _lay_out(self) -> None:
        policy = self.classes.sizePolicy()
        self.form = field_form(
            ("Image", self.image),
            ("Slices", self.planes),
            ("Model", self.model),
            ("Device", self.device),
            ("Tiles of", self.tile_size),
            ("Classes", self.classes),
            ("Smallest", self.minimum),
            ("Label ids", self.kind),
            ("Labels", self.target),
        )
        self.form.setVerticalSpacing(4)
        # The classes may take more than a line.
        self.classes.setSizePolicy(policy)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addLayout(self.form)
        for switch in (self.only_unlabelled, self.flip, self.confidence):
            layout.addWidget(switch)
        layout.addLayout(buttons)
        layout.addWidget(self.state)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.correct)

    def _connect(self) -> None:
        for signal in (
            self.planes.currentIndexChanged,
            self.model.model_changed,
            self.device.currentIndexChanged,
            self.tile_size.currentIndexChanged,
            self.classes.changed,
            self.minimum.valueChanged,
            self.kind.currentIndexChanged,
            self.flip.toggled,
            self.only_unlabelled.toggled,
        ):
            signal.connect(self._on_changed)
        self.image.layer_changed.connect(self._on_image)
        self.target.layer_changed.connect(self._on_target)

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()

    def _on_image(self) -> None:
        image = self.image.layer
        self.target.suit(image)
        self.planes.follow(image)
        self.form.setRowVisible(self.planes, image is not None and image.ndim > 2)
        self.changed.emit()

    def _on_target(self) -> None:
        self.kind.follow(self.target.layer)
        self.changed.emit()
