"""Small pictures of the images of a project, made in the background."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_edgeflow.project.images.read import thumbnail
from napari_edgeflow.widgets.project.page.loader import read_with_plugins
from napari_edgeflow.widgets.qt.workers import LatestCall

SIDE = 56
_KEPT, _WANTED = 2000, 60


class Thumbnails(QObject):
    """Makes small pictures one by one, those that were asked for last first.

    It keeps the latest 2,000, about 20 MB, and forgets wishes that are out of sight
    by the time.
    """

    ready = Signal(str)
    """There is a picture of this image now, or a reason why there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._path_of: Callable[[str], Path] | None = None
        self._kept: OrderedDict[str, QPixmap] = OrderedDict()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self.problems: dict[str, str] = {}
        self._calls = LatestCall(_make, self._deliver, self._fail)

    def open(self, path_of: Callable[[str], Path]) -> None:
        """Forget all pictures; those of other images are found by ``path_of``."""
        self._path_of = path_of
        self._kept.clear()
        self._wanted.clear()
        self.problems.clear()

    def get(self, name: str) -> QPixmap | None:
        """Return the picture of an image; None if there is none yet."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        if name not in self.problems:
            self._wanted[name] = None
            self._wanted.move_to_end(name)
            while len(self._wanted) > _WANTED:
                self._wanted.popitem(last=False)
            self._next()
        return None

    def close(self) -> None:
        """Make no more."""
        self._wanted.clear()
        self._calls.close()

    def _next(self) -> None:
        if self._wanted and not self._calls.busy and self._path_of is not None:
            name, _ = self._wanted.popitem()
            self._calls((name, self._path_of(name)))

    def _deliver(self, wish: tuple[str, Path], pixels: NDArray[np.uint8]) -> None:
        if self._is_of_this_project(wish):
            self._kept[wish[0]] = _pixmap(pixels)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._tell(wish[0])
        self._next()

    def _fail(self, wish: tuple[str, Path], error: Exception) -> None:
        if self._is_of_this_project(wish):
            self.problems[wish[0]] = str(error) or repr(error)
            self._tell(wish[0])
        self._next()

    def _is_of_this_project(self, wish: tuple[str, Path]) -> bool:
        return self._path_of is not None and self._path_of(wish[0]) == wish[1]

    def _tell(self, name: str) -> None:
        self._wanted.pop(name, None)
        self.ready.emit(name)


def _make(wish: tuple[str, Path]) -> NDArray[np.uint8]:
    return thumbnail(wish[1], SIDE, read_with_plugins)


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)
