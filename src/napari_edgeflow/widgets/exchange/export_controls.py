"""What is exported, and how: the first tab of the dock "Export and import"."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.widgets.exchange.export_options import ExportOptions
from napari_edgeflow.widgets.fields.choices import KindCombo, PlanesCombo
from napari_edgeflow.widgets.fields.layers import image_combo, labels_combo
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import fit_width, make_bold

if TYPE_CHECKING:
    from napari.viewer import Viewer

FOLDER = "export"
"""Where exports go, beside the image, unless the person says otherwise."""


class ExportControls(QWidget):
    """The fields of an export."""

    def __init__(self, viewer: "Viewer", links: Connections) -> None:
        super().__init__()
        self.what = QComboBox(self)
        self.what.addItems(["The image and labels below", "The project folder"])
        self.what.setToolTip(
            "All labelled images of the folder open in “Project folder”, or one"
        )
        self.image = image_combo(viewer, links, self)
        self.labels = labels_combo(viewer, links, self)
        self.kind = KindCombo(self, "object")
        self.planes = PlanesCombo(self)
        self.options = ExportOptions(self)
        self.state = _selectable_label(self)
        self._suggested: Path | None = None
        self._written: Path | None = None
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._on_image()
        self._on_labels()

    @property
    def is_project(self) -> bool:
        """Whether a whole project is wanted."""
        return self.what.currentIndex() == 1

    def suggest(self, folder: Path) -> None:
        """Write a folder there, unless the person wrote another."""
        if self.options.folder.folder in (None, self._suggested):
            self.options.folder.choose(folder)
            self._suggested = folder

    def show_running(self, running: bool, can_cancel: bool) -> None:
        """Enable what can be pressed."""
        self.run.setEnabled(not running)
        self.cancel.setEnabled(can_cancel)

    def show_written(self, folder: Path | None) -> None:
        """Offer to show the folder that was written to; None for none."""
        self._written = folder
        self.reveal.setEnabled(folder is not None)

    def _make_buttons(self) -> None:
        self.run = QPushButton("Export", self)
        make_bold(self.run)
        self.cancel = QPushButton("Cancel", self)
        self.reveal = QPushButton("Show folder", self)
        self.reveal.setEnabled(False)
        self.show_running(False, False)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        # Above the options and in line with them.
        self.form = self.options.form
        fields = (
            ("Export", self.what),
            ("Image", self.image),
            ("Labels", self.labels),
            ("Label ids", self.kind),
            ("Slices", self.planes),
        )
        for row, (label, field) in enumerate(fields):
            self.form.insertRow(row, label, field)
            fit_width(field)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addWidget(self.options)
        layout.addLayout(buttons)
        layout.addWidget(self.state)
        layout.addWidget(self.reveal)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.what.currentIndexChanged.connect(self._on_what)
        self.image.layer_changed.connect(self._on_image)
        self.labels.layer_changed.connect(self._on_labels)
        self.planes.currentIndexChanged.connect(self._on_planes)
        self.reveal.clicked.connect(self._on_reveal)

    def _on_what(self) -> None:
        for field in (self.image, self.labels):
            self.form.setRowVisible(field, not self.is_project)
        self._on_image()
        self._on_labels()

    def _on_image(self) -> None:
        image = self.image.layer
        self.planes.follow(image)
        several = self.planes.in_image > 1
        self.form.setRowVisible(self.planes, several and not self.is_project)
        self._on_planes()
        path = None if image is None else image.source.path
        if isinstance(path, str):
            self.suggest(Path(path).parent / FOLDER)

    def _on_labels(self) -> None:
        layer = self.labels.layer
        scheme = read_scheme(layer)
        is_open = layer is not None and scheme is None and not self.is_project
        self.form.setRowVisible(self.kind, is_open)
        self.kind.follow(layer)
        self.options.choose_values(
            "objects" if self.kind.kind == "object" else "classes"
        )

    def _on_planes(self) -> None:
        # Of a project it is not known here; a split makes sense.
        self.options.show_images(2 if self.is_project else self.planes.chosen)

    def _on_reveal(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))


def _selectable_label(parent: QWidget) -> QLabel:
    """Return a label for sentences that a person may want to copy."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
