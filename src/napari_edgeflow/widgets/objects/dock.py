"""The dock "Objects"."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.widgets.layers.labels import read_scheme, write_scheme
from napari_edgeflow.widgets.objects.actions import OBJECT_ACTIONS, ObjectAction
from napari_edgeflow.widgets.objects.controls import ObjectsControls
from napari_edgeflow.widgets.objects.effort.panel import EffortPanel
from napari_edgeflow.widgets.objects.outline.tab import OutlineTab
from napari_edgeflow.widgets.objects.propagate.tab import PropagateTab
from napari_edgeflow.widgets.objects.table.controller import ObjectsController
from napari_edgeflow.widgets.objects.table.edits import ObjectChange, change_class
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry, ObjectSelection
from napari_edgeflow.widgets.objects.table.parting import (
    ClassRegions,
    PartedObjects,
    add_parted,
    part_classes,
)
from napari_edgeflow.widgets.qt.dock import bring_to_front
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.workspace.workspace import ViewerDock

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_edgeflow.engine.raster.mask_part import MaskPart
    from napari_edgeflow.widgets.layers.planes import Plane

_NO_LAYER = "Labels of objects are listed here: finish an object, or open labels."
_CLASSES = (
    "This layer holds classes, not objects: each pixel says which class it is, not "
    "which object. Split it to get an object for each connected region."
)


class ObjectsWidget(ViewerDock):
    """See all finished objects of a layer, find them, correct and change them."""

    title = "Objects"

    def __init__(self, viewer: "napari.viewer.Viewer") -> None:
        super().__init__(viewer)
        self.controls = ObjectsControls(self._viewer, self._links)
        self.controller = ObjectsController(self._viewer)
        self._splits: LatestCall[ClassRegions, PartedObjects] = LatestCall(
            part_classes, self._on_parted, self._on_not_parted
        )
        self.outline = OutlineTab(self.controller)
        propagate = PropagateTab(self.controller)
        for title, tab in (
            ("Outline", self.outline),
            ("Propagate", propagate),
            ("Effort", EffortPanel(self.controller)),
        ):
            self.controls.tabs.addTab(tab, title)
        self._connect()
        controller, splits = self.controller, self._splits
        propagation = propagate.controller

        def stop(viewer_remains: bool) -> None:
            splits.close()
            propagation.close()
            controller.close(viewer_remains)

        self._set_up(self.controls, stop)
        self._on_layer()
        self._on_steps()

    def edit_outline(self, labels: "Labels", plane: "Plane", part: "MaskPart") -> None:
        """Edit the outline of an object that was just finished, in front of others.

        Raises
        ------
        ValueError
            If another outline is being edited, or nothing is left of the object.
        """
        self.controls.tabs.setCurrentWidget(self.outline)
        bring_to_front(self)
        self.outline.edit(labels, plane, part)

    @property
    def busy(self) -> bool:
        """Whether something is listed, split or written."""
        return self.controller.busy or self._splits.busy

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.layer.layer_changed.connect(self._on_layer)
        controls.table.selected.connect(controller.select)
        controls.class_combo.activated.connect(self._on_class)
        controls.split_classes.clicked.connect(self._on_split)
        controls.undo.clicked.connect(controller.undo)
        controls.redo.clicked.connect(controller.redo)
        controller.entries_changed.connect(self._on_entries)
        controller.selection_changed.connect(controls.show_selection)
        controller.working_changed.connect(controls.show_working)
        controller.history.steps_changed.connect(self._on_steps)
        shortcuts = self._workspace.shortcuts
        for action in OBJECT_ACTIONS:
            button, key = controls.buttons[action.text], action.shortcut
            button.clicked.connect(partial(_run, action, controller))
            if key:
                # A button that is not enabled cannot be clicked by the key either.
                self._links.keep(shortcuts.bind(controls.table, key, button.click))
                shortcuts.label(button, key)

    def _on_layer(self) -> None:
        self.controller.set_layer(self.controls.layer.layer)

    def _on_entries(self, entries: Sequence[ObjectEntry]) -> None:
        layer, controls = self.controller.layer, self.controls
        scheme = read_scheme(layer)
        semantic = layer is not None and not self.controller.has_objects
        text = _NO_LAYER if layer is None else _CLASSES if semantic else ""
        controls.show_notice(text, semantic)
        table = controls.tabs.widget(0)
        if table is not None:
            table.setEnabled(layer is not None and not semantic)
        controls.show_classes(ClassTable.voc() if scheme is None else scheme.classes)
        controls.show_entries(entries)

    def _on_steps(self) -> None:
        history = self.controller.history
        self.controls.show_steps(history.undo_text, history.redo_text)

    def _on_class(self, at: int) -> None:
        self.controller.write(partial(_with_class, self.controls.classes[at]))

    def _on_split(self) -> None:
        layer = self.controller.layer
        if layer is not None and not self._splits.busy:
            self._splits(ClassRegions.of(layer))

    def _on_parted(self, regions: ClassRegions, parted: PartedObjects) -> None:
        if regions.layer in self._viewer.layers:
            self.controls.layer.choose(add_parted(self._viewer, regions, parted))

    def _on_not_parted(self, _regions: ClassRegions, error: Exception) -> None:
        show_problem(error)


def _run(action: ObjectAction, controller: ObjectsController, *_: object) -> None:
    action.run(controller)


def _with_class(entry: LabelClass, selection: ObjectSelection) -> ObjectChange:
    layer = selection.chosen_layer
    if read_scheme(layer) is None:
        write_scheme(layer, LabelScheme("object", ClassTable.voc()))
    return change_class(selection.entries, entry)
