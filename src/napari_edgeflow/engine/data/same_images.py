"""Finding out which of many files are the same image."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def same_images(paths: Sequence[Path]) -> list[list[int]]:
    """Return the numbers of the files, those of equal content together.

    An image may be there with labels of several people or classes, each as a pair of
    its own.

    Parameters
    ----------
    paths : sequence of Path
        The files; a file may come twice.

    Returns
    -------
    list of list of int
        In the order of the first of each.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    sizes = {path: path.stat().st_size for path in set(paths)}
    often = Counter(sizes.values())
    groups: dict[object, list[int]] = {}
    for number, path in enumerate(paths):
        # Most differ in size already, and need not be read.
        key = _digest(path) if often[sizes[path]] > 1 else path
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
