"""The tab "Propagate" of the dock "Objects"."""

from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.widgets.clicks.object.work import (
    LoadClickSegmenter,
    load_segmenter,
)
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.objects.propagate.controller import PropagateController
from napari_edgeflow.widgets.qt.style import leave_keys_to_canvas, swatch

if TYPE_CHECKING:
    from napari_edgeflow.widgets.objects.table.controller import ObjectsController
    from napari_edgeflow.widgets.objects.table.entries import ObjectSelection

_SLICES, _MOST_SLICES = 10, 9_999


class PropagateTab(QWidget):
    """Follows the selected object to other slices of a stack or frames of a video.

    Parameters
    ----------
    controller : ObjectsController
        Knows what is selected.
    load : callable
        Loads a model by name or path, in the background.
    """

    def __init__(
        self, controller: "ObjectsController", load: LoadClickSegmenter = load_segmenter
    ) -> None:
        super().__init__()
        self._objects = controller
        self.controller = PropagateController(controller.viewer, load)
        self.hint, self.result = QLabel(self), QLabel(self)
        self.of_class = QComboBox(self)
        self.axis, self.direction = QComboBox(self), QComboBox(self)
        self.slices = QSpinBox(self)
        self.start = QPushButton("Propagate", self)
        self.cancel = QPushButton("Stop", self)
        self.bar = QProgressBar(self)
        self._make_fields()
        self._lay_out()
        self._connect()
        self._on_selection(controller.selection)

    # ---- making

    def _make_fields(self) -> None:
        self.hint.setWordWrap(True)
        self.result.setWordWrap(True)
        self.direction.addItem("forwards", 1)
        self.direction.addItem("backwards", -1)
        self.slices.setRange(1, _MOST_SLICES)
        self.slices.setValue(_SLICES)
        self.start.setToolTip("Find the object in the next slices, until it ends")
        self.cancel.setToolTip("Go no further; what was found so far is kept")
        self.bar.setFormat("%v of %m slices")
        self.bar.hide()
        self.cancel.setEnabled(False)
        leave_keys_to_canvas(self)
        # A number is typed into it.
        self.slices.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _lay_out(self) -> None:
        self.form = QFormLayout()
        self.form.addRow("Class", self.of_class)
        self.form.addRow("Along", self.axis)
        self.form.addRow("Direction", self.direction)
        self.form.addRow("Slices", self.slices)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(self.hint)
        layout.addLayout(self.form)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.result)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.start.clicked.connect(self._start)
        self.cancel.clicked.connect(self.controller.cancel)
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self.result.setText)
        self.controller.running_changed.connect(self._on_running)
        self._objects.selection_changed.connect(self._on_selection)
        self._objects.entries_changed.connect(self._on_entries)

    # ---- what happens

    @property
    def _is_of_classes(self) -> bool:
        return self._objects.layer is not None and not self._objects.has_objects

    def _on_entries(self, _entries: object) -> None:
        self._on_selection(self._objects.selection)

    def _show_classes(self) -> None:
        """List the classes of a layer of classes."""
        layer, before = self._objects.layer, self.of_class.currentData()
        self.form.setRowVisible(self.of_class, self._is_of_classes)
        scheme = read_scheme(layer)
        if layer is None or scheme is None or not self._is_of_classes:
            self.of_class.clear()
            return
        known = [(entry.name, entry.id) for entry in scheme.classes]
        box = self.of_class
        if known == [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
            return
        box.clear()
        for entry in scheme.classes:
            box.addItem(swatch(entry.colour), entry.name, entry.id)
        wanted = layer.selected_label if before is None else before
        box.setCurrentIndex(max(box.findData(wanted), 0))

    def _on_selection(self, selection: "ObjectSelection") -> None:
        self._show_classes()
        layer = selection.layer
        held = () if layer is None else layer.axis_labels[:-2]
        if [self.axis.itemText(at) for at in range(self.axis.count())] != list(held):
            self.axis.clear()
            for axis, name in enumerate(held):
                self.axis.addItem(str(name), axis)
        self.form.setRowVisible(self.axis, len(held) > 1)
        if layer is not None and not held:
            self.hint.setText("A single image has no slices to propagate to.")
        elif self._is_of_classes:
            self.hint.setText(
                "Each region of the class in the slice being shown is followed to the "
                "slices beside it. What has labels there keeps them."
            )
        elif len(selection.entries) != 1:
            self.hint.setText(
                "Select one object in the table. From the slice being shown it is "
                "followed to the slices beside it."
            )
        else:
            entry = selection.entries[0]
            self.hint.setText(
                f"Object {entry.id} is followed from the slice being shown, or from "
                "its own if it is not there. What it has in the other slices is "
                "replaced; other objects stay as they are."
            )
        self._enable()

    def _enable(self) -> None:
        selection, busy = self._objects.selection, self.controller.busy
        chosen = self._is_of_classes or len(selection.entries) == 1
        ready = chosen and self.axis.count() > 0
        self.start.setEnabled(ready and not busy)
        self.cancel.setEnabled(busy)

    def _start(self) -> None:
        self._objects.when_listed(self._start_now)

    def _start_now(self) -> None:
        selection = self._objects.selection
        layer = selection.layer
        if layer is None or not (self._is_of_classes or len(selection.entries) == 1):
            return
        axis = self.axis.currentData()
        count = self.slices.value() * self.direction.currentData()
        try:
            if self._is_of_classes:
                class_id = self.of_class.currentData()
                self.controller.start_class(layer, class_id, axis, count)
            else:
                self.controller.start(layer, selection.entries[0], axis, count)
        except ValueError as error:
            show_warning(str(error))
        self._enable()

    def _on_progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _on_running(self, running: bool) -> None:
        self.bar.setVisible(running)
        self._enable()
