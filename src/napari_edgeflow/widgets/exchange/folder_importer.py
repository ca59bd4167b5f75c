"""Importing labels for all images of an open project."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal

from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.exchange.import_undo import ImportedPage
from napari_edgeflow.project.exchange.imports import (
    FolderImport,
    PageImport,
    read_again,
    read_folder_import,
)
from napari_edgeflow.widgets.exchange.folder_run import FolderRequest, FolderRun
from napari_edgeflow.widgets.exchange.import_work import Imported, write_import
from napari_edgeflow.widgets.exchange.texts import (
    folder_imported_text,
    folder_progress_text,
)
from napari_edgeflow.widgets.qt.workers import show_problem
from napari_edgeflow.widgets.workspace.label_writer import LabelTarget, Written

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.project.storage.project_file import PageState
    from napari_edgeflow.widgets.project.controller import ProjectController


_NOTHING = "Nothing was imported."


@dataclass(slots=True, eq=False)
class _Run(FolderRequest):
    request: FolderImport
    waiting: dict[str, PageImport] = field(default_factory=dict)
    """Images that are open, or are just being opened."""
    again: list[PageImport] = field(default_factory=list)
    """Images that are to be read once more for that."""
    images: int = 0
    objects: int = 0
    left_alone: int = 0
    left_out: list[str] = field(default_factory=list)
    kept: list[ImportedPage] = field(default_factory=list)
    """What takes it back."""
    shown: "tuple[PageState, PageContent] | None" = None
    """What the image that is shown had before it was written to."""
    cancelled: bool = False


class FolderImporter(FolderRun[_Run, PageImport, list[str]]):
    """Reads labels in the background, and gives each image of a project its own.

    Images that are not open get theirs on disk. The one that is shown gets them
    through the history of its objects, as one step.
    """

    imported = Signal(object, object)
    """A list of :class:`ImportedPage`, and the project's controller."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__("Importing", _read, viewer)

    def run(self, pages: "ProjectController", request: FolderImport) -> None:
        """Start to read labels for the project that is open there."""
        project = pages.project
        if self.busy or project is None:
            return
        pages.page_shown.connect(self._write_waiting)
        self._begin(_Run(project, pages, request))

    # ---- what was read

    def _reported(self, run: _Run, page: PageImport) -> None:
        if not self._is_open(run):
            return
        if run.pages.is_open(page.name):
            run.waiting[page.name] = page
            self._write_waiting()
        else:
            self._save_closed(run, page)
        self._say_progress(run)

    def _save_closed(self, run: _Run, page: PageImport) -> None:
        """Save what an image has now that is not open."""
        if page.name in run.touched:
            run.again.append(page)
        elif page.content is None:
            run.left_alone += 1
            run.project.leave_page(page.name)
        else:
            run.pages.add_classes(page.classes)
            run.pages.save_closed(page.name, page.content)
            if page.kept is not None:
                run.kept.append(page.kept)
            run.images += 1
            run.objects += page.objects

    def _say_progress(self, run: _Run) -> None:
        text = folder_progress_text(run.images, run.objects)
        self._show(run.images + run.left_alone, 0, text)

    def _made(self, run: _Run, problems: list[str]) -> None:
        run.left_out += problems
        self._note_made()
        self._end_if_done()

    def _stopped(self, run: _Run) -> None:
        run.cancelled = True
        self._made(run, [])

    # ---- the image that is shown

    def _write_waiting(self, _name: str = "") -> None:
        """Write the labels of the image that is shown, if they wait for that."""
        run = self._request
        if run is None or self._turns.busy:
            return
        pages = run.pages
        page = run.waiting.pop(pages.current, None)
        image, labels = pages.page.image, pages.page.labels
        if page is None:
            self._end_if_done()
            return
        has_labels = any(np.any(layer.data) for layer in pages.page.all_labels.values())
        if image is None or (has_labels and not run.request.add):
            run.left_alone += 1
            self._end_if_done()
            return
        request = run.request
        # Undo of this image must not take them from the others.
        pages.add_classes(page.classes)
        target = LabelTarget(image, labels, request.kind, request.keep_existing)
        state = run.project.record.page(pages.current).state
        run.shown = state, _shown(pages, run.project)
        imported = Imported.of(page.annotation)
        # A page that is left is written to its end, which nothing may keep waiting.
        steps = write_import(self._viewer, imported, target, waits=False)
        self._turns.start(steps)

    def _written(self, summary: Written) -> None:
        run = self._request
        if run is not None:
            self._keep_shown(run)
            run.images += 1
            run.objects += summary.objects
            self._say_progress(run)
            self._write_waiting()

    def _keep_shown(self, run: _Run) -> None:
        """Keep what takes it back on the image that is shown."""
        name = run.pages.current
        if run.shown is not None:
            after = _shown(run.pages, run.project)
            run.kept.append(ImportedPage(name, *run.shown, after))

    def _end_if_done(self) -> None:
        run = self._request
        if run is None or self._can_cancel or self._turns.busy:
            return
        # Those that were left before anything could be written.
        for name in [n for n in run.waiting if not run.pages.is_open(n)]:
            self._save_closed(run, run.waiting.pop(name))
        if run.again and not run.cancelled:
            self._can_cancel = True
            run.touched.clear()
            self._calls(run)
        elif not run.waiting:
            said = folder_imported_text(
                run.images, run.objects, run.left_alone, run.left_out
            )
            self._end(f"Cancelled. {said}" if run.cancelled else said)

    def _failed(self, error: Exception) -> None:
        run = self._request
        self._end("Stopped." if run is not None and run.images else _NOTHING)
        show_problem(error)

    def _forget(self) -> None:
        run = self._request
        super()._forget()
        if run is not None:
            run.pages.page_shown.disconnect(self._write_waiting)
            if run.kept:
                self.imported.emit(run.kept, run.pages)


def _shown(pages: "ProjectController", project: "Project") -> PageContent:
    """Return a copy of what is on the image that is shown."""
    content = project.noted(pages.page.content())
    layers = {
        key: replace(layer, labels=layer.labels.copy())
        for key, layer in content.layers.items()
    }
    return PageContent(layers)


def _read(run: _Run) -> "Generator[PageImport, None, list[str]]":
    if not run.again:
        return (yield from read_folder_import(run.project, run.request))
    pages, run.again = run.again, []
    return (yield from read_again(run.project, run.request, pages))
