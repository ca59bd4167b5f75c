"""What can be undone on the pages of a project that were left."""

import threading
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.widgets.click_steps import FinishedClicks
from napari_edgeflow.widgets.object_history import (
    KeptSteps,
    ObjectEdit,
    ObjectHistory,
)

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_edgeflow.widgets.project_layers import PageLayers

MOST_BYTES = 256 << 20
"""Steps of pages that were left longest ago are forgotten beyond that."""

_Marks = Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """The steps of a page, and what tells its labels from others."""

    steps: KeptSteps
    nbytes: int
    marks: "Future[_Marks]"


class PageSteps:
    """Keeps the steps of each page that is left until it is opened again.

    They come back only if the labels are what they were: somebody else may have
    written the project meanwhile.

    Parameters
    ----------
    history : ObjectHistory
        Of the viewer.
    most_bytes : int
        How much memory the steps may take.
    """

    def __init__(self, history: ObjectHistory, most_bytes: int = MOST_BYTES) -> None:
        self._history, self._most_bytes = history, most_bytes
        self._left: dict[str, _Left] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "napari-edgeflow-steps")

    def leave(self, name: str, layers: "PageLayers") -> None:
        """Take the steps of a page out of the history, before its layers go."""
        labels = layers.all_labels
        steps = self._history.give_up(labels)
        if not steps:
            return
        data = {key: layer.data for key, layer in labels.items()}
        marks = self._pool.submit(_marks_of, data)
        with self._lock:
            self._left[name] = _Left(steps, sum(_nbytes(e) for _, e in steps), marks)
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

    def enter(self, name: str, layers: "PageLayers") -> None:
        """Put the steps of a page back, now that its layers are there."""
        with self._lock:
            left = self._left.pop(name, None)
        image = layers.image
        if left is not None and image is not None:
            self._history.take_up(
                left.steps,
                layers.all_labels,
                lambda edit: _draft_on(edit, layers, image),
            )

    def forget(self) -> None:
        """Forget the steps of all pages."""
        with self._lock:
            self._left.clear()

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


def _draft_on(edit: ObjectEdit, layers: "PageLayers", image: "Image") -> object:
    """Return the draft of a step, for the image as it is shown now."""
    draft = edit.draft
    if isinstance(draft, FinishedClicks) and not layers.shows(draft.image()):
        return replace(draft, image=ref(image))
    return draft


def _nbytes(edit: ObjectEdit) -> int:
    draft = edit.draft
    return edit.nbytes + (draft.nbytes if isinstance(draft, FinishedClicks) else 0)


def _marks_of(labels: Mapping[str, NDArray[Any]]) -> _Marks:
    """Return a number for each layer that is another one for other labels."""
    return {
        key: zlib.crc32(np.ascontiguousarray(one).data) for key, one in labels.items()
    }
