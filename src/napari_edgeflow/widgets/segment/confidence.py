"""The Image layer that shows where automatic segmentation was unsure."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap, ensure_colormap
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.layers.helpers import HELPER, kept_selection
from napari_edgeflow.widgets.layers.planes import Plane, placement
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer


class ConfidenceLayer(QObject):
    """Shows and hides the confidence of the latest result, which it keeps."""

    deleted = Signal()
    """A person deleted the layer."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._shown = False
        self._image: Image | None = None
        self._target: Labels | None = None
        self._plane: Plane | None = None
        self._data: NDArray[np.float32] | None = None
        self._layer: Image | None = None
        self._take_away_later = Later(self, self._take_away)
        self._links = Connections()
        self._links.connect(viewer.layers.events.removed, self._on_removed)

    def hold(
        self,
        image: Image,
        target: "Labels",
        plane: Plane | None,
        data: NDArray[np.float32],
    ) -> None:
        """Take over a result, and show it if confidence is to be shown.

        Parameters
        ----------
        image : Image
            The image it belongs to.
        target : Labels
            The labels it belongs to.
        plane : Plane or None
            The plane of the image that ``data`` is for; None for all of it.
        data : ndarray
            float32 from 0 to 1, of the image's shape, or one thick.
        """
        self._take_away()
        self._image, self._target = image, target
        self._plane, self._data = plane, data
        self._put()

    def show(self, shown: bool) -> None:
        """Show the confidence, now and of results to come, or do not."""
        self._shown = shown
        if shown:
            self._put()
        else:
            self._take_away()

    def close(self) -> None:
        """Follow the viewer no longer; a layer that is shown stays."""
        self._links.close()

    def _put(self) -> None:
        if not self._shown or self._layer is not None:
            return
        layers, image, data = self._viewer.layers, self._image, self._data
        if image is None or data is None or image not in layers:
            return
        self._layer = _new_layer(image, self._plane, data)
        # It is to be looked at; what is worked with stays what it was.
        with kept_selection(self._viewer):
            layers.append(self._layer)

    def _take_away(self) -> None:
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer, self._shown = None, False
            self.deleted.emit()
        elif event.value is self._image or event.value is self._target:
            self._image = self._target = self._data = None
            # Not now: napari is still busy removing, perhaps all layers.
            self._take_away_later.ask()


def _new_layer(image: Image, plane: Plane | None, data: NDArray[np.float32]) -> Image:
    return Image(
        data,
        name=f"{image.name} confidence",
        colormap=_unsure_colours(),
        contrast_limits=(0.0, 1.0),
        metadata={HELPER: "confidence"},
        **placement(image, plane),
    )


def _unsure_colours() -> Colormap:
    """Return magma from its bright end to nothing: what is unsure glows."""
    colours = np.array(ensure_colormap("magma").colors[::-1])
    colours[:, 3] = np.linspace(1, 0, len(colours))
    return Colormap(colours, name="unsure", display_name="unsure")
