"""Writing files all or nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part{ending}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
