"""Saving in the background: at once, in order, and again until it worked."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.storage.page_files import PageFiles, StoredPage, read_page
from napari_edgeflow.project.storage.page_writer import PageWriter
from napari_edgeflow.project.storage.project_file import ProjectFile, ProjectRecord

RETRY_S = 2.0
"""After so long a failed save is tried again."""
BUSY_S = 0.1
"""After so long labels are looked at again that a step was being done to."""

COMPACT_BYTES = 4 << 20
COMPACT_AFTER_S = 10.0
"""Label images are written after so many bytes of edits, or so long without one."""


@dataclass(frozen=True, slots=True)
class SaveState:
    """How saving goes.

    Parameters
    ----------
    saved : bool
        Whether everything that was noted is on disk.
    problem : str
        Why not, where something went wrong; the edits are kept and tried again.
    """

    saved: bool = True
    problem: str = ""


@dataclass(slots=True, eq=False)
class _Page:
    """An image that has, or may get, something to save."""

    writer: PageWriter
    seen: PageContent
    """The latest content, for who opens the image again before it is on disk."""
    unsaved: bool = False
    """Whether that is not on disk yet."""
    is_open: bool = True
    due: float = 0.0
    """When its label images are to be written."""
    compaction: "Future[None] | None" = None


class Saver:
    """Saves pages and project in a thread of its own; the caller never waits.

    Of what is noted while a save runs only the latest counts. A page whose save
    fails stays in memory and is tried again until it is on disk, also after it was
    left.

    Parameters
    ----------
    file : ProjectFile
        The project's file.
    tell : callable
        Called with each new :class:`SaveState`, in any thread; it must not wait.
    may_write : callable
        Raises OSError as long as nothing is to be written.
    retry : float
        Seconds after which a save that failed is tried again.
    """

    def __init__(
        self,
        file: ProjectFile,
        tell: Callable[[SaveState], None] = lambda _: None,
        may_write: Callable[[], None] = lambda: None,
        retry: float = RETRY_S,
    ) -> None:
        self._file, self._tell, self._retry = file, tell, retry
        self._may_write = may_write
        self._pages: dict[str, _Page] = {}
        self._record: ProjectRecord | None = None
        self._noted, self._done = 0, 0
        self._again = 0.0
        self._edit_problem, self._image_problem = "", ""
        self._state = SaveState()
        self._closing = False
        self._changed = threading.Condition()
        self._compactor = ThreadPoolExecutor(1, "napari-edgeflow-labels")
        self._thread = threading.Thread(
            target=self._run, name="napari-edgeflow-saver", daemon=True
        )
        self._thread.start()

    @property
    def state(self) -> SaveState:
        """How saving goes now."""
        return self._state

    def open_page(self, files: PageFiles) -> StoredPage:
        """Return what is known of a page, and be ready to save its edits.

        It is read from its files unless they are not up to date yet. Call it in the
        background; the labels are the caller's to edit.

        Raises
        ------
        NewerProjectError
            If a newer version of this program wrote it.
        """
        with self._changed:
            known = self._pages.get(files.name)
            if known is not None:
                known.is_open = True
                return StoredPage(known.seen)
        page = read_page(files)
        layers = {
            key: replace(layer, labels=layer.labels.copy())
            for key, layer in page.content.layers.items()
        }
        seen = replace(page.content, layers=layers)
        with self._changed:
            self._pages[files.name] = _Page(PageWriter(files, page), seen)
        return replace(page, content=seen)

    def note_page(self, name: str, content: PageContent) -> int:
        """Have the latest content of a page saved that was opened here.

        Returns
        -------
        int
            A number for :meth:`wait`.
        """
        with self._changed:
            page = self._pages[name]
            # A layer that is not in the content is not shown any more, but not gone.
            layers = {**page.seen.layers, **content.layers}
            page.seen, page.unsaved = replace(content, layers=layers), True
            page.due = time.monotonic() + COMPACT_AFTER_S
            return self._note()

    def note_project(self, record: ProjectRecord) -> int:
        """Have the latest record of the project saved; see :meth:`note_page`."""
        with self._changed:
            self._record = record
            return self._note()

    def leave_page(self, name: str) -> None:
        """Say that a page is not shown any more: its label images are written."""
        with self._changed:
            if name in self._pages:
                self._pages[name].is_open = False
                self._pages[name].due = 0.0
            self._changed.notify_all()

    def unsaved(self) -> dict[str, PageContent]:
        """Return the latest content of the pages that is not on disk."""
        with self._changed:
            return {name: p.seen for name, p in self._pages.items() if p.unsaved}

    def wait(self, number: int | None = None, timeout: float | None = None) -> bool:
        """Wait until what was noted is on disk; return whether it is."""
        with self._changed:
            goal = self._noted if number is None else number
            return self._changed.wait_for(lambda: self._done >= goal, timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Save what is left, write the label images, and stop.

        Returns
        -------
        bool
            Whether everything is on disk. Label images for which there was no time
            are written when the page is opened and left again.
        """
        with self._changed:
            for page in self._pages.values():
                page.is_open, page.due = False, 0.0
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        self._compactor.shutdown(wait=False, cancel_futures=True)
        return self._done >= self._noted

    def _note(self) -> int:
        self._noted += 1
        self._say()
        self._changed.notify_all()
        return self._noted

    def _say(self) -> None:
        problem = self._edit_problem or self._image_problem
        state = SaveState(self._done >= self._noted, problem)
        if state != self._state:
            self._state = state
            self._tell(state)

    # ---- in the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._patience())
                number, closing = self._noted, self._closing
            if number > self._done and (closing or time.monotonic() >= self._again):
                self._save(number)
            self._compact_pages()
            with self._changed:
                failed = self._edit_problem or self._image_problem
                if self._closing and (failed or not self._pages):
                    return

    def _has_work(self) -> bool:
        now = time.monotonic()
        if self._noted > self._done and (self._closing or now >= self._again):
            return True
        pages = self._pages.values()
        if self._closing and all(page.compaction is None for page in pages):
            return True
        return any(self._is_due(page) for page in pages)

    def _patience(self) -> float:
        """Return after how long to look again though nobody noted anything."""
        now, times = time.monotonic(), [60.0]
        if self._noted > self._done:
            times.append(self._again - now)
        for page in self._pages.values():
            if page.compaction is None and not page.writer.is_compact:
                times.append(page.due - now)
        return max(0.05, min(times))

    def _save(self, number: int) -> None:
        """Write everything that was noted up to a number."""
        with self._changed:
            record = self._record
            pages = [p for p in self._pages.values() if p.unsaved]
        problem = self._tried(lambda _: self._may_write(), None)
        if not problem:
            for page in pages:
                problem = self._save_page(page) or problem
            if record is not None:
                problem = self._tried(self._file.write, record) or problem
        with self._changed:
            self._edit_problem = problem
            if problem:
                self._again = time.monotonic() + self._retry
            elif any(page.writer.is_behind for page in pages):
                self._again = time.monotonic() + BUSY_S
            else:
                self._done = number
            self._say()
            self._changed.notify_all()

    def _save_page(self, page: _Page) -> str:
        seen = page.seen
        problem = self._tried(page.writer.write, seen)
        with self._changed:
            if not problem and page.seen is seen and not page.writer.is_behind:
                page.unsaved = False
        return problem

    def _tried(self, write: Callable[[Any], object], content: object) -> str:
        """Return what went wrong, in words for the person; "" if nothing did."""
        try:
            write(content)
        # A bug in here must not end the saving of everything else.
        except Exception as error:
            return str(getattr(error, "strerror", None) or error) or repr(error)
        return ""

    # ---- label images

    def _is_due(self, page: _Page) -> bool:
        if page.compaction is not None:
            return page.compaction.done()
        if page.unsaved:
            return False
        if page.writer.is_compact:
            return not page.is_open
        return page.writer.waiting > COMPACT_BYTES or time.monotonic() >= page.due

    def _compact_pages(self) -> None:
        with self._changed:
            due = [(n, p) for n, p in self._pages.items() if self._is_due(p)]
        for name, page in due:
            if page.compaction is not None:
                self._end_compaction(page, page.compaction)
            elif not page.writer.is_compact and not self._edit_problem:
                self._begin_compaction(page)
            with self._changed:
                idle = page.compaction is None and not page.unsaved
                if idle and page.writer.is_compact and not page.is_open:
                    del self._pages[name]

    def _begin_compaction(self, page: _Page) -> None:
        try:
            write = page.writer.begin_compaction()
            page.compaction = self._compactor.submit(self._compact, write)
        except RuntimeError:
            # Python is ending and starts no work any more. The edits are on disk.
            self._note_compaction(page, "the program is ending")
        else:
            page.compaction.add_done_callback(self._wake)

    def _compact(self, write: Callable[[], None]) -> None:
        self._may_write()
        write()

    def _wake(self, _: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def _end_compaction(self, page: _Page, running: "Future[None]") -> None:
        problem = self._tried(lambda _: running.result(), None)
        if not problem:
            page.writer.end_compaction()
        self._note_compaction(page, problem)

    def _note_compaction(self, page: _Page, problem: str) -> None:
        page.compaction = None
        with self._changed:
            if problem:
                page.due = time.monotonic() + COMPACT_AFTER_S
            self._image_problem = problem
            self._say()
