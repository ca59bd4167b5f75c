"""A list of classes to tick, folded behind one line."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.qt.style import swatch


class ClassFilter(QWidget):
    """Lets a person choose some of the classes; all are chosen at first."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = ClassTable(())
        self.fold = QToolButton(self)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setCheckable(True)
        self.fold.setToolTip("Show or hide the list of classes")
        self.list = QListWidget(self)
        self.list.setFixedHeight(150)
        self.all = QPushButton("All", self)
        self.none = QPushButton("None", self)
        self._lay_out()
        self.fold.toggled.connect(self._on_fold)
        self.list.itemChanged.connect(self._on_ticked)
        self.all.clicked.connect(self._on_all)
        self.none.clicked.connect(self._on_none)
        self._on_fold(False)
        self._tell()

    def _lay_out(self) -> None:
        self._open = QWidget(self)
        buttons = QHBoxLayout()
        buttons.addWidget(self.all)
        buttons.addWidget(self.none)
        inside = QVBoxLayout(self._open)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.list)
        inside.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.fold)
        layout.addWidget(self._open)

    @property
    def kept(self) -> frozenset[int] | None:
        """Ids of the classes ticked; None if they are all."""
        ids = frozenset(
            entry.id
            for row, entry in enumerate(self._classes)
            if self._item(row).checkState() == Qt.CheckState.Checked
        )
        return None if len(ids) == len(self._classes) else ids

    def set_classes(self, classes: ClassTable) -> None:
        """Show other classes, all of them ticked."""
        if classes == self._classes:
            return
        self._classes = classes
        with signals_blocked(self.list):
            self.list.clear()
            for entry in classes:
                item = QListWidgetItem(swatch(entry.colour), entry.name)
                item.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable
                )
                item.setCheckState(Qt.CheckState.Checked)
                self.list.addItem(item)
        self._on_ticked()

    def tick(self, class_id: int, ticked: bool) -> None:
        """Tick or untick a class."""
        row = [entry.id for entry in self._classes].index(class_id)
        self._item(row).setCheckState(_state(ticked))

    def _item(self, row: int) -> QListWidgetItem:
        item = self.list.item(row)
        if item is None:
            raise IndexError(f"no row {row} in a list of {self.list.count()} classes")
        return item

    def _on_all(self) -> None:
        self._tick_every(True)

    def _on_none(self) -> None:
        self._tick_every(False)

    def _tick_every(self, ticked: bool) -> None:
        with signals_blocked(self.list):
            for row in range(self.list.count()):
                self._item(row).setCheckState(_state(ticked))
        self._on_ticked()

    def _on_ticked(self) -> None:
        self._tell()
        self.changed.emit()

    def _on_fold(self, is_open: bool) -> None:
        self._open.setVisible(is_open)
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.fold.setArrowType(arrow)

    def _tell(self) -> None:
        count, kept = len(self._classes), self.kept
        if not count:
            text = "those of the model"
        elif kept is None:
            text = f"all {count}"
        else:
            text = f"{len(kept)} of {count}" if kept else "none"
        self.fold.setText(f"{text} …")


def _state(ticked: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
