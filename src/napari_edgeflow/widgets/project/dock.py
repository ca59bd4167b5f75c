"""The dock "Project folder"."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import npe2
from qtpy.QtCore import QByteArray, QTimer
from qtpy.QtWidgets import QMainWindow

from napari_edgeflow.project.folder import Project, ProjectPlace
from napari_edgeflow.project.storage.lock import ProjectLockedError
from napari_edgeflow.project.storage.project_file import CorruptProjectError
from napari_edgeflow.widgets.project.controller import ProjectController
from napari_edgeflow.widgets.project.controls import ProjectControls
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.qt.dock import main_window
from napari_edgeflow.widgets.qt.workers import show_problem
from napari_edgeflow.widgets.workspace.docks import open_dock
from napari_edgeflow.widgets.workspace.workspace import ViewerDock, Workspace

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer
    from napari.viewer import Viewer
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

_MEMORY_MS = 2000
"""How often settings and window are looked at."""


class ProjectWidget(ViewerDock):
    """Label a folder of images, page by page, with everything saved at once.

    Parameters
    ----------
    recent : RecentProjects, optional
        The projects that were open last. Default: the person's.
    """

    title = "Project folder"

    def __init__(
        self, viewer: "napari.viewer.Viewer", recent: RecentProjects | None = None
    ) -> None:
        super().__init__(viewer)
        self._recent = RecentProjects() if recent is None else recent
        shortcuts = self._workspace.shortcuts
        self.controls = ProjectControls(self._recent, shortcuts)
        self.controller = ProjectController(self._viewer)
        self._memory = QTimer(self)
        self._memory.setInterval(_MEMORY_MS)
        self._connect()
        for action, slot in (
            ("next_image", self._on_next),
            ("previous_image", self._on_previous),
            ("mark_done", self.controller.toggle_done),
        ):
            self._links.keep(shortcuts.bind(self._viewer, action, slot))
        self.setAcceptDrops(True)
        controller, thumbnails = self.controller, self.controls.thumbnails
        memory = self._memory

        def stop(viewer_remains: bool) -> None:
            if viewer_remains:
                memory.stop()
            thumbnails.close()
            controller.close(viewer_remains)

        self._set_up(self.controls, stop)

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.open_asked.connect(controller.open)
        controls.page_asked.connect(self._on_chosen)
        controls.previous.clicked.connect(self._on_previous)
        controls.next.clicked.connect(self._on_next)
        controls.done.clicked.connect(controller.toggle_done)
        controls.changed.connect(self._on_changed)
        controller.opened.connect(self._on_opened)
        controller.open_failed.connect(self._on_open_failed)
        controller.page_asked.connect(controls.list.mark)
        controller.page_shown.connect(self._on_page)
        controller.page_failed.connect(controls.pages.set_problem)
        controller.page_known.connect(self._on_known)
        for signal in (controller.opened, controller.left, controller.page_known):
            signal.connect(self._workspace.project_changed)
        controller.draft_found.connect(self._on_draft)
        controller.draft_gone.connect(controls.notice.dismiss)
        controller.taken_over.connect(self._on_taken_over)
        controller.status_changed.connect(controls.show_status)
        self._memory.timeout.connect(self._look_around)

    # ---- what other docks ask for

    @property
    def project(self) -> Project | None:
        """The folder that is open."""
        return self.controller.project

    def save(self) -> None:
        """Note the last edits of the image that is shown."""
        self.controller.page.flush()

    # ---- projects

    def _on_opened(self, project: Project) -> None:
        self.controls.notice.dismiss()
        self.controls.show_project(project)
        try:
            self._recent.add(project.images, project.home)
        except OSError as error:
            show_problem(error)
        window = main_window(self)
        _restore_settings(self._viewer, project.record.settings)
        if window is not None:
            _restore_window(window, project.record.window)
        self._memory.start()

    def _on_open_failed(self, place: ProjectPlace, error: Exception) -> None:
        notice, controller = self.controls.notice, self.controller
        if isinstance(error, ProjectLockedError):
            look = replace(place, read_only=True)
            force = replace(place, force=True)
            notice.ask(
                str(error),
                ("Look only", lambda: controller.open(look)),
                ("Take over", lambda: controller.open(force)),
                ("Cancel", notice.dismiss),
            )
        elif isinstance(error, CorruptProjectError) and error.has_copy:
            copy = replace(place, restore=True)
            notice.ask(
                str(error),
                ("Open the last good copy", lambda: controller.open(copy)),
                ("Cancel", notice.dismiss),
            )
        else:
            show_problem(error)

    def _on_taken_over(self, why: str) -> None:
        notice = self.controls.notice
        notice.ask(
            f"What you do here is not saved any more. {why}",
            ("Keep a copy of it", self.controller.save_copy),
            ("Later", notice.dismiss),
        )

    # ---- pages

    def _on_chosen(self, name: str) -> None:
        self.controller.turn_to(name, self._neighbour(name, 1))

    def _on_next(self) -> None:
        self._step(1)

    def _on_previous(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        """Go to the next or the previous image of the list."""
        name = self._neighbour(self.controller.latest, step)
        if name:
            self.controller.turn_to(name, self._neighbour(name, step))

    def _neighbour(self, name: str, step: int) -> str:
        skip = self.controls.skip_broken.isChecked()
        return self.controls.pages.neighbour(name, step, skip_broken=skip)

    def _on_page(self, name: str) -> None:
        project = self.controller.project
        if project is not None:
            self.controls.show_page(name, project.record.page(name).state)

    def _on_known(self, name: str) -> None:
        project = self.controller.project
        if project is not None:
            self.controls.pages.set_pages(project.record.pages, name)
            self.controls.show_counts(project)
            if name == self.controller.current:
                self.controls.show_done(project.record.page(name).state)

    def _on_draft(self, prompts: int) -> None:
        clicks = f" with {prompts} click{'s' if prompts != 1 else ''}"
        self.controls.notice.ask(
            f"An object was in progress here{clicks if prompts else ''}.",
            ("Go on with it", self._resume),
            ("Discard", self.controller.drafts.discard),
        )

    def _resume(self) -> None:
        try:
            self.controller.drafts.resume()
        except ValueError as error:
            show_problem(error)

    # ---- what is remembered

    def _on_changed(self) -> None:
        self.controller.kind = self.controls.kind.kind

    def _look_around(self) -> None:
        window = main_window(self)
        if window is not None:
            settings = _read_settings(self._viewer)
            self.controller.remember(settings, _read_window(window))

    def remembered(self) -> Mapping[str, Any]:
        """Return the settings that a project is to remember."""
        controls = self.controls
        return {
            "kind": controls.kind.kind,
            "skip_broken": controls.skip_broken.isChecked(),
            "state": controls.chosen_state,
        }

    def remember(self, values: Mapping[str, Any]) -> None:
        """Take over the settings that a project remembered."""
        controls, kind = self.controls, values.get("kind")
        controls.kind.choose("semantic" if kind == "semantic" else "object")
        controls.skip_broken.setChecked(bool(values.get("skip_broken")))
        controls.choose_state(values.get("state"))

    # ---- a folder dragged onto the dock

    def dragEnterEvent(self, event: "QDragEnterEvent | None") -> None:
        """Accept a folder."""
        if event is not None and _folder_of(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: "QDropEvent | None") -> None:
        """Open the folder."""
        folder = None if event is None else _folder_of(event)
        if event is not None and folder is not None:
            event.acceptProposedAction()
            self.controls.open_folder(folder)


def _folder_of(event: "QDropEvent") -> Path | None:
    data = event.mimeData()
    for url in [] if data is None else data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.is_dir():
            return path
    return None


def _read_settings(viewer: "Viewer") -> dict[str, Any]:
    """Return the settings of all docks of ours that are open."""
    docks = Workspace.of(viewer).docks
    return {title: dict(dock.remembered()) for title, dock in docks}


def _restore_settings(viewer: "Viewer", settings: Mapping[str, Any]) -> None:
    """Open the docks that were open, and give them their settings."""
    docks = Workspace.of(viewer).docks
    open_now = {title for title, _ in docks}
    known = {
        entry.display_name for entry in npe2.PluginManager.instance().iter_widgets()
    }
    for title in settings:
        if title not in open_now and title in known:
            open_dock(viewer, title)
    for title, dock in docks:
        values = settings.get(title)
        if isinstance(values, Mapping):
            dock.remember(values)


def _read_window(window: QMainWindow) -> str:
    """Return a window's size and the places of its docks as text."""
    parts = window.saveGeometry(), window.saveState()
    return " ".join(part.toBase64().data().decode("ascii") for part in parts)


def _restore_window(window: QMainWindow, text: str) -> None:
    """Give a window the size and the places of docks it had; damaged text does not."""
    parts = text.split(" ")
    if len(parts) == 2:
        geometry, state = (QByteArray.fromBase64(p.encode("ascii")) for p in parts)
        window.restoreGeometry(geometry)
        window.restoreState(state)


# ---- for docks that work with the project


def open_project_of(viewer: "Viewer") -> Project:
    """Return the project that is open in a viewer.

    Raises
    ------
    ValueError
        If there is none.
    """
    return project_and_pages(viewer)[0]


def project_and_pages(viewer: "Viewer") -> tuple[Project, ProjectController]:
    """Return the project that is open in a viewer, and who turns its pages.

    Raises
    ------
    ValueError
        If there is none.
    """
    controller = next(_controllers(viewer), None)
    if controller is None or controller.project is None:
        raise ValueError("No project is open: open one in the dock “Project folder”.")
    return controller.project, controller


def project_file(viewer: "Viewer", image: "Layer | None") -> Path | None:
    """Return the file of an image that a project shows; None for other images."""
    for controller in _controllers(viewer):
        project = controller.project
        is_shown = image is not None and image is controller.page.image
        if project is not None and is_shown:
            return project.image(controller.current)
    return None


def _controllers(viewer: "Viewer") -> Iterator[ProjectController]:
    """Yield the controllers of project docks, those with a project first."""
    docks = Workspace.of(viewer).docks.all_of(ProjectWidget)
    found = [dock.controller for dock in docks]
    yield from sorted(found, key=lambda controller: controller.project is None)
