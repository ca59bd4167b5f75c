"""The layers of one image of a project: into the viewer, out of it, and what they hold.

Together with :mod:`label_layers` the only code of projects that touches layers.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, QTimer, Signal

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.records import LabelContent
from napari_edgeflow.widgets.layers.features import count_objects
from napari_edgeflow.widgets.layers.helpers import is_helper
from napari_edgeflow.widgets.layers.labels import read_scheme, write_scheme
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.project.page.arrival import (
    SHORT_NAMES,
    ComingPage,
    PageArrival,
    SceneUpdate,
)
from napari_edgeflow.widgets.project.page.garbage import PageGarbage
from napari_edgeflow.widgets.project.page.rows import FeatureRows
from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_edgeflow.engine.labels.classes import Kind

_SOON_MS, _LATER_MS = 20, 300
"""How long edits are gathered; redrawing, which may be an edit or not, for longer."""


class PageLayers(QObject):
    """The image and the Labels layers of the page that is shown.

    Labels layers that appear beside them, of the shape of the image, belong to the
    page as well. A layer that a person takes out of the viewer stays in the project.

    Parameters
    ----------
    viewer : Viewer
        Where they are.
    """

    edited = Signal()
    """Labels or objects were edited."""
    redrawn = Signal()
    """Something may have been edited, such as by napari's own undo, or classes were."""
    removed = Signal(str)
    """A person took a Labels layer of this name out of the viewer."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self.image: Image | None = None
        self._labels: dict[str, Labels] = {}
        self._gone: list[str] = []
        self._garbage = PageGarbage(viewer)
        self._scene = SceneUpdate(viewer)
        self._arrival = PageArrival(viewer, self._scene)
        self._coming: ComingPage | None = None
        self._taken: set[str] = set()
        self._links, self._label_links = Connections(), Connections()
        self._soon = self._make_timer(_SOON_MS, self.edited)
        self._later = self._make_timer(_LATER_MS, self.redrawn)
        self._adopt_later = self._make_timer(0, self._adopt)
        self._tell_later = self._make_timer(0, self._tell_of_gone)

    def _make_timer(self, milliseconds: int, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    @property
    def labels(self) -> Labels | None:
        """The first Labels layer, which finished objects go to."""
        return next(iter(self._labels.values()), None)

    @property
    def all_labels(self) -> "Mapping[str, Labels]":
        """All Labels layers by the short names they have in the project."""
        return dict(self._labels)

    @property
    def classes(self) -> ClassTable | None:
        """The classes of the layer that finished objects go to."""
        scheme = read_scheme(self.labels)
        return None if scheme is None else scheme.classes

    def shows(self, layer: "Layer | None") -> bool:
        """Return whether the viewer shows a layer, of the page or not."""
        return layer in self._viewer.layers

    def bring_in(self, page: ComingPage) -> "Generator[None, None, None]":
        """Put a page into the viewer, not to be seen yet; the one before stays.

        Yields wherever the window may have its turn.
        """
        if self.image is None:
            self._garbage.look_now_and_then()
        yield from self._arrival.bring_in(page)
        self._coming = page

    def show(self, classes: ClassTable) -> None:
        """Show the page that was brought in, in place of the one before.

        Parameters
        ----------
        classes : ClassTable
            The classes now.
        """
        page, self._coming = self._coming, None
        if page is not None:
            # napari sorts out what it draws, and frees memory, when it is settled.
            self._scene.put_off()
            with self._garbage.turning():
                self._take_out()
            self._put_in(page, classes)

    def settle(self) -> "Generator[None, None, None]":
        """Have napari draw the page as it is now, and free the one before, in steps."""
        self._scene.catch_up()
        yield
        self._garbage.look_now_and_then()

    def fit_view(self) -> None:
        """Let the window show all of the page."""
        self._viewer.reset_view()

    def _put_in(self, page: ComingPage, classes: ClassTable) -> None:
        self.image, labels = self._arrival.show()
        self._taken = page.taken
        for key, layer in labels.items():
            scheme = page.scheme(key, classes)
            if scheme is not None:
                # They may be other ones than when the layer was made.
                write_scheme(layer, scheme)
            self._follow(key, layer)
        events = self._viewer.layers.events
        self._links.connect(events.inserted, self._on_inserted)
        self._links.connect(events.removed, self._on_removed)

    def take_out(self) -> None:
        """Take the page out of the viewer; napari's own undo of it goes with it."""
        self._scene.put_off()
        self._take_out()
        self.send_back()
        self._garbage.look_at_all()

    def send_back(self) -> None:
        """Take a page out that was brought in but not shown."""
        self._coming = None
        self._arrival.send_back()

    def _take_out(self) -> None:
        self.let_go()
        layers = [*self._labels.values(), self.image]
        self._labels, self.image = {}, None
        for layer in layers:
            if layer is not None and layer in self._viewer.layers:
                layer.locked = False
                self._viewer.layers.remove(layer)

    def close(self) -> None:
        """Follow the layers no longer; they stay where they are."""
        self.let_go()
        self._garbage.look_at_all()

    def let_go(self) -> None:
        """Follow the layers no longer; they stay where they are."""
        self._gone.clear()
        for timer in (self._soon, self._later, self._adopt_later, self._tell_later):
            timer.stop()
        self._links.close()
        self._label_links.close()

    def set_classes(self, classes: ClassTable) -> None:
        """Give all layers that know their classes other ones."""
        for layer in self._labels.values():
            scheme = read_scheme(layer)
            if scheme is not None:
                write_scheme(layer, LabelScheme(scheme.kind, classes))

    def flush(self) -> None:
        """Tell of edits now that would be told of soon."""
        if self._soon.isActive():
            self._soon.stop()
            self.edited.emit()

    def content(self) -> dict[str, LabelContent]:
        """Return what the layers hold, without copying labels; takes a moment."""
        return {key: _content(layer) for key, layer in self._labels.items()}

    # ---- what happens in the viewer

    def _follow(self, key: str, layer: Labels) -> None:
        self._labels[key] = layer
        connect = self._label_links.connect
        for name in ("paint", "features", "data"):
            connect(getattr(layer.events, name), self._on_edited)
        for name in ("set_data", "metadata"):
            connect(getattr(layer.events, name), self._on_redrawn)

    def _on_edited(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _on_redrawn(self) -> None:
        if not self._later.isActive():
            self._later.start()

    def _on_inserted(self) -> None:
        # Later: whoever made the layer may not have said yet whose it is.
        self._adopt_later.start()

    def _on_removed(self, event: Any) -> None:
        gone = [key for key, layer in self._labels.items() if layer is event.value]
        if gone:
            # The last edit of it, before nobody knows it any more.
            self.flush()
        for key in gone:
            del self._labels[key]
            self._gone.append(event.value.name)
            # Later: when the viewer closes all layers go, and nobody is to be told.
            self._tell_later.start()

    def _tell_of_gone(self) -> None:
        names, self._gone = self._gone, []
        if self.image is not None and self.image in self._viewer.layers:
            for name in names:
                self.removed.emit(name)

    def _adopt(self) -> None:
        """Make Labels layers that a dock or a person added part of the page."""
        for layer in self._viewer.layers:
            if layer not in self._labels.values() and self._belongs(layer):
                self._follow(self._free_key(layer), layer)
                self._on_edited()

    def _belongs(self, layer: "Layer") -> bool:
        return (
            self.image is not None
            and not self._arrival.owns(layer)
            and isinstance(layer, Labels)
            and isinstance(layer.data, np.ndarray)
            and layer_shape(layer) == layer_shape(self.image)
            and not is_helper(layer)
        )

    def _free_key(self, layer: Labels) -> str:
        name, number = SHORT_NAMES[_kind(layer)], 1
        key = name
        while key in self._taken or key in self._labels:
            number += 1
            key = f"{name}-{number}"
        self._taken.add(key)
        return key


def _kind(layer: Labels) -> "Kind | Any":
    scheme = read_scheme(layer)
    return "plain" if scheme is None else scheme.kind


def _content(layer: Labels) -> LabelContent:
    scheme = read_scheme(layer)
    rows = FeatureRows(layer.features)
    if scheme is None:
        return LabelContent("plain", ClassTable(()), layer.data, rows)
    counts = count_objects(layer)
    return LabelContent(scheme.kind, scheme.classes, layer.data, rows, counts=counts)
