"""What happens in the dock "Objects", without any of its buttons."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.layers.kinds import told_kind
from napari_edgeflow.widgets.objects.table.edits import ObjectChange
from napari_edgeflow.widgets.objects.table.entries import (
    Listing,
    ObjectEntry,
    ObjectSelection,
    list_objects,
)
from napari_edgeflow.widgets.objects.table.view import ObjectHighlight, show_object
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_SETTLE_MS = 150
"""How long a layer rests before its objects are listed again."""

_EDITS = ("paint", "data", "features", "metadata")
"""Events of a layer after which its objects may be others."""


class ObjectsController(QObject):
    """Knows the objects of a layer, which of them are selected, and changes them.

    Tabs and actions of the dock get this object.
    """

    entries_changed = Signal(object)
    """All :class:`ObjectEntry` of the layer."""
    selection_changed = Signal(object)
    """The :class:`ObjectSelection`; also when a selected object itself changed."""
    working_changed = Signal(bool)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.viewer = viewer
        self.history = Workspace.of(viewer).history
        self.highlight = ObjectHighlight(viewer, self._on_failed)
        self._layer: Labels | None = None
        self._entries: dict[int, ObjectEntry] = {}
        self._selected: tuple[int, ...] = ()
        self._dims = self._place()
        self._waiting: list[Callable[[], None]] = []
        self._listing: Listing | None = None
        self._listings: LatestCall[Listing, tuple[ObjectEntry, ...]] = LatestCall(
            list_objects, self._on_listed, lambda _, error: self._on_failed(error)
        )
        self._turns: Turns[None] = Turns(self._on_written, self._on_not_written)
        # It waits while the list is not that of the layer's pixels and rows.
        self._list_later = Later(self, self._list, _SETTLE_MS)
        self._links, self._layer_links = Connections(), Connections()
        self._links.connect(viewer.layers.events.removed, self._on_removed)
        self.history.changed.connect(self._on_history)

    # ---- what the dock asks for

    @property
    def layer(self) -> "Labels | None":
        """The layer whose objects are listed."""
        return self._layer

    @property
    def has_objects(self) -> bool:
        """Whether the values of the layer are ids of objects."""
        return self._layer is not None and told_kind(self._layer) != "semantic"

    @property
    def selection(self) -> ObjectSelection:
        """What is selected now."""
        return ObjectSelection(
            self._layer, tuple(self._entries[i] for i in self._selected)
        )

    @property
    def busy(self) -> bool:
        """Whether the list is being made, or something is written."""
        return self._list_later.waits or self._listings.busy or self._turns.busy

    def set_layer(self, layer: "Labels | None") -> None:
        """List the objects of another layer."""
        self._layer_links.close()
        self._layer, self._listing = layer, None
        self._waiting.clear()
        self._show(())
        if layer is None:
            return
        for name in _EDITS:
            self._layer_links.connect(getattr(layer.events, name), self._on_edited)
        self._layer_links.connect(layer.events.set_data, self._on_refreshed)
        self._list()

    def select(self, ids: Iterable[int], look_at: int | None = None) -> None:
        """Select those of the ids that the layer has, and move the view to one."""
        self._selected = tuple(i for i in ids if i in self._entries)
        entry = None if look_at is None else self._entries.get(look_at)
        if self._layer is not None and entry is not None:
            show_object(self.viewer, self._layer, entry)
            self._layer.selected_label = entry.id
        self._outline()
        self.selection_changed.emit(self.selection)

    def when_listed(self, action: Callable[[], None]) -> None:
        """Call something as soon as the list is that of the layer's present pixels."""
        if self.busy:
            self._waiting.append(action)
        else:
            action()

    def write(self, change: Callable[[ObjectSelection], ObjectChange]) -> None:
        """Change the selected objects, as one step that can be undone.

        A ValueError of ``change``, which says what is to be done, is shown.
        """
        self.when_listed(partial(self._write, change))

    def undo(self) -> None:
        """Take back the last step, in whichever layer that was."""
        self._when_free(self.history.undo)

    def redo(self) -> None:
        """Bring back the last step that was undone."""
        self._when_free(self.history.redo)

    def close(self, viewer_remains: bool) -> None:
        """Stop; what is just being written is taken back."""
        self._links.close()
        self._layer_links.close()
        self.history.changed.disconnect(self._on_history)
        self._list_later.cancel()
        self._listings.close()
        self.highlight.close()
        self._waiting.clear()
        self._turns.stop()
        if viewer_remains:
            self.highlight.hide()

    # ---- listing

    def _list(self) -> None:
        self._list_later.cancel()
        if self._layer is not None and self.has_objects:
            self._listing = Listing.of(self._layer)
            self._listings(self._listing)
        else:
            self._show(())
            self._go_on()

    def _on_listed(self, listing: Listing, entries: tuple[ObjectEntry, ...]) -> None:
        if listing is self._listing:
            self._show(entries)
            self._go_on()

    def _on_failed(self, error: Exception) -> None:
        self._waiting.clear()
        show_problem(error)

    def _show(self, entries: Iterable[ObjectEntry]) -> None:
        before = self.selection.entries
        self._entries = {entry.id: entry for entry in entries}
        self._selected = tuple(i for i in self._selected if i in self._entries)
        self.entries_changed.emit(tuple(self._entries.values()))
        if self.selection.entries != before:
            self._outline()
            self.selection_changed.emit(self.selection)

    def _go_on(self) -> None:
        while self._waiting and not self.busy:
            self._waiting.pop(0)()

    def _outline(self) -> None:
        if self._layer is not None:
            self.highlight.show(self._layer, self.selection.entries)

    # ---- writing

    def _write(self, change: Callable[[ObjectSelection], ObjectChange]) -> None:
        selection = self.selection
        layer = selection.layer
        if layer is None or not selection.entries:
            return
        try:
            step = change(selection)
        except ValueError as error:
            show_warning(str(error))
            return
        steps = self.history.applying(
            layer, step.what, step.pixels, step.records, step.removed
        )
        self.working_changed.emit(True)
        self._turns.start(steps)

    def _on_written(self, _result: None) -> None:
        self.working_changed.emit(False)
        self._list_later.ask_anew(0)

    def _on_not_written(self, error: Exception) -> None:
        self._on_written(None)
        show_problem(error)

    def _when_free(self, step: Callable[[], object]) -> None:
        # Listing need not have ended: undo and redo know what they change.
        if self._turns.busy:
            self._waiting.append(partial(self._when_free, step))
        else:
            step()

    # ---- what happens in the viewer

    def _place(self) -> tuple[object, ...]:
        dims = self.viewer.dims
        return dims.point, dims.order, dims.ndisplay

    def _on_edited(self) -> None:
        self._list_later.ask_anew()

    def _on_refreshed(self) -> None:
        """See whether pixels changed, as by napari's undo, or only the sliders."""
        place = self._place()
        moved, self._dims = place != self._dims, place
        if not moved:
            self._list_later.ask_anew()

    def _on_history(self, layer: object) -> None:
        if layer is self._layer:
            self._list_later.ask_anew(0)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._turns.stop()
            self.set_layer(None)
