"""The object in progress of a page: kept with the page, and taken up again."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.project.content.records import Draft
from napari_edgeflow.widgets.clicks.dock import ClickWidget, open_click_dock
from napari_edgeflow.widgets.clicks.object.draft import ObjectDraft
from napari_edgeflow.widgets.layers.planes import show_plane
from napari_edgeflow.widgets.qt.dock import bring_to_front
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.widgets.project.page.layers import PageLayers


class PageDrafts(QObject):
    """Follows what a person does in the click dock, on the page that is shown.

    Parameters
    ----------
    viewer : Viewer
        Where click docks are.
    layers : PageLayers
        The page.
    """

    changed = Signal()
    """The object in progress is another one, or has other clicks."""
    taken_up = Signal()
    """The object that was in progress is so again, or another one is."""

    def __init__(self, viewer: "Viewer", layers: "PageLayers") -> None:
        super().__init__()
        self._viewer, self._layers = viewer, layers
        self._dock: ClickWidget | None = None
        self._active = False
        self._waiting = False
        self.record: Draft | None = None
        self._docks = Workspace.of(viewer).docks
        self._docks.changed.connect(self._look)

    @property
    def prompt_count(self) -> int:
        """How many clicks and other prompts the object in progress has."""
        prompts = None if self.record is None else self.record.get("prompts")
        return len(prompts) if isinstance(prompts, list) else 0

    def turn(self, record: Draft | None) -> None:
        """Follow the page that is shown now, which was left with this object."""
        self.record, self._waiting = record, record is not None
        self._active = True
        self._look()
        if self._dock is not None and self._layers.image is not None:
            self._dock.turn_to(self._layers.image, self._layers.labels)

    def let_go(self) -> None:
        """Follow no page; the click dock lets go of the object in progress."""
        was_active, self._active = self._active, False
        self.record, self._waiting = None, False
        if was_active and self._dock is not None:
            self._dock.controller.let_go()

    def close(self) -> None:
        """Follow nothing any more."""
        self._active = False
        self._cut()

    def resume(self) -> None:
        """Have the click dock go on with the object of the page; open it if need be.

        Raises
        ------
        ValueError
            If it cannot: the object is damaged, or another one is in progress.
        """
        image, record = self._layers.image, self.record
        if image is None or record is None:
            return
        draft = ObjectDraft.from_json(record)
        dock = open_click_dock(self._viewer)
        self._look()
        show_plane(self._viewer, image, draft.plane)
        dock.resume(image, self._layers.labels, draft)
        bring_to_front(dock)

    def discard(self) -> None:
        """Forget the object of the page."""
        self.record, self._waiting = None, False
        self.changed.emit()

    def _look(self) -> None:
        """Follow the click dock that is open now."""
        dock = self._docks.find(ClickWidget)
        if dock is self._dock:
            return
        self._cut()
        self._dock = dock
        if dock is not None:
            dock.controller.draft_changed.connect(self._on_draft)
            image = self._layers.image
            if self._active and image is not None and dock.controller.draft() is None:
                dock.turn_to(image, self._layers.labels)

    def _cut(self) -> None:
        dock, self._dock = self._dock, None
        if dock is not None:
            try:
                dock.controller.draft_changed.disconnect(self._on_draft)
            except (RuntimeError, TypeError):
                # Qt deleted the dock, and the connection with it.
                return

    def _on_draft(self) -> None:
        dock = self._dock
        if not self._active or dock is None:
            return
        draft = dock.controller.draft()
        ours = dock.controls.image.layer is self._layers.image
        if draft is None or not ours:
            if self._waiting:
                # The one that waits to be taken up is not gone with that.
                return
            record = None
        else:
            record = draft.to_json()
        if self._waiting:
            self._waiting = False
            self.taken_up.emit()
        if record != self.record:
            self.record = record
            self.changed.emit()
