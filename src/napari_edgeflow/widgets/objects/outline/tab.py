"""The tab "Outline" of the dock "Objects"."""

from typing import TYPE_CHECKING

import numpy as np
from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_edgeflow.widgets.objects.outline.panel import OutlinePanel
from napari_edgeflow.widgets.objects.table.view import plane_to_edit, show_object

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_edgeflow.widgets.clicks.object.commit import FinishedObject
    from napari_edgeflow.widgets.objects.table.controller import ObjectsController
    from napari_edgeflow.widgets.objects.table.entries import ObjectSelection


class OutlineTab(QWidget):
    """Edits the outline of the object that is selected.

    Parameters
    ----------
    controller : ObjectsController
        Knows what is selected.
    """

    def __init__(self, controller: "ObjectsController") -> None:
        super().__init__()
        self._objects = controller
        self.panel = OutlinePanel(controller.viewer, self)
        self.hint = QLabel(
            "The outline of an object is edited as polygons, holes and parts apart.",
            self,
        )
        self.hint.setWordWrap(True)
        self.start = QPushButton(self)
        self.start.clicked.connect(self._start)
        layout = QVBoxLayout(self)
        for widget in (self.hint, self.start, self.panel):
            layout.addWidget(widget)
        layout.addStretch(1)
        controller.selection_changed.connect(self._on_selection)
        outline = self.panel.controller
        outline.changed.connect(self._on_outline)
        self.destroyed.connect(outline.stop)
        self._on_selection(controller.selection)

    def edit(self, labels: "Labels", done: "FinishedObject") -> None:
        """Edit the outline of an object that was just finished.

        Raises
        ------
        ValueError
            If another outline is being edited, or nothing is left of the object.
        """
        window, plane = done.window, done.plane
        present = plane.read(labels.data, window)
        values = present[done.mask & (present > 0)]
        if not values.size:
            raise ValueError("The object that was finished last is not there any more.")
        value = int(np.bincount(values).argmax())
        mask = np.zeros([labels.data.shape[axis] for axis in plane.axes], np.bool_)
        mask[window.slices] = done.mask & (present == value)
        self.panel.controller.start(labels, plane, value, mask)

    def _start(self) -> None:
        self._objects.when_listed(self._start_now)

    def _start_now(self) -> None:
        selection, viewer = self._objects.selection, self._objects.viewer
        layer = selection.layer
        if layer is None or len(selection.entries) != 1:
            return
        entry = selection.entries[0]
        plane = plane_to_edit(viewer, layer, entry)
        try:
            self.panel.controller.start(layer, plane, entry.id)
        except ValueError as error:
            show_warning(str(error))
            return
        if plane == entry.plane:
            show_object(viewer, layer, entry)
        # It would lie over the vertices.
        self._objects.highlight.close()

    def _on_selection(self, selection: "ObjectSelection") -> None:
        one = len(selection.entries) == 1
        what = f"object {selection.entries[0].id}" if one else "one selected object"
        self.start.setText(f"Edit the outline of {what}")
        self.start.setEnabled(one)

    def _on_outline(self) -> None:
        active = self.panel.controller.active
        self.start.setVisible(not active)
        self.hint.setVisible(not active)
