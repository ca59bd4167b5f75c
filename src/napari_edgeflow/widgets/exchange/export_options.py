"""The format of an export and what goes with it, for any dock that exports."""

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.formats.exchange.settings import ExportSettings, Values
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.widgets.qt.style import field_form, swatch

_OF_OUTLINES = ("coco", "labelme", "yolo", "geojson")
_OF_VALUES = ("gray", "tiff")
_SPLIT = "0.8, 0.1, 0.1"

_TIPS = {
    "coco": "annotations.json, in which images of the same name are replaced",
    "labelme": "One JSON an image, beside labels.txt",
    "yolo": "Folders images and labels with data.yaml, as Ultralytics reads them",
    "voc": "JPEGImages, SegmentationClass, SegmentationObject and ImageSets",
    "geojson": "Polygons with holes; QuPath opens it",
    "gray": "Grey PNG whose values are ids, beside classes.txt",
    "palette": "PNG whose values are class ids, in the colours of the classes",
    "cutout": "The objects alone, with a smooth edge",
    "overlay": "The image with the classes in their colours",
    "tiff": "8, 16 or 32 bits, with the classes in its metadata",
}


class FolderField(QWidget):
    """A folder, written or chosen."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.text = QLineEdit(self)
        self.text.setPlaceholderText("choose a folder")
        browse = QToolButton(self)
        browse.setText("…")
        browse.setToolTip(title)
        browse.clicked.connect(self.browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(browse)

    @property
    def folder(self) -> Path | None:
        """What is written there."""
        text = self.text.text().strip()
        return Path(text).expanduser() if text else None

    def choose(self, folder: Path) -> None:
        """Write a folder there."""
        self.text.setText(str(folder))

    def browse(self) -> None:
        """Ask the person for a folder."""
        found = QFileDialog.getExistingDirectory(self, self._title, self.text.text())
        if found:
            self.text.setText(found)


class BackgroundButton(QPushButton):
    """Chooses a colour, or transparency."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("White", parent)
        self.colour: Colour = (255, 255, 255)
        self._show()
        self.clicked.connect(self._ask)

    def choose(self, colour: Colour) -> None:
        """Take a colour."""
        self.colour = colour
        self._show()

    def _show(self) -> None:
        self.setIcon(swatch(self.colour))
        self.setText(QColor(*self.colour).name())

    def _ask(self) -> None:
        found = QColorDialog.getColor(QColor(*self.colour), self, "Background")
        if found.isValid():
            self.choose((found.red(), found.green(), found.blue()))


class ExportOptions(QWidget):
    """Format, folder and what the format lets a person choose."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.format = QComboBox(self)
        for name, chosen in FORMATS.items():
            self.format.addItem(chosen.title, name)
        self.folder = FolderField("Export to", self)
        self._make_fields()
        self._lay_out()
        self.format.currentIndexChanged.connect(self._on_format)
        self.transparent.toggled.connect(self._on_format)
        self.show_images(1)

    def settings(self) -> ExportSettings:
        """Return what was chosen.

        Raises
        ------
        ValueError
            If there is no folder, or the split cannot be understood.
        """
        if self.folder.folder is None:
            raise ValueError("Choose a folder to export to.")
        is_cut = self.transparent.isChecked()
        return ExportSettings(
            self._format,
            self.folder.folder,
            self._split() if self._has_split and self.is_split.isChecked() else (),
            self.seed.value(),
            self.tolerance.value() if self._format in _OF_OUTLINES else 0.0,
            "rle" if self.rle.currentIndex() else "polygons",
            self._values,
            None if is_cut else self.background.colour,
            self.opacity.value(),
        )

    def show_images(self, count: int) -> None:
        """Offer what there is to choose for so many images."""
        self._has_split = count > 1
        self._on_format()

    def choose_values(self, values: Values) -> None:
        """Choose what label images hold."""
        self.values.setCurrentIndex(self.values.findData(values))

    @property
    def _format(self) -> str:
        return str(self.format.currentData())

    @property
    def _values(self) -> Values:
        return "objects" if self.values.currentData() == "objects" else "classes"

    def _split(self) -> tuple[float, ...]:
        text = self.split.text()
        try:
            return tuple(float(part) for part in text.replace(";", ",").split(","))
        except ValueError:
            raise ValueError(
                f"{text!r} is no split: write parts of 1, such as {_SPLIT}"
            ) from None

    # ---- making

    def _make_fields(self) -> None:
        self.rle = QComboBox(self)
        self.rle.addItems(["Polygons", "Run lengths (RLE)"])
        self.rle.setToolTip("Objects with holes are run lengths in either case")
        self.tolerance = QDoubleSpinBox(self)
        self.tolerance.setRange(0, 50)
        self.tolerance.setSingleStep(0.25)
        self.tolerance.setSuffix(" px")
        self.tolerance.setSpecialValueText("exact")
        self.tolerance.setToolTip(
            "How far outlines may move to need fewer vertices; 0.75 straightens the "
            "stairs of slanted edges"
        )
        self.values = QComboBox(self)
        self.values.addItem("Ids of classes", "classes")
        self.values.addItem("Ids of objects", "objects")
        self.transparent = QCheckBox("Transparent", self)
        self.transparent.setChecked(True)
        self.background = BackgroundButton(self)
        self.opacity = QDoubleSpinBox(self)
        self.opacity.setRange(0, 1)
        self.opacity.setSingleStep(0.1)
        self.opacity.setValue(0.5)
        self.is_split = QCheckBox("train, val, test", self)
        self.split = QLineEdit(_SPLIT, self)
        self.split.setToolTip("Parts of 1: two for train and val, three with test")
        self.seed = QSpinBox(self)
        self.seed.setRange(0, 1_000_000)
        self.seed.setToolTip("Another number gives another split")

    def _lay_out(self) -> None:
        behind = QWidget(self)
        row = QHBoxLayout(behind)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.transparent)
        row.addWidget(self.background, 1)
        self._behind = behind
        self.form = field_form(
            ("Format", self.format),
            ("Folder", self.folder),
            ("Objects as", self.rle),
            ("Simplify", self.tolerance),
            ("Values", self.values),
            ("Background", behind),
            ("Opacity", self.opacity),
            ("Split into", self.is_split),
            ("Parts", self.split),
            ("Seed", self.seed),
        )
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setVerticalSpacing(4)
        self.setLayout(self.form)
        self.is_split.toggled.connect(self._on_format)

    def _on_format(self, *_: object) -> None:
        """Show what the format lets a person choose."""
        name, is_split = self._format, self.is_split.isChecked()
        self.format.setToolTip(_TIPS[name])
        for field, is_shown in (
            (self.rle, name == "coco"),
            (self.tolerance, name in _OF_OUTLINES),
            (self.values, name in _OF_VALUES),
            (self._behind, name == "cutout"),
            (self.opacity, name == "overlay"),
            (self.is_split, self._has_split),
            (self.split, self._has_split and is_split),
            (self.seed, self._has_split and is_split),
        ):
            self.form.setRowVisible(field, is_shown)
        self.background.setEnabled(not self.transparent.isChecked())
        self.changed.emit()
