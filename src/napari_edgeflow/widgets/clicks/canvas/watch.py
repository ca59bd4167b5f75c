"""What happens in the viewer that concerns an image and the clicks on it."""

from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Layer
    from napari.viewer import Viewer

_SETTLE_MS = 150
"""How long the sliders rest before the plane they show is read."""


class ViewerWatch(QObject):
    """Tells of changes in the viewer and in one image of it.

    Parameters
    ----------
    viewer : Viewer
        What to watch.
    is_ours : callable
        Returns whether a layer is one that the dock made.
    """

    looked = Signal()
    """The sliders moved, or another layer became the active one."""
    settled = Signal()
    """The sliders came to rest."""
    zoomed = Signal()
    placed = Signal()
    """The image was scaled, moved or turned."""
    pixels_exchanged = Signal()
    ours_removed = Signal()
    """A person deleted a layer of ours, and napari is done with it."""

    def __init__(self, viewer: "Viewer", is_ours: "Callable[[Layer], bool]") -> None:
        super().__init__()
        self._is_ours = is_ours
        self._settle = self._timer(_SETTLE_MS, self.settled)
        self._removal = self._timer(0, self.ours_removed)
        self._links, self._image_links = Connections(), Connections()
        connect = self._links.connect
        for name in ("point", "order", "ndisplay"):
            connect(getattr(viewer.dims.events, name), self._on_dims)
        connect(viewer.scene.camera.events.zoom, self._on_zoom)
        connect(viewer.layers.events.removed, self._on_removed)
        connect(viewer.layers.selection.events.active, self._on_active)

    def _timer(self, milliseconds: int, signal: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(signal)
        return timer

    def follow(self, image: "Image | None") -> None:
        """Watch another image, or none."""
        self._image_links.close()
        if image is None:
            return
        for name in ("scale", "translate", "rotate", "shear", "affine"):
            self._image_links.connect(getattr(image.events, name), self._on_placed)
        self._image_links.connect(image.events.data, self._on_data)

    def close(self) -> None:
        """Tell nothing any more."""
        self._links.close()
        self._image_links.close()
        for timer in (self._settle, self._removal):
            # When the window goes, Qt may have deleted it.
            if isalive(timer):  # type: ignore[no-untyped-call]
                timer.stop()

    def _on_dims(self) -> None:
        self.looked.emit()
        self._settle.start()

    def _on_active(self) -> None:
        self.looked.emit()

    def _on_zoom(self) -> None:
        self.zoomed.emit()

    def _on_placed(self) -> None:
        self.placed.emit()

    def _on_data(self) -> None:
        self.pixels_exchanged.emit()

    def _on_removed(self, event: Any) -> None:
        if self._is_ours(event.value):
            # Not now: napari is still busy removing, perhaps all layers.
            self._removal.start()
