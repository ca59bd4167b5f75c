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
from napari_edgeflow.widgets.exchange.import_commit import strips_of
from napari_edgeflow.widgets.exchange.run import ImportRun
from napari_edgeflow.widgets.exchange.texts import folder_restored_text
from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.object_records import read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.words import counted
from napari_edgeflow.widgets.qt.workers import StreamCall, show_problem
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.widgets.project.controller import ProjectController


@dataclass(slots=True, eq=False)
class _Run:
    project: "Project"
    pages: "ProjectController"
    kept: list[ImportedPage]
    touched: set[str] = field(default_factory=set)
    """Images that were opened, left or edited since they may have been read."""
    settled: set[str] = field(default_factory=set)
    """Images that need not be asked for once more."""
    edited: list[str] = field(default_factory=list)
    images: int = 0


class FolderImportUndo(ImportRun):
    """Gives each image of a project back what it had before the last import.

    Images that were edited since are left alone. The one that is shown gets its
    labels back as a step of the history of its objects.

    Parameters
    ----------
    viewer : Viewer
        Where the project is.
    """

    offered = Signal(bool)
    """Whether there is an import to take back."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self._kept: list[ImportedPage] = []
        self._pages: ProjectController | None = None
        self._project: Project | None = None
        self._run: _Run | None = None
        self._calls: StreamCall[_Run, RestoredPage, None] = StreamCall(
            lambda run: read_restored(run.project, run.kept),
            report=self._on_page,
            deliver=lambda run, _: self._on_read(run),
            stopped=self._on_read,
            fail=lambda _, error: self._fail(error),
        )
        self._turns: Turns[ImportedPage] = Turns(self._on_written, self._fail)

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
        # What was read is compared with what is seen.
        pages.page.flush()
        self._run = run = _Run(project, pages, self._kept)
        pages.page_leaves.connect(self._on_leaving)
        pages.page_asked.connect(run.touched.add)
        pages.edited.connect(self._on_edited)
        self._begin("Undoing the import", run)

    def _on_page(self, run: _Run, restored: RestoredPage) -> None:
        if run is not self._run or not self._is_open(run.pages, run.project):
            return
        page, shown = restored.page, restored.page.name == run.pages.current
        if page.name in run.touched or (run.pages.is_open(page.name) and not shown):
            pass
        elif restored.content is None:
            run.edited.append(page.name)
            run.settled.add(page.name)
        elif shown:
            labels = run.pages.page.all_labels
            self._turns.finish()
            self._turns.start(self._writing(page, restored.content, labels))
        else:
            run.pages.save_closed(page.name, restored.content)
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
        self._show_progress(run.images, f"{counted(run.images, 'image')} so far")

    def _writing(
        self,
        page: ImportedPage,
        content: PageContent,
        layers: "Mapping[str, Labels]",
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

    def _on_written(self, page: ImportedPage) -> None:
        run = self._run
        if run is not None:
            run.pages.page.flush()
            self._note_restored(run, page)
            self._end_if_done()

    def _on_leaving(self) -> None:
        self._turns.finish()
        self._on_edited()

    def _on_edited(self) -> None:
        if self._run is not None:
            self._run.touched.add(self._run.pages.current)

    def _on_read(self, run: _Run) -> None:
        if run is self._run:
            self._note_read()
            self._end_if_done()

    def _end_if_done(self) -> None:
        run = self._run
        if run is not None and self._is_read and not self._turns.busy:
            left = self._offer_the_rest(run)
            self._end(folder_restored_text(run.images, run.edited, left))

    def _fail(self, error: Exception) -> None:
        if self._run is not None:
            self._offer_the_rest(self._run)
            self._end("Stopped.")
            show_problem(error)

    def _offer_the_rest(self, run: _Run) -> int:
        """Offer to go on with images that are left, and return how many these are."""
        left = [page for page in run.kept if page.name not in run.settled]
        self.offer(left, run.pages)
        return len(left)

    def _forget(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.pages.page_leaves.disconnect(self._on_leaving)
            run.pages.page_asked.disconnect(run.touched.add)
            run.pages.edited.disconnect(self._on_edited)
        super()._forget()


def _changes(layer: "Labels", labels: NDArray[np.integer]) -> Iterator[PixelChange]:
    """Yield what gives a layer other labels."""
    for place in np.ndindex(labels.shape[:-2]):
        plane = Plane((*place, None, None))
        for window in strips_of(labels.shape[-2:]):
            values = labels[place][window.slices]
            mask = plane.read(layer.data, window) != values
            if mask.any():
                yield PixelChange(plane, window, mask, values)
