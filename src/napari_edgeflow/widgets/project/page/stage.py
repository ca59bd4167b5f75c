"""Where pages come and go: napari sorts out drawing and memory once for each turn."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

_EVERY = 20
"""After how many pages all memory is looked through."""

_MANY = 150_000
"""Objects that are not exempt from which it is, too: something large was loaded."""


class Stage:
    """A viewer whose pages are turned without holding the window.

    napari collects garbage when layers go, which takes a sixth of a second where torch
    is loaded. Between pages what has been there before is exempt from that; what the
    pages themselves leave behind is not.
    """

    def __init__(self, viewer: "Viewer") -> None:
        self.viewer = viewer
        self.coming: WeakSet[Layer] = WeakSet()
        """Layers of a page that is not shown yet."""
        self._links = Connections()
        self._exempt: WeakSet[Layer] = WeakSet()
        self._pages, self._looked, self._puts_off = 0, False, False

    def put_off(self) -> None:
        """Let drawing wait until :meth:`catch_up`; what is drawn already stays so."""
        # Not viewer.layers.batched_update(): it would catch up as well when nobody
        # holds it any more, such as when the window goes.
        self._puts_off = True
        self.viewer.layers.events.begin_batch()

    def catch_up(self) -> None:
        """Have done now what waits."""
        if self._puts_off:
            self._puts_off = False
            self.viewer.layers.events.end_batch()

    @contextmanager
    def turning(self) -> Iterator[None]:
        """Take the layers of a page out within this."""
        self._links.close()
        yield
        self._pages += 1
        self._follow()

    def look_now_and_then(self) -> None:
        """Look through all memory if that is due, and exempt what is there then."""
        many = len(gc.get_objects(2)) > _MANY
        if many or self._pages >= _EVERY or not self._looked:
            self.look_at_all()
            gc.collect()
            gc.freeze()
            self._exempt.update(self.viewer.layers)
            self._looked = True
            self._follow()

    def _follow(self) -> None:
        self._links.close()
        self._links.connect(self.viewer.layers.events.removing, self._on_removing)

    def look_at_all(self) -> None:
        """Let Python look through all memory again."""
        self._pages, self._looked = 0, False
        self._links.close()
        self._exempt.clear()
        gc.unfreeze()

    def _on_removing(self, event: Any) -> None:
        """Let a layer that is exempt be freed, since a person takes it out."""
        if self.viewer.layers[event.index] in self._exempt:
            self.look_at_all()
