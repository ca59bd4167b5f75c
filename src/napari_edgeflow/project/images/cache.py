"""Images in memory, so that the next page is there when it is turned to."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from numpy.typing import NDArray

from napari_edgeflow.project.images.read import Reader, bytes_needed, read_any_image

LIMIT_BYTES = 512 << 20

_Key = tuple[Path, int, int]


class ImageCache:
    """Reads images and keeps the latest ones; for any number of threads.

    Parameters
    ----------
    other : callable, optional
        Reads what tifffile, Pillow and imageio do not.
    limit : int
        Bytes to keep at most. A larger image is read each time.
    """

    def __init__(
        self,
        other: Callable[[Path], NDArray[Any]] | None = None,
        limit: int = LIMIT_BYTES,
    ) -> None:
        self._other: Reader | None = other
        self._kept: LRUCache[_Key, NDArray[Any]] = LRUCache(limit, getsizeof=_bytes)
        self._reading: dict[_Key, threading.Event] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        with self._lock:
            return int(self._kept.currsize)

    def read(self, path: Path) -> NDArray[Any]:
        """Return an image; who asks while it is being read waits for that.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        key = _key(path)
        while True:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
                other = self._reading.get(key)
                if other is None:
                    self._reading[key] = threading.Event()
                    break
            other.wait()
        try:
            image = read_any_image(path, self._other)
            self._keep(key, image)
        finally:
            with self._lock:
                self._reading.pop(key).set()
        return image

    def read_ahead(self, path: Path) -> None:
        """Read an image if there is room for it, whatever becomes of it."""
        try:
            if bytes_needed(path) <= self._kept.maxsize // 2:
                self.read(path)
        except OSError:
            # Who turns to it is told.
            return

    def _keep(self, key: _Key, image: NDArray[Any]) -> None:
        if image.nbytes <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = image


def _bytes(image: NDArray[Any]) -> int:
    return image.nbytes


def _key(path: Path) -> _Key:
    try:
        found = path.stat()
    except OSError as error:
        raise FileNotFoundError(f"no image {path}: was it moved or renamed?") from error
    return path, found.st_mtime_ns, found.st_size
