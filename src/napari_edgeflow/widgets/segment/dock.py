"""The dock "Segment automatically"."""

from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.clicks.dock import open_click_dock
from napari_edgeflow.widgets.qt.dock import bring_to_front
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
from napari_edgeflow.widgets.segment.controller import SegmentController
from napari_edgeflow.widgets.segment.controls import SegmentControls
from napari_edgeflow.widgets.segment.pick import ObjectPicker, PickedObject
from napari_edgeflow.widgets.workspace.workspace import ViewerDock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari

    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter


def load_semantic_segmenter(model: str, device: str) -> "SemanticSegmenter":
    """Load a model onto a device; see :class:`SemanticSegmenter`."""
    # Before what follows may load torch.
    keep_triton_apart()
    # Here and not above: it takes a while, and this runs in the background.
    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter

    return SemanticSegmenter.from_pretrained(model, device)


_LEAST_WIDTH = 310
"""In pixels: names of models can be read."""


class SegmentWidget(ViewerDock):
    """Segment an image into classes, and keep the result as labels.

    Parameters
    ----------
    load : callable
        Loads a model by name or path onto a device, in the background.
    """

    title = "Segment automatically"

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        load: "Callable[[str, str], SemanticSegmenter]" = load_semantic_segmenter,
    ) -> None:
        super().__init__(viewer)
        self.controls = SegmentControls(self._viewer, self._links)
        self.controller = SegmentController(
            self._viewer, load, self.controls.settings()
        )
        self.picker = ObjectPicker(self._viewer)
        self._connect()
        controller, picker = self.controller, self.picker

        def stop(_viewer_remains: bool) -> None:
            picker.close()
            controller.close()

        self.controls.setMinimumWidth(_LEAST_WIDTH)
        self._set_up(self.controls, stop)
        self.controller.open()

    def _connect(self) -> None:
        controls, controller, picker = self.controls, self.controller, self.picker
        controls.changed.connect(self._on_changed)
        controls.run.clicked.connect(self._on_run)
        controls.cancel.clicked.connect(controller.cancel)
        controls.confidence.toggled.connect(controller.confidence.show)
        controls.correct.clicked.connect(self._on_correct)
        controller.state_changed.connect(controls.state.setText)
        controller.running_changed.connect(controls.show_running)
        controller.loaded.connect(self._on_loaded)
        controller.model_refused.connect(controls.model.refuse)
        self._workspace.models_changed.connect(controls.model.list_trained)
        self._workspace.model_trained.connect(controls.model.choose_trained)
        controller.device_refused.connect(controls.device.refuse)
        controller.found.connect(controls.table.show_summary)
        controller.committed.connect(controls.target.choose)
        controller.confidence.deleted.connect(self._on_confidence_deleted)
        picker.armed_changed.connect(controls.correct.setChecked)
        picker.hint_changed.connect(controls.state.setText)
        picker.picked.connect(self._on_picked)

    def _on_confidence_deleted(self) -> None:
        self.controls.confidence.setChecked(False)

    def _on_run(self) -> None:
        if self.controls.kind.settle():
            self.controller.run()

    def _on_changed(self) -> None:
        self.controller.configure(self.controls.settings())

    def _on_loaded(self, classes: ClassTable, devices: "Sequence[str]") -> None:
        self.controls.classes.set_classes(classes)
        self.controls.device.set_devices(devices)

    def _on_correct(self, wanted: bool) -> None:
        """Wait for a click on an object, or do not any more."""
        if not wanted:
            self.picker.disarm()
            self.controls.state.setText("")
            return
        settings = self.controls.settings()
        try:
            self.picker.arm(settings.image, settings.target)
        except ValueError as error:
            self.controls.correct.setChecked(False)
            show_warning(str(error))

    def _on_picked(self, picked: PickedObject) -> None:
        try:
            dock = open_click_dock(self._viewer)
            dock.correct(
                picked.image, picked.labels, picked.plane, picked.mask, picked.class_id
            )
        except ValueError as error:
            show_warning(str(error))
        else:
            bring_to_front(dock)
            self.controls.state.setText("The object is in “Click to label” now.")
