"""The object in progress of a page: kept with the page, and gone on with later."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.clicks.dock import ClickWidget, open_click_dock
from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress
from napari_edgeflow.widgets.layers.planes import show_plane
from napari_edgeflow.widgets.qt.dock import bring_to_front
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.widgets.project.page.open_page import OpenPage


class DraftKeeper(QObject):
    """Writes down in a page what a person does in the click dock meanwhile."""

    changed = Signal()
    """The object in progress is another one, or has other clicks."""
    resumed = Signal()
    """The object that was in progress is so again, or another one is."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._page: OpenPage | None = None
        self._dock: ClickWidget | None = None
        self._docks = Workspace.of(viewer).docks
        self._docks.changed.connect(self._look)

    def follow(self, page: "OpenPage") -> None:
        """Follow a page that is shown now."""
        self._page = page
        self._look()
        if self._dock is not None and page.image is not None:
            self._dock.turn_to(page.image, page.labels)

    def leave(self) -> None:
        """Follow no page; the click dock has no object in progress any more."""
        page, self._page = self._page, None
        if page is not None and self._dock is not None:
            self._dock.controller.forget()

    def close(self) -> None:
        """Follow nothing any more."""
        self._page = None
        self._cut()

    def resume(self) -> None:
        """Have the click dock go on with the object of the page; open it if need be.

        Raises
        ------
        ValueError
            If it cannot: the object is damaged, or another one is in progress.
        """
        page = self._page
        if page is None or page.image is None or page.draft is None:
            return
        draft = ObjectInProgress.from_json(page.draft)
        dock = open_click_dock(self._viewer)
        self._look()
        show_plane(self._viewer, page.image, draft.plane)
        dock.resume(page.image, page.labels, draft)
        bring_to_front(dock)

    def discard(self) -> None:
        """Forget the object of the page."""
        if self._page is not None:
            self._page.draft, self._page.draft_waits = None, False
            self.changed.emit()

    def _look(self) -> None:
        """Follow the click dock that is open now."""
        dock, page = self._docks.find(ClickWidget), self._page
        if dock is self._dock:
            return
        self._cut()
        self._dock = dock
        if dock is not None:
            dock.controller.draft_changed.connect(self._on_draft)
            is_free = dock.controller.draft() is None
            if page is not None and page.image is not None and is_free:
                dock.turn_to(page.image, page.labels)

    def _cut(self) -> None:
        dock, self._dock = self._dock, None
        if dock is not None:
            try:
                dock.controller.draft_changed.disconnect(self._on_draft)
            except (RuntimeError, TypeError):
                # Qt deleted the dock, and the connection with it.
                return

    def _on_draft(self) -> None:
        dock, page = self._dock, self._page
        if page is None or dock is None:
            return
        draft = dock.controller.draft()
        ours = draft is not None and dock.controls.image.layer is page.image
        if page.draft_waits and not ours:
            # The one that waits to be gone on with is not gone with that.
            return
        record = draft.to_json() if draft is not None and ours else None
        if page.draft_waits:
            page.draft_waits = False
            self.resumed.emit()
        if record != page.draft:
            page.draft = record
            self.changed.emit()
