"""Writing down what changed on an image, and now and then its labels as a whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.project.content.records import (
    LabelContent,
    PageContent,
    Row,
    always_quiet,
    facts_of,
    rows_to_json,
)
from napari_edgeflow.project.storage.journal import Entry, JournalWriter, Patch
from napari_edgeflow.project.storage.page_files import (
    PageFiles,
    StoredPage,
    read_page,
    set_aside,
    write_page,
)

_ROWS = 256
"""Labels are compared in strips of so many rows: few are copied for a small edit."""


class PageWriter:
    """Keeps the files of one image up to date; used by one thread at a time.

    It holds a copy of the labels as they are on disk. What differs from it is
    appended to the image's journal: an edit costs what its pixels cost, however large
    the image is and whoever made it.

    Parameters
    ----------
    files : PageFiles
        Where the image has its files.
    page : StoredPage
        What they hold now. Its labels are the writer's from now on: no one else may
        change them.
    """

    def __init__(self, files: PageFiles, page: StoredPage) -> None:
        self._files = files
        self._number = page.number
        self._draft = page.content.draft
        self._damaged = page.damaged
        self._layers = dict(page.content.layers)
        self._journal: JournalWriter | None = None
        self._old = files.journals()
        self._compacting: tuple[Path, ...] = ()
        self.waiting = 0
        """Bytes of edits that no label image has yet."""
        self.is_behind = False
        """Whether labels were left out since a step was being done to them."""

    @property
    def is_compact(self) -> bool:
        """Whether label images and record hold everything."""
        return not self.waiting and not self._old

    def write(self, content: PageContent) -> bool:
        """Append what changed, and wait for the disk.

        Labels to which a step is being done are left out; see :attr:`is_behind`.

        Returns
        -------
        bool
            Whether anything had changed.

        Raises
        ------
        OSError
            If it cannot be written; call again with the latest content then.
        """
        if self._journal is not None and not self._journal.is_whole:
            self._look_again()
        changes: dict[str, _Change] = {}
        self.is_behind = False
        for key, layer in content.layers.items():
            if (before := layer.quiet()) is None:
                # Looking for what changed costs as much as the labels are large.
                self.is_behind = True
                continue
            change = _difference(key, layer, self._layers.get(key))
            if layer.quiet() != before:
                self.is_behind = True
            elif change is not None:
                changes[key] = change
        facts: dict[str, Any] = {}
        if changes:
            facts["layers"] = {key: change.facts for key, change in changes.items()}
        if content.draft != self._draft:
            facts["draft"] = content.draft
        if not facts:
            return False
        patches = [patch for change in changes.values() for patch in change.patches]
        self._append(Entry(self._number + 1, facts, patches))
        self._number, self._draft = self._number + 1, content.draft
        for key, change in changes.items():
            self._layers[key] = change.applied()
        return True

    def _append(self, entry: Entry) -> None:
        if self._journal is None:
            set_aside(self._damaged)
            self._damaged = ()
            self._journal = JournalWriter(self._files.journal(entry.number))
        self._journal.append(entry)
        self.waiting = self._journal.size

    def _look_again(self) -> None:
        """Go on from what is on disk, since somebody took the journal away."""
        found = read_page(self._files)
        self._layers, self._draft = dict(found.content.layers), found.content.draft
        self._number = max(self._number, found.number)
        self._damaged, self._old = found.damaged, self._files.journals()
        self._journal = None

    def begin_compaction(self) -> Callable[[], None]:
        """Return what writes all label images and the record, in another thread.

        It raises OSError if that fails; nothing is lost then, the journals are still
        there. Edits go to a new one meanwhile.
        """
        if self._journal is not None:
            self._old.append(self._journal.path)
            self._journal = None
        self.waiting = 0
        self._compacting = tuple(self._old)
        layers = {
            key: replace(layer, labels=layer.labels.copy())
            for key, layer in self._layers.items()
        }
        page = StoredPage(PageContent(layers, self._draft), self._number)
        return partial(_compact, self._files, page, self._compacting)

    def end_compaction(self) -> None:
        """Take note that a compaction went well."""
        self._old = [path for path in self._old if path not in self._compacting]


def _compact(files: PageFiles, page: StoredPage, journals: Sequence[Path]) -> None:
    write_page(files, page)
    for path in journals:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """How a layer differs from what is on disk."""

    facts: Mapping[str, Any]
    patches: tuple[Patch, ...]
    saved: LabelContent

    def applied(self) -> LabelContent:
        for patch in self.patches:
            patch.apply(self.saved.labels)
        return self.saved


def _difference(
    key: str, layer: LabelContent, saved: LabelContent | None
) -> _Change | None:
    labels = layer.labels
    facts: dict[str, Any] = {}
    if saved is None or _about(saved) != _about(layer):
        facts["about"] = facts_of(layer)
    old_rows: Mapping[int, Row] = {} if saved is None else saved.rows
    rows = {i: row for i, row in layer.rows.items() if old_rows.get(i) != row}
    if rows:
        facts["objects"] = rows_to_json(rows)
    if removed := [i for i in old_rows if i not in layer.rows]:
        facts["removed"] = removed
    if saved is None or saved.labels.shape != labels.shape:
        before: NDArray[np.integer[Any]] = np.zeros(labels.shape, labels.dtype)
    else:
        before = saved.labels.astype(labels.dtype, copy=False)
    patches = tuple(
        Patch(key, start, values) for start, values in _changed(before, labels)
    )
    empty = saved is None and not layer.rows
    if not patches and (not facts or empty):
        # A page that was only looked at is not worth a file.
        return None
    # What is kept must not keep the layer.
    now = replace(layer, labels=before, quiet=always_quiet)
    return _Change(facts, patches, now)


def _changed(
    before: NDArray[np.integer[Any]], now: NDArray[np.integer[Any]]
) -> Iterator[tuple[tuple[int, ...], NDArray[np.integer[Any]]]]:
    """Yield boxes of pixels that are not what they were: where they start, and values.

    The values are compared as they are copied: who edits them meanwhile is not lost.
    """
    for place in np.ndindex(now.shape[:-2]):
        old, new = before[place], now[place]
        for top in range(0, old.shape[0], _ROWS):
            strip = new[top : top + _ROWS]
            if np.array_equal(old[top : top + _ROWS], strip):
                continue
            strip = strip.copy()
            differs = old[top : top + _ROWS] != strip
            rows, columns = (np.flatnonzero(differs.any(axis)) for axis in (1, 0))
            if not rows.size:
                continue
            first, last = (rows.min(), columns.min()), (rows.max(), columns.max())
            values = strip[first[0] : last[0] + 1, first[1] : last[1] + 1]
            start = (*place, top + int(first[0]), int(first[1]))
            yield start, values.reshape(*(1 for _ in place), *values.shape)


def _about(layer: LabelContent) -> tuple[object, ...]:
    """Return what :func:`facts_of` tells, to compare."""
    shape, dtype = layer.labels.shape, layer.labels.dtype
    return layer.kind, layer.classes, shape, dtype, layer.removals, layer.taken
