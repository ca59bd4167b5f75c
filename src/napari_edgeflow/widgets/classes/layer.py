"""What a class list shows of a Labels layer, and does to it."""

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.places import count_labels, tiles_with
from napari_edgeflow.widgets.classes.list import ClassList
from napari_edgeflow.widgets.classes.question import ask_heir
from napari_edgeflow.widgets.layers.labels import (
    count_objects,
    hidden_classes,
    hide_classes,
    read_scheme,
)
from napari_edgeflow.widgets.layers.planes import layer_array
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.workspace.class_steps import (
    ClassChange,
    ClassRemoval,
    Tiles,
    values_of,
)
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_SETTLE_MS = 300
"""How long a layer rests before its pixels are counted again."""

_Search = tuple["weakref.ref[Labels]", NDArray[np.integer], ClassRemoval, set[int]]
_Count = tuple["weakref.ref[Labels]", NDArray[np.integer]]


class ClassLayer(QObject):
    """Counts the labels of each class of a layer, hides, merges and deletes classes."""

    def __init__(self, viewer: "Viewer", view: ClassList) -> None:
        super().__init__(view)
        workspace = Workspace.of(viewer)
        self._viewer, self._view = viewer, view
        self._history = workspace.history
        self._layer: Labels | None = None
        self._links = Connections()
        self._count: LatestCall[_Count, dict[int, int]] = LatestCall(
            _counted, self._on_counted, _ignore
        )
        self._find: LatestCall[_Search, Tiles] = LatestCall(
            _found, self._on_found, lambda _, error: show_problem(error)
        )
        self._turns: Turns[None] = Turns(lambda _: None, show_problem)
        self._recount_later = Later(self, self._recount, _SETTLE_MS)
        view.asks_before_removal = True
        view.hidden_changed.connect(self._on_hidden)
        view.removal_asked.connect(self.remove)
        view.merge_asked.connect(self.merge)
        view.edited.connect(self._on_table_edited)
        self._steps = workspace.class_steps
        self._steps.changed.connect(self._on_steps)
        self._steps.list_asked.connect(self._on_list_asked)
        self._steps.finish_asked.connect(self._turns.finish)
        self._history.changed.connect(self._on_edited)

    @property
    def busy(self) -> bool:
        """Whether something is counted, looked for or written."""
        waiting = self._recount_later.waits or self._count.busy
        return waiting or self._find.busy or self._turns.busy

    def follow(self, layer: "Labels | None") -> None:
        """Show another layer, or none."""
        if layer is self._layer:
            return
        self._links.close()
        self._layer = layer
        self._view.show_counts({}, "")
        self._view.show_hidden(frozenset() if layer is None else hidden_classes(layer))
        if layer is not None:
            for name in ("paint", "data", "set_data", "features"):
                self._links.connect(getattr(layer.events, name), self._on_edited)
            self._recount()

    def close(self) -> None:
        """Stop; what is being written is written to its end."""
        self._links.close()
        self._recount_later.cancel()
        self._layer = None
        self._count.close()
        self._find.close()
        self._turns.stop()

    # ---- counts

    def _on_edited(self, _event: object = None) -> None:
        if self._layer is not None:
            self._recount_later.ask_anew()

    def _recount(self) -> None:
        layer = self._layer
        scheme = read_scheme(layer)
        if layer is None or scheme is None:
            self._view.show_counts({}, "")
        elif scheme.kind == "object":
            self._view.show_counts(count_objects(layer), "objects")
        else:
            data = layer_array(layer)
            # What is not in memory would have to be read or computed for that.
            if isinstance(data, np.ndarray):
                self._count((weakref.ref(layer), data))

    def _on_counted(self, count: _Count, counts: dict[int, int]) -> None:
        if count[0]() is self._layer:
            self._view.show_counts(counts, "pixels")

    # ---- what the list asks for

    def _on_table_edited(self, before: ClassTable, after: ClassTable) -> None:
        layer = self._layer
        has_classes = read_scheme(layer) is not None
        self._steps.note(layer if has_classes else None, self._view, before, after)

    def _on_list_asked(self, view: Any, change: ClassChange, back: bool) -> None:
        if view is not self._view:
            return
        classes = change.applied(self._view.classes, back=back)
        if classes != self._view.classes:
            self._view.set_classes(classes)
            self._view.changed.emit()

    def _on_hidden(self, hidden: frozenset[int]) -> None:
        if self._layer is not None:
            hide_classes(self._layer, hidden)

    def remove(self, class_id: int) -> None:
        """Take a class away; ask first what becomes of its labels, if it has any."""
        count = self._count_text(class_id)
        if not count:
            self._take_away(class_id, None)
            return
        answer = ask_heir(self._view, self._view.classes, class_id, count)
        if answer is not None:
            self._take_away(class_id, answer or None)

    def merge(self, class_id: int) -> None:
        """Take a class away and give its labels another one, which is asked for."""
        count = self._count_text(class_id)
        answer = ask_heir(
            self._view, self._view.classes, class_id, count, may_delete=False
        )
        if answer is not None:
            self._take_away(class_id, answer or None)

    def _count_text(self, class_id: int) -> str:
        """Return how many labels a class has, also those of images not open now."""
        here = self._view.count_text(class_id)
        layer = self._layer
        there = "" if layer is None else self._steps.on_other_pages(layer, class_id)
        return f"{here} here and {there}" if here and there else here or there

    def _take_away(self, class_id: int, heir: int | None) -> None:
        layer = self._layer
        if self._find.busy or self._turns.busy:
            show_warning("A class is being removed: wait a moment.")
            return
        try:
            removal = ClassRemoval.of(self._view.classes, class_id, heir)
        except ValueError as error:
            show_warning(str(error))
            return
        values = set() if layer is None else values_of(layer, class_id, heir)
        if layer is None or read_scheme(layer) is None:
            self._view.take_away(class_id)
        elif values:
            self._find((weakref.ref(layer), layer_array(layer), removal, values))
        else:
            self._turns.start(self._steps.removing(layer, removal, []))

    def _on_found(self, search: _Search, tiles: Tiles) -> None:
        layer = search[0]()
        if layer is not None and layer in self._viewer.layers:
            self._turns.start(self._steps.removing(layer, search[2], tiles))

    def _on_steps(self, layer: Any) -> None:
        scheme = read_scheme(layer) if layer is self._layer else None
        if scheme is not None and scheme.classes != self._view.classes:
            self._view.set_classes(scheme.classes)
            # The next object must be written with these.
            self._view.changed.emit()


def _counted(count: _Count) -> dict[int, int]:
    return count_labels(count[1])


def _ignore(_count: _Count, _error: Exception) -> None:
    """Labels without a count are no reason to disturb anyone."""


def _found(search: _Search) -> Tiles:
    return list(tiles_with(search[1], search[3]))
