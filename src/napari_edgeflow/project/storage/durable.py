"""Files that are on disk for good, whole or not at all, when a call returns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from napari_edgeflow.engine.system.files import replacing


@contextmanager
def durably(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; move it there, and wait for the disk.

    Unlike with :func:`replacing` alone the content survives a
    crash of the computer too. This costs some milliseconds.

    Parameters
    ----------
    path : Path
        The file to write; its folder is made if need be.

    Yields
    ------
    Path
        Where to write; it has the ending of ``path``.

    Raises
    ------
    OSError
        If it cannot be written; ``path`` is as it was then.
    """
    make_folder(path.parent)
    with replacing(path, path.suffix) as partial:
        yield partial
        with partial.open("rb+") as file:
            sync(file)
    sync_folder(path.parent)


def write_durably(path: Path, text: str) -> None:
    """Write text as UTF-8; see :func:`durably`.

    File names that are no Unicode come as escapes, which JSON reads as what they were.
    """
    with durably(path) as partial:
        partial.write_text(text, "utf-8", "backslashreplace", newline="\n")


def make_folder(folder: Path) -> None:
    """Make a folder and those it is in, so that a crash cannot undo it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync(file: IO[bytes]) -> None:
    """Wait until what was written to a file is on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until a folder's list of names is on disk, where the system can say so."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
