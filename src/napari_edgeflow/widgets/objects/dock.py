"""The dock "Objects"."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.widgets.layers.labels import read_scheme, write_scheme
from napari_edgeflow.widgets.objects.controls import ObjectsControls
from napari_edgeflow.widgets.objects.outline.tab import OutlineTab
from napari_edgeflow.widgets.objects.parts import ACTIONS, PANELS, ObjectAction
from napari_edgeflow.widgets.objects.table.controller import ObjectsController
from napari_edgeflow.widgets.objects.table.edits import ObjectChange, change_class
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry, ObjectSelection
from napari_edgeflow.widgets.objects.table.parting import (
    ClassRegions,
    PartedObjects,
    add_parted,
    part_classes,
)
from napari_edgeflow.widgets.qt.dock import Dock, bring_to_front, real_viewer
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_edgeflow.widgets.clicks.object.commit import FinishedObject

_NO_LAYER = "Labels of objects are listed here: finish an object, or open labels."
_CLASSES = (
    "This layer holds classes, not objects: each pixel says which class it is, not "
    "which object. Split it to get an object for each connected region."
)


class ObjectsWidget(Dock):
    """See all finished objects of a layer, find them, correct and change them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images and labels are.
    """

    def __init__(self, viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._viewer = real_viewer(viewer)
        self.controls = ObjectsControls(self._viewer, self._links)
        self.controller = ObjectsController(self._viewer)
        self._splits: LatestCall[ClassRegions, PartedObjects] = LatestCall(
            part_classes, self._on_parted, self._on_not_parted
        )
        for panel in PANELS:
            self.controls.tabs.addTab(panel.make(self.controller), panel.title)
        self._connect()
        controller, splits = self.controller, self._splits

        def stop(viewer_remains: bool) -> None:
            splits.close()
            controller.close(viewer_remains)

        self._set_up(self.controls, stop)
        docks = Workspace.of(self._viewer).docks
        self._links.keep(docks.register("Objects", self))
        self._on_layer()
        self._on_steps()

    def edit_outline(self, labels: "Labels", done: "FinishedObject") -> None:
        """Edit the outline of an object that was just finished, in front of others.

        Raises
        ------
        ValueError
            If another outline is being edited, or nothing is left of the object.
        """
        tabs = self.controls.tabs
        for at in range(tabs.count()):
            tab = tabs.widget(at)
            if isinstance(tab, OutlineTab):
                tabs.setCurrentIndex(at)
                bring_to_front(self)
                tab.edit(labels, done)

    @property
    def busy(self) -> bool:
        """Whether something is listed, split or written."""
        return self.controller.busy or self._splits.busy

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.layer.layer_changed.connect(self._on_layer)
        controls.table.selected.connect(controller.select)
        controls.action_asked.connect(self._on_action)
        controls.class_asked.connect(self._on_class)
        controls.split_asked.connect(self._on_split)
        controls.undo_asked.connect(controller.undo)
        controls.redo_asked.connect(controller.redo)
        controller.entries_changed.connect(self._on_entries)
        controller.selection_changed.connect(controls.show_selection)
        controller.working_changed.connect(controls.show_working)
        controller.history.steps_changed.connect(self._on_steps)
        shortcuts = Workspace.of(self._viewer).shortcuts
        for action in ACTIONS:
            if action.shortcut:
                run = partial(self._on_action, action)
                self._links.keep(shortcuts.bind(controls.table, action.shortcut, run))
                shortcuts.label(controls.buttons[action.text], action.shortcut)

    def _on_layer(self) -> None:
        layer = self.controls.layer.layer
        self.controller.set_layer(layer)

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

    def _on_action(self, action: ObjectAction) -> None:
        # A key works whatever is selected.
        if self.controls.buttons[action.text].isEnabled():
            action.run(self.controller)

    def _on_class(self, entry: LabelClass) -> None:
        self.controller.write(partial(_with_class, entry))

    def _on_split(self) -> None:
        layer = self.controller.layer
        if layer is not None and not self._splits.busy:
            self._splits(ClassRegions.of(layer))

    def _on_parted(self, regions: ClassRegions, parted: PartedObjects) -> None:
        if regions.layer in self._viewer.layers:
            self.controls.layer.choose(add_parted(self._viewer, regions, parted))

    def _on_not_parted(self, _regions: ClassRegions, error: Exception) -> None:
        show_problem(error)


def _with_class(entry: LabelClass, selection: ObjectSelection) -> ObjectChange:
    layer = selection.chosen_layer
    if read_scheme(layer) is None:
        write_scheme(layer, LabelScheme("object", ClassTable.voc()))
    return change_class(selection.entries, entry)
