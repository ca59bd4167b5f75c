"""Taking back an import into a whole folder."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal

from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.exchange.import_undo import (
    ImportedPage,
    RestoredPage,
    read_restored,
)
from napari_edgeflow.widgets.exchange.folder_run import FolderRequest, FolderRun
from napari_edgeflow.widgets.exchange.texts import folder_restored_text
from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.object_records import read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.qt.workers import show_problem
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.label_writer import strips_of
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.widgets.project.controller import ProjectController


@dataclass(slots=True, eq=False)
class _Run(FolderRequest):
    kept: list[ImportedPage]
    settled: set[str] = field(default_factory=set)
    """Images that need not be asked for once more."""
    edited: list[str] = field(default_factory=list)
    images: int = 0


class FolderImportUndo(FolderRun[_Run, RestoredPage, None]):
    """Gives each image of a project back what it had before the last import.

    Images that were edited since are left alone. The one that is shown gets its
    labels back as a step of the history of its objects.
    """

    offered = Signal(bool)
    """Whether there is an import to take back."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__("Undoing the import", _read, viewer)
        self._kept: list[ImportedPage] = []
        self._pages: ProjectController | None = None
        self._project: Project | None = None

    def offer(self, kept: list[ImportedPage], pages: "ProjectController") -> None:
        """Remember what takes an import back, in place of the one before."""
        self._kept, self._pages, self._project = kept, pages, pages.project
        self.offered.emit(bool(kept))

    def run(self) -> None:
        """Start to take the last import back."""
        pages, project = self._pages, self._project
        if self.busy or pages is None or project is None or not self._kept:
            return
        if pages.project is not project:
            self.offer([], pages)
            self.state_changed.emit(
                "The folder was closed since: its import stays as it is."
            )
            return
        self._begin(_Run(project, pages, self._kept))
        pages.edited.connect(self._on_edited)

    def _reported(self, run: _Run, restored: RestoredPage) -> None:
        if not self._is_open(run):
            return
        page, content = restored
        shown = page.name == run.pages.current
        if page.name in run.touched or (run.pages.is_open(page.name) and not shown):
            pass
        elif content is None:
            run.edited.append(page.name)
            run.settled.add(page.name)
        elif shown:
            labels = run.pages.page.all_labels
            self._turns.finish()
            self._turns.start(self._writing(page, content, labels))
        else:
            run.pages.save_closed(page.name, content)
            self._note_restored(run, page)
        if not run.pages.is_open(page.name):
            run.project.leave_page(page.name)

    def _note_restored(self, run: _Run, page: ImportedPage) -> None:
        record = run.project.record
        summary = replace(record.page(page.name), state=page.state)
        run.project.note(record.with_page(page.name, summary))
        run.pages.page_known.emit(page.name)
        run.images += 1
        run.settled.add(page.name)
        self._show(run.images, 0, f"{counted(run.images, 'image')} so far")

    def _writing(
        self, page: ImportedPage, content: PageContent, layers: "Mapping[str, Labels]"
    ) -> Generator[None, None, ImportedPage]:
        history = Workspace.of(self._viewer).history
        for key, layer in layers.items():
            before = content.layers.get(key)
            if before is None:
                continue
            labels = before.labels
            check_target(layer, labels.shape, int(labels.max(initial=0)))
            gone = [i for i in read_records(layer) if i not in before.rows]
            what = "undo of the import"
            yield from history.applying(layer, what, _changes(layer, labels), (), gone)
            layer.refresh(data_displayed=False, highlight=False, extent=False)
        return page

    def _written(self, page: ImportedPage) -> None:
        run = self._request
        if run is not None:
            run.pages.page.flush()
            self._note_restored(run, page)
            self._end_if_done()

    def _on_edited(self) -> None:
        if self._request is not None:
            self._request.touched.add(self._request.pages.current)

    def _made(self, run: _Run, result: None = None) -> None:
        self._note_made()
        self._end_if_done()

    def _stopped(self, run: _Run) -> None:
        self._made(run)

    def _end_if_done(self) -> None:
        run = self._request
        if run is not None and not self._can_cancel and not self._turns.busy:
            left = self._offer_the_rest(run)
            self._end(folder_restored_text(run.images, run.edited, left))

    def _failed(self, error: Exception) -> None:
        if self._request is not None:
            self._offer_the_rest(self._request)
        self._end("Stopped.")
        show_problem(error)

    def _offer_the_rest(self, run: _Run) -> int:
        """Offer to go on with images that are left, and return how many these are."""
        left = [page for page in run.kept if page.name not in run.settled]
        self.offer(left, run.pages)
        return len(left)

    def _forget(self) -> None:
        run = self._request
        super()._forget()
        if run is not None:
            run.pages.edited.disconnect(self._on_edited)


def _read(run: _Run) -> Generator[RestoredPage, None, None]:
    return read_restored(run.project, run.kept)


def _changes(layer: "Labels", labels: NDArray[np.integer]) -> Iterator[PixelChange]:
    """Yield what gives a layer other labels."""
    for place in np.ndindex(labels.shape[:-2]):
        plane = Plane((*place, None, None))
        for window in strips_of(labels.shape[-2:]):
            values = labels[place][window.slices]
            mask = plane.read(layer.data, window) != values
            if mask.any():
                yield PixelChange(plane, window, mask, values)
