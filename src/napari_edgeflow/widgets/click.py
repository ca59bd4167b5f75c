"""The dock "Click to label"."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_edgeflow.widgets.click_controller import ClickController
from napari_edgeflow.widgets.click_controls import ClickControls
from napari_edgeflow.widgets.connections import Connections
from napari_edgeflow.widgets.torch_beside_opengl import keep_triton_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Layer

    from napari_edgeflow.engine.interact import ClickSegmenter


def load_segmenter(model: str) -> "ClickSegmenter":
    """Load a model, on the best device there is; see :class:`ClickSegmenter`."""
    # Here and not above: onnxruntime takes a while, and this runs in the background.
    from napari_edgeflow.engine.interact import ClickSegmenter

    keep_triton_apart()
    return ClickSegmenter.from_pretrained(model)


class ClickWidget(QWidget):
    """Click on objects of an image and keep their masks as labels.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images and labels are.
    load : callable
        Loads a model by name or path, in the background.
    """

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        load: "Callable[[str], ClickSegmenter]" = load_segmenter,
    ) -> None:
        super().__init__()
        # add_plugin_dock_widget hands over a proxy that makes a new proxy of a layer
        # each time; layers could not be told apart.
        viewer = getattr(viewer, "__wrapped__", viewer)
        self._links = Connections()
        self.controls = ClickControls(viewer, self._links, self._is_helper)
        self.controller = ClickController(viewer, load, self.controls.settings())
        self._lay_out()
        self._connect()
        self.controller.open()

    def _is_helper(self, layer: "Layer") -> bool:
        controller = getattr(self, "controller", None)
        return controller is not None and controller.layers.owns(layer)

    def _lay_out(self) -> None:
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.controls)
        bar = scroll.verticalScrollBar()
        room = 0 if bar is None else bar.sizeHint().width()
        self.setMinimumWidth(self.controls.minimumSizeHint().width() + room)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.changed.connect(self._on_changed)
        controls.finish_asked.connect(controller.finish)
        controls.undo_asked.connect(controller.undo)
        controls.redo_asked.connect(controller.redo)
        controls.clear_asked.connect(controller.clear)
        controller.hint_changed.connect(controls.show_hint)
        controller.state_changed.connect(controls.show_state)
        controller.history_changed.connect(controls.show_history)
        controller.model_refused.connect(controls.model.refuse)
        controller.committed.connect(controls.target.choose)
        # When the window closes nobody tells the widgets in it; they just go. What is
        # called then must not need this widget, and napari's layers are gone too.
        links = self._links

        def stop() -> None:
            links.close()
            controller.close(remove_layers=False)

        self.destroyed.connect(stop)

    def _on_changed(self) -> None:
        self.controller.configure(self.controls.settings())

    def changeEvent(self, event: QEvent | None) -> None:
        """Stop when napari takes the dock away, which it does by unparenting it."""
        super().changeEvent(event)
        parted = event is not None and event.type() == QEvent.Type.ParentChange
        if parted and self.parent() is None:
            self._links.close()
            self.controller.close(remove_layers=True)
