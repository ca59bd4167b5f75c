"""Images that training draws from again and again, read once while memory allows."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from numpy.typing import NDArray

_LIMIT_BYTES = 256 << 20
"""Memory that one process may keep images in."""

_Key = TypeVar("_Key", bound=Hashable)
_Pair = TypeVar("_Pair", bound=tuple[NDArray[Any], NDArray[Any]])


class RecentImages(Generic[_Key, _Pair]):
    """Reads images with their labels, and keeps those that were used last.

    Parameters
    ----------
    read : callable
        Returns the image and the labels of a key. They are handed out more than
        once, so that nobody may change them.
    limit : int
        Bytes to keep at most. A larger image is read each time.
    """

    def __init__(
        self, read: Callable[[_Key], _Pair], limit: int = _LIMIT_BYTES
    ) -> None:
        self._read = read
        self._kept: LRUCache[_Key, _Pair] = LRUCache(limit, getsizeof=_bytes)

    def __call__(self, key: _Key) -> _Pair:
        """Return an image and its labels; errors are those of ``read``."""
        if key in self._kept:
            return self._kept[key]
        pair = self._read(key)
        if _bytes(pair) <= self._kept.maxsize:
            self._kept[key] = pair
        return pair


def _bytes(pair: tuple[NDArray[Any], NDArray[Any]]) -> int:
    return sum(array.nbytes for array in pair)
