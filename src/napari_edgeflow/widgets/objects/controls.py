"""The table, buttons and tabs of the dock "Objects"."""

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.widgets.fields.layers import labels_combo
from napari_edgeflow.widgets.objects.actions import OBJECT_ACTIONS
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry, ObjectSelection
from napari_edgeflow.widgets.objects.table.table import ObjectTable
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.viewer import Viewer

_COLUMNS = 2

_LEAST_WIDTH = 350
"""In pixels: all columns of the table can be seen."""


class ObjectsControls(QWidget):
    """All that a person sees of the dock; it knows nothing of what it causes."""

    def __init__(self, viewer: "Viewer", links: Connections) -> None:
        super().__init__()
        self.layer = labels_combo(viewer, links, self)
        self.table = ObjectTable(self)
        self.count, self.notice = QLabel(self), QLabel(self)
        self.notice.setWordWrap(True)
        self.split_classes = self._button("Split into objects")
        self.split_classes.setToolTip(
            "Make a new layer with an object for each connected region"
        )
        self.class_combo = QComboBox(self)
        self.class_combo.setToolTip("The class of the selected objects")
        self.buttons = {one.text: self._button(one.text) for one in OBJECT_ACTIONS}
        self.undo, self.redo = self._button("Undo"), self._button("Redo")
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        bar = self.tabs.tabBar()
        if bar is not None:
            bar.setDrawBase(False)
        self.classes: tuple[LabelClass, ...] = ()
        self._lay_out()
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.show_selection(ObjectSelection())
        self.show_steps("", "")

    # ---- what is shown

    def show_notice(self, text: str, can_split: bool = False) -> None:
        """Say what the table does not tell, and offer to split classes."""
        self.notice.setText(text)
        self.notice.setVisible(bool(text))
        self.split_classes.setVisible(can_split)

    def show_entries(self, entries: "Sequence[ObjectEntry]") -> None:
        """List objects."""
        self.table.set_entries(entries)
        self._count()

    def show_classes(self, classes: ClassTable) -> None:
        """Offer the classes that objects may get."""
        if tuple(classes) != self.classes:
            self.classes = tuple(classes)
            self.class_combo.clear()
            for entry in self.classes:
                self.class_combo.addItem(swatch(entry.colour), entry.name)
            self.class_combo.setCurrentIndex(-1)

    def show_selection(self, selection: ObjectSelection) -> None:
        """Enable what can be done to a selection."""
        chosen = selection.entries
        for action in OBJECT_ACTIONS:
            enabled = action.least <= len(chosen) <= action.most
            self.buttons[action.text].setEnabled(enabled)
        self.class_combo.setEnabled(bool(chosen))
        ids = {entry.class_id for entry in chosen}
        known = [entry.id for entry in self.classes]
        only = next(iter(ids)) if len(ids) == 1 else None
        self.class_combo.setPlaceholderText("several classes" if len(ids) > 1 else "")
        self.class_combo.setCurrentIndex(known.index(only) if only in known else -1)
        if selection.ids != self.table.ids:
            self.table.select(selection.ids)
        self._count()

    def show_steps(self, undo: str, redo: str) -> None:
        """Say what can be undone and redone; "" for nothing."""
        for button, title, text in (
            (self.undo, "Undo", undo),
            (self.redo, "Redo", redo),
        ):
            button.setEnabled(bool(text))
            button.setToolTip(f"{title}: {text}" if text else "")

    def show_working(self, working: bool) -> None:
        """Say that objects are being changed."""
        self.table.setEnabled(not working)

    def _count(self) -> None:
        all_of, chosen = len(self.table.objects.entries), len(self.table.ids)
        text = f"{all_of:,} object{'' if all_of == 1 else 's'}"
        self.count.setText(f"{text}, {chosen:,} selected" if chosen else text)

    # ---- making

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _lay_out(self) -> None:
        for combo in (self.layer, self.class_combo):
            combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        top = QHBoxLayout()
        top.addWidget(QLabel("Labels", self))
        top.addWidget(self.layer, 1)
        class_row = QHBoxLayout()
        class_row.addWidget(QLabel("Class", self))
        class_row.addWidget(self.class_combo, 1)
        grid = QGridLayout()
        for at, action in enumerate(OBJECT_ACTIONS):
            button = self.buttons[action.text]
            button.setToolTip(action.tip)
            grid.addWidget(button, *divmod(at, _COLUMNS))
        page = QWidget(self)
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.table, 1)
        inside.addWidget(self.count)
        inside.addLayout(class_row)
        inside.addLayout(grid)
        self.tabs.addTab(page, "Table")
        self.tabs.setTabBarAutoHide(True)
        steps = QHBoxLayout()
        steps.addWidget(self.undo)
        steps.addWidget(self.redo)
        self.setMinimumWidth(_LEAST_WIDTH)
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.notice)
        layout.addWidget(self.split_classes)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(steps)
        self.show_notice("")

    def _on_menu(self, position: QPoint) -> None:
        menu = self.context_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        viewport = self.table.viewport()
        if viewport is not None:
            menu.popup(viewport.mapToGlobal(position))

    def context_menu(self) -> QMenu:
        """Return the menu of the selected objects."""
        menu = QMenu(self)
        classes = menu.addMenu("Class")
        if classes is not None:
            classes.setEnabled(self.class_combo.isEnabled())
            for at, entry in enumerate(self.classes):
                row = classes.addAction(swatch(entry.colour), entry.name)
                if row is not None:
                    row.triggered.connect(partial(self._on_class_row, at))
        for text, button in self.buttons.items():
            row = menu.addAction(text)
            if row is not None:
                row.setEnabled(button.isEnabled())
                row.triggered.connect(button.click)
        return menu

    def _on_class_row(self, at: int, _checked: bool = False) -> None:
        self.class_combo.activated.emit(at)
