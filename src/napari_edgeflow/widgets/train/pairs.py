"""The table of what a training learns from: layers of the viewer, and folders."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.formats.training.plan import DataSource
from napari_edgeflow.formats.training.sources import find_source
from napari_edgeflow.formats.training.survey import DataSurvey
from napari_edgeflow.widgets.fields.layers import LayerCombo, are_labels, image_combo
from napari_edgeflow.widgets.layers.helpers import is_helper
from napari_edgeflow.widgets.layers.kinds import tell_kind, told_kind
from napari_edgeflow.widgets.layers.matching import matching_layers
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.qt.style import make_compact
from napari_edgeflow.widgets.train.settings import LayerPair

if TYPE_CHECKING:
    from napari.viewer import Viewer

_IMAGE, _LABELS, _KIND, _COUNT = range(4)
_HEADERS = ("Image", "Labels", "Hold", "No.")

_KINDS = {"semantic": "classes", "object": "objects"}
_LATER_MS = 600


class TrainPairs(QWidget):
    """Pairs of layers and folders, which a person adds and removes."""

    changed = Signal()
    """What is in the table has changed, or the labels in it."""

    def __init__(
        self, viewer: "Viewer", links: Connections, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._links = viewer, links
        self._row_links = Connections()
        self._pairs: list[LayerPair] = []
        self._folders: list[DataSource] = []
        self._guessed: set[int] = set()
        self.table = self._make_table()
        self.image = image_combo(viewer, links, self)
        self.labels = LayerCombo(
            viewer,
            are_labels,
            links,
            empty="no labels",
            prefer_layers=True,
            parent=self,
        )
        self._tell_later = Later(self, self._tell, _LATER_MS)
        self._lay_out()
        links.connect(viewer.layers.events.removed, self._on_removed)
        links.connect(viewer.layers.events.renamed, self._on_renamed)

    @property
    def pairs(self) -> tuple[LayerPair, ...]:
        """The pairs of layers."""
        return tuple(self._pairs)

    @property
    def folders(self) -> tuple[DataSource, ...]:
        """The folders."""
        return tuple(self._folders)

    def close_links(self) -> None:
        """Cut the connections to the layers in the table."""
        self._row_links.close()

    # ---- making

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(_HEADERS), self)
        table.setHorizontalHeaderLabels(list(_HEADERS))
        make_compact(table, stretched=_LABELS, row_height=26, least_height=84)
        columns = table.horizontalHeader()
        if columns is not None:
            columns.setSectionResizeMode(_IMAGE, QHeaderView.ResizeMode.Stretch)
        # As high as there is room for, or else the dock would have to be scrolled.
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        # Names of many layers differ in their ends.
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setWordWrap(False)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        return table

    def _lay_out(self) -> None:
        self.add = self._button("Add", "Learn from this image and these labels")
        self.add_folder = self._button(
            "Add folder …",
            "A folder with images/ and labels/, one as in PASCAL VOC, or one with a "
            "COCO file and its images",
        )
        self.remove = self._button("Remove", "Take the selected rows out of the table")
        self.add.clicked.connect(partial(self._call, self._on_add))
        self.add_folder.clicked.connect(partial(self._call, self._on_add_folder))
        self.remove.clicked.connect(partial(self._call, self._on_remove))
        choice, buttons = QHBoxLayout(), QHBoxLayout()
        choice.addWidget(self.image, 1)
        choice.addWidget(self.labels, 1)
        choice.addWidget(self.add)
        buttons.addWidget(self.add_folder)
        buttons.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.table)
        layout.addLayout(choice)
        layout.addLayout(buttons)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    def _call(self, action: Any, _checked: bool) -> None:
        action()

    # ---- what a person does

    def add_matching(self) -> None:
        """Add all labels of the viewer that lie on an image of their shape."""
        known = [pair.labels for pair in self._pairs]
        layers = self._viewer.layers
        own = [layer for layer in layers if not is_helper(layer)]
        for image, labels in matching_layers(own):
            if labels not in known:
                self._append(image, labels)
        self._refill()

    def add_pair(self, image: "Image", labels: "Labels") -> None:
        """Add an image and its labels, unless they are there."""
        if any(p.image is image and p.labels is labels for p in self._pairs):
            return
        self._append(image, labels)
        self._refill()

    def _append(self, image: "Image", labels: "Labels") -> None:
        kind = told_kind(labels)
        if kind is None:
            self._guessed.add(id(labels))
        self._pairs.append(LayerPair(image, labels, kind or "semantic"))

    def add_data_folder(self, path: Path) -> None:
        """Add a folder.

        Raises
        ------
        ValueError
            If it is none that training can read.
        """
        folder = find_source(path)
        if folder not in self._folders:
            self._folders.append(folder)
            self._refill()

    def _on_add(self) -> None:
        image, labels = self.image.layer, self.labels.layer
        if not isinstance(image, Image) or not isinstance(labels, Labels):
            show_warning("Open an image, and make or open labels of it first.")
            return
        self.add_pair(image, labels)

    def _on_add_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A folder of labelled images")
        if not chosen:
            return
        try:
            self.add_data_folder(Path(chosen))
        except ValueError as error:
            show_warning(str(error))

    def _on_remove(self) -> None:
        rows = {index.row() for index in self.table.selectedIndexes()}
        if not rows and self.table.rowCount() == 1:
            rows = {0}
        pairs = len(self._pairs)
        self._pairs = [p for at, p in enumerate(self._pairs) if at not in rows]
        self._folders = [
            folder for at, folder in enumerate(self._folders, pairs) if at not in rows
        ]
        self._refill()

    def _on_kind(self, row: int, _: int) -> None:
        combo = self.table.cellWidget(row, _KIND)
        if isinstance(combo, QComboBox):
            self._guessed.discard(id(self._pairs[row].labels))
            tell_kind(self._pairs[row].labels, combo.currentData())
            self._pairs[row] = replace(self._pairs[row], kind=combo.currentData())
            self.changed.emit()

    # ---- what the table shows

    def show_survey(self, survey: DataSurvey) -> None:
        """Show how many labelled images there are in each row.

        What a project has is between the layers and the folders.
        """
        pairs = len(self._pairs)
        folders = len(survey.images) - len(self._folders)
        if folders < pairs:
            return
        numbers = survey.images[:pairs] + survey.images[folders:]
        for row, number in enumerate(numbers):
            item = self.table.item(row, _COUNT)
            if item is not None:
                item.setText(str(number))
        self._guess(survey)

    def _guess(self, survey: DataSurvey) -> None:
        """Take labels that look like objects for objects, until a person says else."""
        wrong = [
            row
            for row, is_like in enumerate(survey.object_like[: len(self._pairs)])
            if is_like and id(self._pairs[row].labels) in self._guessed
        ]
        for row in wrong:
            self._pairs[row] = replace(self._pairs[row], kind="object")
        if wrong:
            self._refill()

    def _refill(self) -> None:
        self._row_links.close()
        table = self.table
        table.setRowCount(0)
        table.setRowCount(len(self._pairs) + len(self._folders))
        for row, pair in enumerate(self._pairs):
            self._fill(row, pair.labels.name, pair.image.name)
            table.setCellWidget(row, _KIND, self._kind_combo(row, pair))
            self._follow(pair.labels)
        for row, folder in enumerate(self._folders, len(self._pairs)):
            self._fill(row, folder.folder.name, "folder", str(folder.path))
            self._set(row, _KIND, "classes")
        self.changed.emit()

    def _fill(self, row: int, labels: str, image: str, tip: str = "") -> None:
        self._set(row, _LABELS, labels, tip or labels)
        self._set(row, _IMAGE, image, tip or image)
        self._set(row, _COUNT, "…")

    def _set(self, row: int, column: int, text: str, tip: str = "") -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        if column == _COUNT:
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
        self.table.setItem(row, column, item)

    def _kind_combo(self, row: int, pair: LayerPair) -> QComboBox:
        combo = QComboBox(self.table)
        for kind, text in _KINDS.items():
            combo.addItem(text, kind)
        combo.setCurrentIndex(list(_KINDS).index(pair.kind))
        combo.setToolTip("Whether a value of the labels is a class or an object")
        combo.activated.connect(partial(self._on_kind, row))
        return combo

    # ---- what happens in the viewer

    def _follow(self, labels: "Labels") -> None:
        """Count again some time after labels were changed."""
        for name in ("paint", "data", "set_data", "features"):
            self._row_links.connect(getattr(labels.events, name), self._on_edited)

    def _on_edited(self) -> None:
        self._tell_later.ask_anew()

    def _tell(self) -> None:
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        kept = [p for p in self._pairs if event.value not in (p.image, p.labels)]
        if len(kept) < len(self._pairs):
            self._pairs = kept
            self._refill()

    def _on_renamed(self) -> None:
        for row, pair in enumerate(self._pairs):
            for column, layer in ((_LABELS, pair.labels), (_IMAGE, pair.image)):
                item = self.table.item(row, column)
                if item is not None:
                    item.setText(layer.name)
