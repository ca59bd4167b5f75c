"""What the dock "Project folder" does: opens projects, turns pages, saves edits."""

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Qt, Signal

from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.images.cache import ImageCache
from napari_edgeflow.project.storage.project_file import ProjectRecord
from napari_edgeflow.project.storage.saver import SaveState
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.project.page.drafts import DraftKeeper
from napari_edgeflow.widgets.project.page.loader import (
    LoadedPage,
    PageLoader,
    image_suffixes,
    read_with_plugins,
)
from napari_edgeflow.widgets.project.page.open_page import OpenPage
from napari_edgeflow.widgets.project.page.stage import Stage
from napari_edgeflow.widgets.project.page.steps import PageSteps
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import LatestCall, Post, show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.project.storage.project_file import PageState


READ_ONLY = "Open to look only: nothing is saved."


class Turn(Enum):
    """Where the turning of a page stands."""

    NONE = auto()
    """The page that was asked for last is shown."""
    READING = auto()
    """The next page is read in the background."""
    COMING = auto()
    """Its layers come one by one, hidden: a person works on the page before."""
    SHOWN = auto()
    """It is shown; napari draws it, and the memory of the one before is freed."""


class ProjectController(QObject):
    """Turns the pages of one project in a viewer, and saves all that happens to them.

    What is undone is always on the page that is shown. A page that is left keeps its
    steps until it is opened again, napari's own undo of its layers excepted.
    """

    opened = Signal(object)
    """A project was opened; its images are known."""
    open_failed = Signal(object, object)
    """A :class:`ProjectPlace` could not be opened, and why."""
    left = Signal()
    """No project is open any more."""
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
    taken_over = Signal(str)
    """Another program has the project now, and something is not saved; in words."""
    edited = Signal()
    """Labels or objects of the page that is shown were edited."""
    _told = Signal(object)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self.project: Project | None = None
        self.kind: Kind = "object"
        self._stage = Stage(viewer)
        self.page = OpenPage(self._stage)
        """The page that is shown; one without a name before there is any."""
        self.turn = Turn.NONE
        self._coming = OpenPage(self._stage)
        self._asked, self._ahead_of = "", ""
        self._last_problem = ""
        self._closing = False
        self._cache = ImageCache(read_with_plugins)
        self.drafts = DraftKeeper(viewer)
        workspace = Workspace.of(viewer)
        self._steps = PageSteps(workspace.history)
        self._history, self._class_steps = workspace.history, workspace.class_steps
        self._class_steps.taken_away.connect(self._on_taken_away)
        self._class_steps.changed.connect(self._on_classes)
        self._class_steps.ask(self._on_other_pages)
        self.page_leaves.connect(self._class_steps.finish_asked)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._post = Post(self._told.emit)
        self._opening = LatestCall(
            self._open, self._on_opened, lambda *failed: self.open_failed.emit(*failed)
        )
        self._loader: LatestCall[str, LoadedPage] | None = None
        self._turns: Turns[None] = Turns(self._turn_on, self._on_not_turned)
        self._ahead = LatestCall(self._cache.read_ahead, _ignore, _ignore)
        self._closer = ThreadPoolExecutor(1, "napari-edgeflow-close")
        self.edited.connect(self._save_edited)
        self.drafts.changed.connect(self._save_edited)
        self.drafts.resumed.connect(self.draft_gone)

    # ---- projects

    @property
    def busy(self) -> bool:
        """Whether a project or a page is being opened."""
        return self._opening.busy or self.turn is not Turn.NONE

    @property
    def current(self) -> str:
        """The image that is open, or is the current one though it cannot be read."""
        return self.page.name

    @property
    def latest(self) -> str:
        """The image that was asked for last, or else is open."""
        return self._asked or self.current

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
        loader = PageLoader(project, self._cache, self._steps.compare)
        self._loader = LatestCall(loader, self._on_read, self._on_not_read)
        self._say(SaveState())
        self.opened.emit(project)
        first = project.record.last
        if first not in project.names:
            first = project.names[0] if project.names else ""
        if first:
            self.turn_to(first)

    def leave_project(self) -> None:
        """Save and close the project, in the background, and take its page away."""
        self._stop_turning()
        self._leave_page()
        self._clear_stage()
        self._steps.forget()
        self.page = OpenPage(self._stage)
        project, self.project = self.project, None
        if project is not None:
            self._closer.submit(_close_in_background, project)
            self.left.emit()

    def close(self, viewer_remains: bool) -> None:
        """Save what is left and stop."""
        self._closing = True
        self._opening.close()
        self._ahead.close()
        self._stop_turning()
        self._history.stop()
        self.page.flush()
        self._save_page()
        project, self.project = self.project, None
        saved = project is None or project.close()
        self._post.close()
        self._closer.shutdown()
        self._steps.close()
        self.drafts.close()
        if viewer_remains:
            self._coming.take_out()
            self._stage.catch_up()
        if viewer_remains and saved:
            self._clear_stage()
        self.page.unfollow()
        self._stage.look_at_all()
        if project is not None and viewer_remains:
            self._say_goodbye(project, saved)

    def _say_goodbye(self, project: Project, saved: bool) -> None:
        if saved:
            show_info(f"{project.images} is saved and closed.")
        elif project.copy is not None:
            show_warning(_copy_text(project.copy))
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
        if self._loader is None or name == self.latest:
            return
        self._asked, self._ahead_of = name, ahead
        self.page_asked.emit(name)
        if self.turn is Turn.NONE:
            self._turn_on()

    def _turn_on(self, _: None = None) -> None:
        """Turn to the page that was asked for last, if that is not shown."""
        name, self.turn = self._asked, Turn.NONE
        if not name or self._loader is None:
            return
        if name == self.current and self.page.image is not None:
            # The person came back before the other page was there.
            self._asked = ""
            self.page_shown.emit(name)
            return
        self.turn, self._coming = Turn.READING, OpenPage(self._stage, name)
        self._loader(name)

    def _on_read(self, name: str, page: LoadedPage) -> None:
        if self._is_overtaken(name):
            return
        self.turn = Turn.COMING
        self._turns.start(self._turning(page))

    def _on_not_read(self, name: str, error: Exception) -> None:
        if not self._is_overtaken(name):
            self._show_broken(error)
            self._turn_on()

    def _is_overtaken(self, name: str) -> bool:
        """Turn to another page if one was asked for while this was read."""
        if name == self._asked or self.project is None:
            return False
        self.project.leave_page(name)
        self._turn_on()
        return True

    def _turning(self, page: LoadedPage) -> Generator[None, None, None]:
        """Turn the page; in between the window has its turn, and the person too."""
        project = self.project
        if project is None:
            return
        if self.page.image is None:
            self._stage.look_now_and_then()
        page = page.up_to_date(project)
        yield from self._coming.bring_in(page, self._scheme(project))
        # A class that is half merged on the page that goes is merged on this one, too.
        self._class_steps.finish_asked.emit()
        while (now := page.up_to_date(project)) is not page:
            page = now
            self._coming.take_out()
            yield from self._coming.bring_in(page, self._scheme(project))
        self._show(project, page)
        yield
        self._stage.catch_up()
        yield
        self._stage.look_now_and_then()

    def _scheme(self, project: Project) -> LabelScheme:
        return LabelScheme(self.kind, project.record.classes)

    def _show(self, project: Project, page: LoadedPage) -> None:
        """Leave the page that is shown for one that was brought in."""
        self._leave_page()
        # napari sorts out what it draws, and frees memory, in the turns after this.
        self._stage.put_off()
        with self._stage.turning():
            self.page.take_out()
        self._become_current()
        self.turn = Turn.SHOWN
        self.page.show(project.record.classes)
        self.page.edited.connect(self.edited)
        self.page.redrawn.connect(self._save_page)
        self.page.removed.connect(self._on_layer_removed)
        self._steps.enter(self.page, project.record)
        self.drafts.follow(self.page)
        # Now that also the layers of the clicks are on this image.
        self._viewer.reset_view()
        if len(page.content.layers) == len(page.kept):
            project.recount(page.name, page.content)
        project.note(replace(project.record, last=page.name))
        self.page_failed.emit(page.name, "")
        for problem in page.problems:
            show_warning(f"{problem}.")
        self._tell_of_page(project)
        if self.page.draft is not None:
            prompts = self.page.draft.get("prompts")
            self.draft_found.emit(len(prompts) if isinstance(prompts, list) else 0)

    def _on_not_turned(self, error: Exception) -> None:
        show_problem(error)
        if self.turn is Turn.COMING:
            self._show_broken(error)
        self._turn_on()

    def _show_broken(self, error: Exception) -> None:
        """Make a page the current one that cannot be shown."""
        self._leave_page()
        self._clear_stage()
        self._become_current()
        self.page_failed.emit(self.current, str(error) or repr(error))
        if self.project is not None:
            self._tell_of_page(self.project)

    def _become_current(self) -> None:
        self.page, self._coming = self._coming, OpenPage(self._stage)
        if self._asked == self.current:
            self._asked = ""

    def _tell_of_page(self, project: Project) -> None:
        self.page_shown.emit(self.current)
        if self._ahead_of:
            self._ahead(project.image(self._ahead_of))

    def _leave_page(self) -> None:
        """Save the page that is shown, and follow it no longer."""
        self.page_leaves.emit()
        self._history.stop()
        self.page.flush()
        self._save_page()
        self.draft_gone.emit()
        self.drafts.leave()
        if self.project is not None and self.current:
            self._steps.leave(self.page, self.project.record.removals)
            self.project.leave_page(self.current)

    def _clear_stage(self) -> None:
        """Take the page that is shown, and one that comes, out of the viewer."""
        self._stage.put_off()
        self.page.take_out()
        self._coming.take_out()
        self._stage.catch_up()
        self._stage.look_at_all()

    def _stop_turning(self) -> None:
        self._turns.stop()
        self.turn, self._asked = Turn.NONE, ""
        if self._loader is not None:
            self._loader.close()
            self._loader = None

    def is_open(self, name: str) -> bool:
        """Return whether an image is shown, or is just being opened."""
        return name in (self.current, self._coming.name, self._asked)

    def save_closed(self, name: str, content: PageContent) -> None:
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
            self.page.set_classes(table)
            if self.page.labels is not None:
                self._class_steps.changed.emit(self.page.labels)

    def toggle_done(self) -> None:
        """Mark the image as done, or as not done any more."""
        project, name = self.project, self.current
        if project is None or not name:
            return
        page = project.record.page(name)
        before: PageState = "work" if page.objects else "new"
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

    def _save_edited(self) -> None:
        self._save_page(edited=True)

    def _save_page(self, *, edited: bool = False) -> None:
        project, name = self.project, self.current
        if project is None or self.page.image is None:
            return
        if project.note_page(name, self.page.content(), edited=edited):
            self.page_known.emit(name)
        classes = self.page.classes
        if classes is not None:
            project.note(replace(project.record, classes=classes))

    def _on_taken_away(
        self, layer: "Labels", class_id: int, heir: int, back: bool
    ) -> None:
        """Take a class away from the images that are not open, too."""
        project = self.project
        if project is None or layer is not self.page.labels:
            return
        record, classes = project.record, self.page.classes
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
        project, now = self.project, self.page.classes
        if project is None or now is None or layer is not self.page.labels:
            return
        record, ids = project.record, {entry.id for entry in now}
        used = [
            entry
            for entry in record.classes
            if entry.id not in ids
            and record.objects_on_other_pages(entry.id, self.current)[0]
        ]
        if used:
            self.page.set_classes(ClassTable((*now, *used)))
            self._class_steps.changed.emit(layer)

    def _on_other_pages(self, layer: "Labels", class_id: int) -> str:
        if self.project is None or layer is not self.page.labels:
            return ""
        scheme = read_scheme(layer)
        kind = self.kind if scheme is None else scheme.kind
        return _other_pages_text(self.project.record, class_id, self.current, kind)

    def _on_layer_removed(self, name: str) -> None:
        if not self._closing:
            show_info(
                f"{name!r} was taken out of the viewer. Its labels stay in the "
                "project and come back with the image."
            )

    # ---- saving

    def save_copy(self) -> None:
        """Keep what is not saved in a project of its own, and say where.

        A step that is just being done is taken back: the copy holds whole steps.
        """
        self._history.stop()
        self.page.flush()
        self._save_page()
        try:
            copy = None if self.project is None else self.project.save_copy()
        except OSError as error:
            show_problem(error)
        else:
            show_info("All is saved." if copy is None else _copy_text(copy))

    def _on_told(self, state: SaveState) -> None:
        if self.project is not None and self.project.saver is not None:
            # What is told arrives late; the person is to see how it is now.
            self._say(self.project.saver.state)

    def _say(self, state: SaveState) -> None:
        if self.project is not None and self.project.read_only:
            self.status_changed.emit(READ_ONLY, False)
            return
        text = _status_text(state)
        if state.problem and state.problem != self._last_problem:
            show_warning(text)
            if not state.saved and self.project is not None and self.project.is_taken:
                self.taken_over.emit(state.problem)
        self._last_problem = state.problem
        self.status_changed.emit(text, bool(state.problem))


def _status_text(state: SaveState) -> str:
    """Return what the dock says of a state."""
    if not state.problem:
        return "saved" if state.saved else "saving …"
    if state.saved:
        return (
            f"Your work is saved, but label images are not: {state.problem}. They are "
            "tried again."
        )
    return (
        f"NOT SAVED: {state.problem}. Your work stays in memory and is saved as soon "
        "as that is possible."
    )


def _copy_text(copy: Path) -> str:
    return (
        "Another program has taken the project over. What was not saved here is in "
        f"{copy}: open that folder as a project to look at it or to export it."
    )


def _other_pages_text(
    record: ProjectRecord, class_id: int, shown: str, kind: Kind
) -> str:
    """Return what labels of a class other images than the shown one have, in words."""
    objects, images = record.objects_on_other_pages(class_id, shown)
    unknown = record.uncounted_on_other_pages(shown, semantic=kind == "semantic")
    if objects:
        return f"{counted(objects, 'object')} in {counted(images, 'other image')}"
    if unknown:
        return f"labels, perhaps, in {counted(unknown, 'other image')}"
    return ""


def _close_in_background(project: Project) -> None:
    project.close()
    if project.copy is not None:
        show_warning(_copy_text(project.copy))


def _ignore(_argument: object, _result: object) -> None:
    """Read ahead: whoever turns to the page is told."""
