"""What is imported, and where to: the second tab of the dock "Export and import"."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.formats.exchange.imports import SOURCES
from napari_edgeflow.widgets.fields.choices import KindCombo, PlanesCombo
from napari_edgeflow.widgets.fields.layers import image_combo, target_combo
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import field_form, make_bold

if TYPE_CHECKING:
    from napari.viewer import Viewer

_FILTER = "Labels (*.json *.geojson *.png *.tif *.tiff *.yaml);;All files (*)"


class ImportControls(QWidget):
    """The fields of an import."""

    def __init__(self, viewer: "Viewer", links: Connections) -> None:
        super().__init__()
        self.path = QLineEdit(self)
        self.path.setPlaceholderText("choose a file or a folder")
        self.format = QComboBox(self)
        self.format.addItem("Find out", None)
        for name, title in SOURCES.items():
            self.format.addItem(title, name)
        self.what = QComboBox(self)
        self.what.addItems(["this image", "whole folder"])
        self.labelled = QComboBox(self)
        self.labelled.addItems(["skip", "add to them"])
        self.what.setToolTip("The image shown, or all of the open project folder")
        self.labelled.setToolTip("What becomes of images that have labels already")
        self.image = image_combo(viewer, links, self)
        self.planes = PlanesCombo(self)
        self.target = target_combo(viewer, links, self)
        self.kind = KindCombo(self, "object")
        self.keep_existing = QCheckBox("Never overwrite labels", self)
        self.keep_existing.setChecked(True)
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self._make_buttons()
        self._lay_out()
        self.what.currentIndexChanged.connect(self._on_what)
        self.image.layer_changed.connect(self._on_image)
        self.target.layer_changed.connect(self._on_target)
        self._on_what()

    @property
    def is_project(self) -> bool:
        """Whether the labels are for a whole project."""
        return self.what.currentIndex() == 1

    @property
    def adds(self) -> bool:
        """Whether images of a project that have labels get more."""
        return self.labelled.currentIndex() == 1

    @property
    def source(self) -> str | None:
        """The format chosen; None to find out."""
        found = self.format.currentData()
        return None if found is None else str(found)

    @property
    def chosen_path(self) -> Path | None:
        """The file or folder chosen."""
        text = self.path.text().strip()
        return Path(text).expanduser() if text else None

    def show_running(self, running: bool, can_cancel: bool) -> None:
        """Enable what can be pressed."""
        self.run.setEnabled(not running)
        self.cancel.setEnabled(can_cancel)
        self.undo.setEnabled(not running)

    def _make_buttons(self) -> None:
        self.file = QPushButton("File …", self)
        self.folder = QPushButton("Folder …", self)
        self.file.clicked.connect(self._ask_file)
        self.folder.clicked.connect(self._ask_folder)
        self.run = QPushButton("Import", self)
        make_bold(self.run)
        self.cancel = QPushButton("Cancel", self)
        self.undo = QPushButton("Undo import", self)
        self.undo.setToolTip(
            "Give all images of the folder back what they had before the last import; "
            "those that were edited since are left alone"
        )
        self.undo.setVisible(False)
        self.show_running(False, False)

    def _lay_out(self) -> None:
        self.form = field_form(
            ("Format", self.format),
            ("Import for", self.what),
            ("Labelled images", self.labelled),
            ("Image", self.image),
            ("Slices", self.planes),
            ("Labels", self.target),
            ("Label ids", self.kind),
        )
        self.form.setVerticalSpacing(4)
        pick, buttons = QHBoxLayout(), QHBoxLayout()
        pick.addWidget(self.file)
        pick.addWidget(self.folder)
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addWidget(self.path)
        layout.addLayout(pick)
        layout.addLayout(self.form)
        layout.addWidget(self.keep_existing)
        layout.addLayout(buttons)
        layout.addWidget(self.state)
        layout.addWidget(self.undo)
        layout.addStretch(1)

    def _on_what(self) -> None:
        for field in (self.image, self.target):
            self.form.setRowVisible(field, not self.is_project)
        self.form.setRowVisible(self.labelled, self.is_project)
        self._on_image()
        self._on_target()

    def _on_image(self) -> None:
        self.target.suit(self.image.layer)
        self.planes.follow(self.image.layer)
        several = self.planes.in_image > 1
        self.form.setRowVisible(self.planes, several and not self.is_project)

    def _on_target(self) -> None:
        layer = None if self.is_project else self.target.layer
        self.kind.follow(layer)

    def _ask_file(self) -> None:
        start = self.path.text()
        found, _ = QFileDialog.getOpenFileName(self, "Import labels", start, _FILTER)
        if found:
            self.path.setText(found)

    def _ask_folder(self) -> None:
        start = self.path.text()
        found = QFileDialog.getExistingDirectory(self, "Import labels", start)
        if found:
            self.path.setText(found)
