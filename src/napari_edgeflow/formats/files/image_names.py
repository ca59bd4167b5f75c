"""Names of image files for images that are in no file."""

import re

from napari_edgeflow.engine.data.pairs import IMAGE_SUFFIXES

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
