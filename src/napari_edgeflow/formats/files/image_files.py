"""Image files beside labels: where they are, and what to call new ones."""

import re
import shutil
from pathlib import Path, PurePosixPath

from napari_edgeflow.engine.data.pairs import image_files
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


def images_by_stem(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their names without ending.

    Raises
    ------
    ValueError
        If there is no such folder, or two images differ in their ending only.
    """
    found: dict[str, Path] = {}
    for path in image_files(folder):
        other = found.setdefault(path.stem, path)
        if other != path:
            raise ValueError(
                f"{other.name} and {path.name} in {folder} have one name for their "
                "labels: rename one"
            )
    return found


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


def find_image(folder: Path | None, file_name: str) -> Path | None:
    """Return the image of a name in a folder, or of its last part; None if not there.

    ``file_name`` has forward slashes; a folder that is not known has nothing.
    """
    if folder is None:
        return None
    name = PurePosixPath(file_name)
    paths = (folder / name, folder / name.name)
    return next((path for path in paths if path.is_file()), None)


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
