"""Writing files all or nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_folder(folder: Path) -> None:
    """Make sure that a folder is there or can be made, but for who may write where.

    Raises
    ------
    NotADirectoryError
        If the folder, or one above it, is a file.
    """
    found = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    if found.exists() and not found.is_dir():
        raise NotADirectoryError(
            f"{found} is a file, not a folder: choose another place to write to"
        )


def check_file(path: Path) -> None:
    """Make sure that a file could be written.

    Raises
    ------
    IsADirectoryError
        If there is a folder of that name.
    NotADirectoryError
        If a folder above it is a file.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file to write")
    check_folder(path.parent)


@contextmanager
def replacing(path: Path, ending: str = "") -> Iterator[Path]:
    """Give a temporary path beside ``path`` and move it there if all went well.

    Parameters
    ----------
    path : Path
        The file to write; its folder is made if need be.
    ending : str
        Of the temporary path, for writers that go by it.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OSError
        If the folder cannot be written; ``path`` is as it was then.
    """
    check_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part{ending}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
