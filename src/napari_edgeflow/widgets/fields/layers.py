"""A drop-down list of the viewer's layers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget
from superqt.utils import signals_blocked

from napari_edgeflow.widgets.layers.helpers import is_helper
from napari_edgeflow.widgets.layers.matching import made_for
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer


class LayerCombo(QComboBox):
    """Lists the layers that are accepted, under their present names.

    It follows layers that come, go, move and are renamed, once napari is done with
    all of its changes. A chosen layer stays chosen as long as it is there.

    Parameters
    ----------
    accept : callable
        Returns whether a layer belongs into the list.
    empty : str
        The first entry, standing for no layer.
    prefer_layers : bool
        Whether to choose a layer rather than the empty entry when there is one.
    """

    layer_changed = Signal()

    def __init__(
        self,
        viewer: "Viewer",
        accept: Callable[["Layer"], bool],
        links: Connections,
        *,
        empty: str,
        prefer_layers: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._accept = accept
        self._empty = empty
        self._prefer_layers = prefer_layers
        self._layers: list[Layer | None] = [None]
        self._chosen: Layer | None = None
        self._refill_later = Later(self, self.refill)
        # A dock that was closed right after a change does nothing about it any more.
        links.keep(self._refill_later.cancel)
        for name in ("inserted", "removed", "reordered", "renamed"):
            links.connect(getattr(viewer.layers.events, name), self._on_layers)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.activated.connect(self._on_activated)
        self.refill()

    @property
    def layer(self) -> "Layer | None":
        """The layer chosen."""
        return self._chosen

    def choose(self, layer: "Layer | None") -> None:
        """Choose a layer of the viewer, or the empty entry."""
        self.refill()
        if layer in self._layers:
            self.setCurrentIndex(self._layers.index(layer))
            self._take(layer)

    def suit(self, image: "Image | None") -> None:
        """Let go of labels that cannot be those of an image.

        Those made for it are chosen if they are there.
        """
        chosen = self._chosen
        if image is None or chosen is None or layer_shape(chosen) == layer_shape(image):
            return
        layers = self._viewer.layers
        made = (x for x in self._layers if x is not None and made_for(layers, x, image))
        self.choose(next(made, None))

    def refill(self) -> None:
        """List the layers that are there now, the topmost first."""
        found = [
            layer for layer in reversed(self._viewer.layers) if self._accept(layer)
        ]
        show_empty = not found or not self._prefer_layers
        self._layers = [None, *found] if show_empty else [*found]
        chosen = self._chosen if self._chosen in self._layers else self._layers[0]
        with signals_blocked(self):
            self.clear()
            self.addItems([self._empty if x is None else x.name for x in self._layers])
            self.setCurrentIndex(self._layers.index(chosen))
        self._take(chosen)

    def _on_layers(self) -> None:
        self._refill_later.ask()

    def _on_activated(self, index: int) -> None:
        self._take(self._layers[index])

    def _take(self, layer: "Layer | None") -> None:
        self.setToolTip("" if layer is None else layer.name)
        if layer is not self._chosen:
            self._chosen = layer
            self.layer_changed.emit()


def image_combo(
    viewer: "Viewer", links: Connections, parent: QWidget | None = None
) -> LayerCombo:
    """Return a list of the images that a person opened."""
    return LayerCombo(
        viewer,
        lambda layer: isinstance(layer, Image) and not is_helper(layer),
        links,
        empty="no image is open",
        prefer_layers=True,
        parent=parent,
    )


def target_combo(
    viewer: "Viewer", links: Connections, parent: QWidget | None = None
) -> LayerCombo:
    """Return a list of the Labels layers to write to, and of a new one."""
    return LayerCombo(
        viewer, are_labels, links, empty="New layer", prefer_layers=False, parent=parent
    )


def labels_combo(
    viewer: "Viewer", links: Connections, parent: QWidget | None = None
) -> LayerCombo:
    """Return a list of the Labels layers to read from."""
    return LayerCombo(
        viewer,
        are_labels,
        links,
        empty="no Labels layer is there",
        prefer_layers=True,
        parent=parent,
    )


def are_labels(layer: "Layer") -> bool:
    """Return whether a layer holds labels of a person rather than of a dock's work."""
    return isinstance(layer, Labels) and not is_helper(layer)
