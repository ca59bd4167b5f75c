"""Image files beside labels: where they are, and what to call new ones."""

import os
import re
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from napari_edgeflow.engine.data.names import NameIndex
from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES, open_picture
from napari_edgeflow.engine.system.files import replacing

_TRUE_COLOURS = ("RGB", "CMYK", "YCbCr", "LAB", "HSV")
"""How the names of Pillow's modes with a value for each primary colour begin."""


def is_in_colour(path: Path) -> bool:
    """Return whether a file is an image in true colours, which labels never are.

    Parameters
    ----------
    path : Path
        Any file, or where there is none.
    """
    try:
        with open_picture(path) as file:
            return file.mode.startswith(_TRUE_COLOURS)
    # None, or another kind of file.
    except OSError:
        return False


_FOR_LABELS = frozenset(
    ("annotations", "label", "labels", "mask", "masks", "segmentationclass",
     "segmentationobject")
)  # fmt: skip
"""What folders are called, in lower case, whose pictures are no images but labels."""


class ImageFolder:
    """The images of a folder and of those in it, found by the names that files give.

    Parameters
    ----------
    path : Path or None
        The folder, or a single image; what is not known, or not there, has none.
    depth : int, optional
        How deep folders in it are searched. Default: however deep.
    """

    def __init__(self, path: Path | None, depth: int | None = None) -> None:
        """Read nothing yet."""
        self.path, self._depth = path, depth

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self._names())

    def _names(self) -> Iterator[str]:
        if self.path is None or not self.path.exists():
            return
        if self.path.is_file():
            yield self.path.name
            return
        for path in files_below(self.path, self._depth):
            inside = path.relative_to(self.path)
            if inside.suffix.lower() in IMAGE_SUFFIXES and _FOR_LABELS.isdisjoint(
                part.lower() for part in inside.parts[:-1]
            ):
                yield inside.as_posix()

    @property
    def _root(self) -> Path:
        path = self.path or Path()
        return path.parent if path.is_file() else path

    def find(self, file_name: str) -> Path | None:
        """Return the image of a name with forward slashes; None if it is not there.

        Raises
        ------
        ValueError
            If it may be several.
        """
        if self.path is None:
            return None
        if self.path.is_dir() and (self.path / file_name).is_file():
            return self.path / file_name
        found = self._index.find(file_name)
        return None if found is None else self._root / found

    def name_of(self, labels: str) -> str | None:
        """Return the file name of the image that a file of labels is for.

        ``labels`` is the path of that file in the folder of all labels; None if there
        is no image.

        Raises
        ------
        ValueError
            If it may be several.
        """
        return None if self.path is None else self._index.find_any(labels)


def files_below(folder: Path, depth: int | None = None) -> list[Path]:
    """Return the files of a folder and of those in it, but for hidden ones, sorted.

    ``depth`` is how deep folders in it are searched, by default however deep.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}: give one that is there")
    found = []
    for at, folders, files in os.walk(folder):
        is_deepest = depth == len(Path(at).relative_to(folder).parts)
        folders[:] = [f for f in folders if not (f.startswith(".") or is_deepest)]
        found += [Path(at, name) for name in files if not name.startswith(".")]
    return sorted(found)


def relative_path(path: Path, folder: Path) -> str:
    """Return the path of a file from a folder, with forward slashes."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        # It is on another drive of Windows.
        return path.as_posix()


def copy_image(image: Path, path: Path) -> None:
    """Copy an image file, all or nothing, unless it is there already.

    Raises
    ------
    OSError
        If it cannot be copied.
    """
    if path.exists() and path.samefile(image):
        return
    with replacing(path) as partial:
        shutil.copyfile(image, partial)


_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
"""What Windows does not allow, the strictest of all."""


def as_file_name(title: str, suffix: str = ".png") -> str:
    """Return a file name for an image that a person calls ``title``.

    A title that ends as image files do, such as "cat.jpg", is a name already.
    """
    name = _NOT_IN_FILE_NAMES.sub("_", title).strip(" .")
    if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."):
        return name
    return f"{name or 'image'}{suffix}"


def plane_name(file_name: str, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Return the file name of a plane, such as "cells_0007.png".

    Parameters
    ----------
    file_name : str
        Of the stack.
    index : tuple of int
        Where the plane is along each axis that it does not span.
    shape : tuple of int
        How many planes there are along each of these axes.
    """
    stem, dot, suffix = file_name.rpartition(".")
    stem, suffix = (stem, suffix) if dot else (file_name, "png")
    digits = (max(4, len(str(side - 1))) for side in shape)
    places = (f"{at:0{width}}" for at, width in zip(index, digits, strict=True))
    return f"{'_'.join((stem, *places))}.{suffix}"
