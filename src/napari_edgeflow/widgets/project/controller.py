"""What the dock "Project folder" does: opens projects, turns pages, saves edits."""

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Qt, Signal

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.images.cache import ImageCache
from napari_edgeflow.project.storage.saver import SaveState
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.project.page.arrival import ComingPage
from napari_edgeflow.widgets.project.page.drafts import PageDrafts
from napari_edgeflow.widgets.project.page.layers import PageLayers
from napari_edgeflow.widgets.project.page.steps import PageSteps
from napari_edgeflow.widgets.project.page.work import (
    LoadedPage,
    PageWork,
    image_suffixes,
    read_with_plugins,
)
from napari_edgeflow.widgets.project.texts import READ_ONLY, elsewhere_text, status_text
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import LatestCall, Post, show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.engine.labels.classes import Kind
    from napari_edgeflow.project.storage.project_file import State


class ProjectController(QObject):
    """Turns the pages of one project in a viewer, and saves all that happens to them.

    What is undone is always on the page that is shown. A page that is left keeps its
    steps until it is opened again, napari's own undo of its layers excepted.

    Parameters
    ----------
    viewer : Viewer
        Where pages are shown.
    """

    opened = Signal(object)
    """A project was opened; its images are known."""
    open_failed = Signal(object, object)
    """A :class:`ProjectPlace` could not be opened, and why."""
    page_asked = Signal(str)
    """An image is being opened."""
    page_leaves = Signal()
    """The layers of the image go next: whoever writes into them is to finish."""
    page_shown = Signal(str)
    """An image is open, or is the current one though it cannot be read."""
    page_failed = Signal(str, str)
    """An image cannot be opened; the second text says why, and is "" once it could."""
    page_known = Signal(str)
    """The state of an image changed, or its number of objects."""
    draft_found = Signal(int)
    """The page has an object in progress with so many clicks; see ``drafts``."""
    draft_gone = Signal()
    """There is none any more to go on with."""
    status_changed = Signal(str, bool)
    """How saving goes, and whether it goes wrong."""
    _told = Signal(object)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self.project: Project | None = None
        self.current = ""
        self.kind: Kind = "object"
        self._asked: set[str] = set()
        self._latest = ""
        self._turning_to = ""
        self._next_up = ""
        self._last_problem = ""
        self._closing = False
        self._cache = ImageCache(read_with_plugins)
        self.layers = PageLayers(viewer)
        self.drafts = PageDrafts(viewer, self.layers)
        workspace = Workspace.of(viewer)
        self._steps = PageSteps(workspace.history)
        self._history, self._class_steps = workspace.history, workspace.class_steps
        self._class_steps.taken_away.connect(self._on_taken_away)
        self._class_steps.changed.connect(self._on_classes)
        self._class_steps.ask(self._elsewhere)
        self.page_leaves.connect(self._class_steps.finish_asked)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._post = Post(self._told.emit)
        self._opening = LatestCall(self._open, self._on_opened, self._on_open_failed)
        self._pages: LatestCall[str, LoadedPage] | None = None
        self._turns: Turns[None] = Turns(self._on_turned, self._on_not_turned)
        self._ahead = LatestCall(self._cache.read_ahead, _ignore, _ignore)
        self._closer = ThreadPoolExecutor(1, "napari-edgeflow-close")
        self.layers.edited.connect(self._on_edited)
        self.layers.redrawn.connect(self._on_redrawn)
        self.layers.removed.connect(self._on_layer_removed)
        self.drafts.changed.connect(self._on_edited)
        self.drafts.taken_up.connect(self.draft_gone)

    # ---- projects

    @property
    def busy(self) -> bool:
        """Whether a project or a page is being opened."""
        reading = self._pages is not None and self._pages.busy
        return self._opening.busy or reading or self._turns.busy

    @property
    def latest(self) -> str:
        """The image that was asked for last, or else is open."""
        return self._latest or self.current

    def open(self, place: ProjectPlace) -> None:
        """Open a project in the background, in place of the one before."""
        now = self.project
        same = now is not None and place.home.resolve() == now.home
        if now is not None and same and (place.read_only or not now.read_only):
            show_info(f"{now.images} is open already.")
            return
        self._opening(replace(place, suffixes=image_suffixes()))

    def _open(self, place: ProjectPlace) -> Project:
        return open_project(place, self._post.send)

    def _on_opened(self, _: ProjectPlace, project: Project) -> None:
        self.leave_project()
        self.project = project
        work = PageWork(project, self._cache, self._steps)
        self._pages = LatestCall(work, self._on_page, self._on_page_failed)
        self._say(SaveState())
        self.opened.emit(project)
        first = project.record.last
        if first not in project.names:
            first = project.names[0] if project.names else ""
        if first:
            self.turn_to(first)

    def _on_open_failed(self, place: ProjectPlace, error: Exception) -> None:
        self.open_failed.emit(place, error)

    def leave_project(self) -> None:
        """Save and close the project, in the background, and take its page away."""
        self._turns.stop()
        self.page_leaves.emit()
        self._history.stop()
        self.layers.flush()
        self._save_page()
        if self._pages is not None:
            self._pages.close()
            self._pages = None
        self.drafts.let_go()
        self.layers.take_out()
        self._steps.forget()
        project, self.project, self.current = self.project, None, ""
        self._asked.clear()
        self._latest = ""
        if project is not None:
            self._closer.submit(project.close)

    def close(self, viewer_remains: bool) -> None:
        """Save what is left and stop."""
        self._closing = True
        self._opening.close()
        self._turns.stop()
        self._ahead.close()
        self._history.stop()
        self.layers.flush()
        self._save_page()
        if self._pages is not None:
            self._pages.close()
        project, self.project = self.project, None
        saved = project is None or project.close()
        self._post.close()
        self._closer.shutdown()
        self._steps.close()
        self.drafts.close()
        if viewer_remains:
            self.layers.send_back()
        if viewer_remains and saved:
            self.layers.take_out()
        self.layers.close()
        if project is not None and viewer_remains:
            self._say_goodbye(project, saved)

    def _say_goodbye(self, project: Project, saved: bool) -> None:
        if saved:
            show_info(f"{project.images} is saved and closed.")
        else:
            show_warning(
                f"The labels of {self.current} could not be saved in {project.home}: "
                "save the layers elsewhere before you close the window."
            )

    # ---- pages

    def turn_to(self, name: str, ahead: str = "") -> None:
        """Show an image as soon as it is read; the page before stays until then.

        Parameters
        ----------
        name : str
            The image.
        ahead : str
            The image to read next, while the person looks at this one.
        """
        if self._pages is None or name == self.latest:
            return
        self._asked.add(name)
        self._latest = name
        self._next_up = ahead
        self.page_asked.emit(name)
        if not self._turns.busy:
            self._pages(name)

    def _on_page(self, name: str, page: LoadedPage) -> None:
        project = self.project
        if project is None:
            return
        if name == self.current and self.layers.image is not None:
            # The person came back before the other page was there.
            self._forget_asked(name)
            self.page_shown.emit(name)
        else:
            self._turning_to = name
            self._turns.start(self._turn(project, page))

    def _turn(self, project: Project, page: LoadedPage) -> Generator[None, None, None]:
        """Turn the page; in between the window has its turn, and the person too."""
        page = _up_to_date(project, page)
        yield from self.layers.bring_in(self._coming(project, page))
        # A class that is half merged on the page that goes is merged on this one, too.
        self._class_steps.finish_asked.emit()
        while (now := _up_to_date(project, page)) is not page:
            page = now
            self.layers.send_back()
            yield from self.layers.bring_in(self._coming(project, page))
        self._show(project, page)
        yield
        yield from self.layers.settle()

    def _coming(self, project: Project, page: LoadedPage) -> ComingPage:
        return ComingPage(
            # Names of layers have no folders; the list shows those.
            Path(page.name).stem,
            page.pixels,
            page.rgb,
            page.content.layers,
            LabelScheme(self.kind, project.record.classes),
            page.kept,
        )

    def _show(self, project: Project, page: LoadedPage) -> None:
        """Leave the page that is shown for one that was brought in."""
        name, content = page.name, page.content
        self._leave_page(name)
        self.current = name
        self.layers.show(project.record.classes)
        self._steps.enter(name, self.layers, project.record)
        self.drafts.turn(content.draft)
        # Now that also the layers of the clicks are on this image.
        self.layers.fit_view()
        if len(content.layers) == len(page.kept):
            project.recount(name, content)
        project.note(replace(project.record, last=name))
        self.page_failed.emit(name, "")
        for problem in page.problems:
            show_warning(f"{problem}.")
        self._page_is_there(name)
        if content.draft is not None:
            self.draft_found.emit(self.drafts.prompt_count)

    def _on_turned(self, _: None) -> None:
        if self._latest and self._pages is not None:
            # The person turned on meanwhile.
            self._pages(self._latest)

    def _on_not_turned(self, error: Exception) -> None:
        show_problem(error)
        if self.current != self._turning_to:
            self._on_page_failed(self._turning_to, error)
        self._on_turned(None)

    def _on_page_failed(self, name: str, error: Exception) -> None:
        self._leave_page(name)
        self.current = name
        self.layers.take_out()
        self.page_failed.emit(name, str(error) or repr(error))
        self._page_is_there(name)

    def _page_is_there(self, name: str) -> None:
        self.page_shown.emit(name)
        if self._next_up and self.project is not None:
            self._ahead(self.project.image(self._next_up))

    def _leave_page(self, coming: str) -> None:
        """Save the page that is shown; forget those that were overtaken."""
        self.page_leaves.emit()
        self._history.stop()
        self.layers.flush()
        self._save_page()
        self.draft_gone.emit()
        self.drafts.let_go()
        if self.project is not None:
            self._steps.leave(self.current, self.layers, self.project.record.removals)
        self._forget_asked(coming)

    def _forget_asked(self, coming: str) -> None:
        """Forget the pages that were overtaken; not one asked for since."""
        if self._latest == coming:
            self._latest = ""
        for name in {*self._asked, self.current} - {coming, self._latest, ""}:
            if self.project is not None:
                self.project.leave_page(name)
        self._asked &= {self._latest}

    def is_open(self, name: str) -> bool:
        """Return whether an image is shown, or is just being opened."""
        return name == self.current or name in self._asked

    def take_over(self, name: str, content: PageContent) -> None:
        """Save what an image has now that is not open but was read by someone."""
        if self.project is not None:
            self.project.note_page(name, content)
            self.project.leave_page(name)
            self.page_known.emit(name)

    def add_classes(self, classes: ClassTable) -> None:
        """Make classes known that labels of other images have."""
        project = self.project
        if project is None:
            return
        known = project.record.classes
        ids = {entry.id for entry in known}
        added = [entry for entry in classes if entry.id not in ids]
        if added:
            table = ClassTable((*known, *added))
            project.note(replace(project.record, classes=table))
            self.layers.set_classes(table)
            if self.layers.labels is not None:
                self._class_steps.changed.emit(self.layers.labels)

    def toggle_done(self) -> None:
        """Mark the image as done, or as not done any more."""
        project, name = self.project, self.current
        if project is None or not name:
            return
        page = project.record.page(name)
        before: State = "work" if page.objects else "new"
        state = before if page.state == "done" else "done"
        project.note(project.record.with_page(name, replace(page, state=state)))
        self.page_known.emit(name)

    def remember(self, settings: Mapping[str, Any], window: str) -> None:
        """Save settings and window with the project."""
        if self.project is not None:
            record = self.project.record
            kept = {**record.settings, **settings}
            self.project.note(replace(record, settings=kept, window=window))

    # ---- edits

    def _on_edited(self) -> None:
        self._save_page(edited=True)

    def _on_redrawn(self) -> None:
        self._save_page()

    def _save_page(self, *, edited: bool = False) -> None:
        project, name = self.project, self.current
        if project is None or self.layers.image is None:
            return
        content = PageContent(self.layers.content(), self.drafts.record)
        if project.note_page(name, content, edited=edited):
            self.page_known.emit(name)
        classes = self.layers.classes
        if classes is not None:
            project.note(replace(project.record, classes=classes))

    def _on_taken_away(
        self, layer: "Labels", class_id: int, heir: int, back: bool
    ) -> None:
        """Take a class away from the images that are not open, too."""
        project = self.project
        if project is None or layer is not self.layers.labels:
            return
        record, classes = project.record, self.layers.classes
        if classes is not None:
            record = replace(record, classes=classes)
        if back:
            record = record.with_class_again(class_id)
        else:
            record = record.without_class(class_id, heir, {self.current})
        project.note(record)

    def _on_classes(self, layer: "Labels") -> None:
        """Keep classes that undo takes away though other images have objects of them.

        Else their ids were free for other classes.
        """
        project, now = self.project, self.layers.classes
        if project is None or now is None or layer is not self.layers.labels:
            return
        record, ids = project.record, {entry.id for entry in now}
        used = [
            entry
            for entry in record.classes
            if entry.id not in ids
            and record.objects_elsewhere(entry.id, self.current)[0]
        ]
        if used:
            self.layers.set_classes(ClassTable((*now, *used)))
            self._class_steps.changed.emit(layer)

    def _elsewhere(self, layer: "Labels", class_id: int) -> str:
        if self.project is None or layer is not self.layers.labels:
            return ""
        scheme = read_scheme(layer)
        kind = self.kind if scheme is None else scheme.kind
        return elsewhere_text(self.project.record, class_id, self.current, kind)

    def _on_layer_removed(self, name: str) -> None:
        if not self._closing:
            show_info(
                f"{name!r} was taken out of the viewer. Its labels stay in the "
                "project and come back with the image."
            )

    # ---- saving

    def _on_told(self, state: SaveState) -> None:
        if self.project is not None and self.project.saver is not None:
            # What is told arrives late; the person is to see how it is now.
            self._say(self.project.saver.state)

    def _say(self, state: SaveState) -> None:
        if self.project is not None and self.project.read_only:
            self.status_changed.emit(READ_ONLY, False)
            return
        text = status_text(state)
        if state.problem and state.problem != self._last_problem:
            show_warning(text)
        self._last_problem = state.problem
        self.status_changed.emit(text, bool(state.problem))


def _up_to_date(project: Project, page: LoadedPage) -> LoadedPage:
    """Return a page as it is if a class went, or came back, since it was read."""
    removed = project.record.removed
    if page.removed is removed:
        return page
    content = project.up_to_date(page.name, page.content)
    return replace(page, content=content, removed=removed)


def _ignore(_argument: object, _result: object) -> None:
    """Read ahead: whoever turns to the page is told."""
