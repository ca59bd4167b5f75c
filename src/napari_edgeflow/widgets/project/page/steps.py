"""What can be undone on the pages of a project that were left."""

import threading
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.project.content.class_changes import named
from napari_edgeflow.project.storage.project_file import ProjectRecord
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.workspace.history import KeptSteps, ObjectHistory, Step

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_edgeflow.widgets.project.page.open_page import OpenPage

MOST_BYTES = 256 << 20
"""Steps of pages that were left longest ago are forgotten beyond that."""

_Marks = Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """The steps of a page, and what tells its labels from others."""

    steps: KeptSteps
    removals: Mapping[Step, int]
    """How many classes had been taken away when each step was done."""
    nbytes: int
    marks: "Future[_Marks]"


class PageSteps:
    """Keeps the steps of each page that is left until it is opened again.

    They come back only if the labels on disk are what they were: somebody else may
    have written the project meanwhile. Classes that were taken away on another page
    are so in the steps, too, until they are brought back there.

    Parameters
    ----------
    most_bytes : int
        How much memory the steps may take.
    """

    def __init__(self, history: ObjectHistory, most_bytes: int = MOST_BYTES) -> None:
        self._history, self._most_bytes = history, most_bytes
        self._left: dict[str, _Left] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "napari-edgeflow-steps")
        self._origins: dict[Step, tuple[Step, int]] = {}
        """Of the page that is shown: steps as they were done, and when."""

    def leave(self, page: "OpenPage", removals: int) -> None:
        """Take the steps of a page out of the history, before its layers go.

        Parameters
        ----------
        page : OpenPage
            The page.
        removals : int
            How many classes were taken away so far; see ``ProjectRecord``.
        """
        origins, self._origins, labels = self._origins, {}, page.all_labels
        shown = self._history.take_out(labels)
        if not shown:
            return
        of = {step: origins.get(step, (step, removals)) for _, step in shown}
        steps = KeptSteps(
            tuple((key, of[step][0]) for key, step in shown.done),
            tuple((key, of[step][0]) for key, step in shown.undone),
        )
        data = {key: layer.data for key, layer in labels.items()}
        marks = self._pool.submit(_marks_of, data)
        size = sum(step.nbytes for _, step in steps)
        with self._lock:
            self._left[page.name] = _Left(steps, dict(of.values()), size, marks)
            self._drop_oldest()

    def compare(self, name: str, labels: Mapping[str, NDArray[Any]]) -> None:
        """Forget the steps of a page whose labels are other ones now.

        It takes a moment, and is for the background.
        """
        with self._lock:
            left = self._left.get(name)
        if left is None:
            return
        marks, now = left.marks.result(), _marks_of(labels)
        if any(now.get(key) != marks.get(key) for key, _ in left.steps):
            with self._lock:
                self._left.pop(name, None)

    def enter(self, page: "OpenPage", record: ProjectRecord) -> None:
        """Put the steps of a page back, now that its layers are there."""
        with self._lock:
            left = self._left.pop(page.name, None)
        image = page.image
        if left is None or image is None:
            return
        # Of what was taken away on the page itself its steps say how.
        gone = [entry for entry in record.removed if page.name in entry.pages]
        names = {0: "", **{entry.id: entry.name for entry in record.classes}}

        def moved(origin: Step, layer: "Labels") -> Step:
            step, scheme = origin.moved(layer, image), read_scheme(layer)
            has_classes = scheme is not None and scheme.kind == "semantic"
            for entry in gone:
                if entry.number > left.removals[origin]:
                    values = entry.in_values if has_classes else None
                    step = step.recoded(values, entry.in_row)
            step = step.recoded(None, partial(named, names=names))
            self._origins[step] = origin, left.removals[origin]
            return step

        self._history.put_back(left.steps, page.all_labels, moved)

    def forget(self) -> None:
        """Forget the steps of all pages."""
        with self._lock:
            self._left.clear()
        self._origins.clear()

    def close(self) -> None:
        """Keep nothing any more."""
        self.forget()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _drop_oldest(self) -> None:
        total = sum(left.nbytes for left in self._left.values())
        for name in list(self._left):
            if total <= self._most_bytes:
                return
            total -= self._left.pop(name).nbytes


def _marks_of(labels: Mapping[str, NDArray[Any]]) -> _Marks:
    """Return a number for each layer that is another one for other labels."""
    return {
        key: zlib.crc32(np.ascontiguousarray(one).data) for key, one in labels.items()
    }
