"""Image files of any common format as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.data.pairs import open_labels

_PLAIN_MODES = ("L", "RGB", "RGBA", "I", "I;16", "F")
"""Pillow's modes whose arrays are pixels as they are; others are made RGB."""

_TRUE_COLOURS = ("RGB", "CMYK", "YCbCr", "LAB", "HSV")
"""How the names of Pillow's modes with a value for each primary colour begin."""

_SURE_CHANNELS, _MOST_CHANNELS = 4, 16
"""So few values are channels in any image, and so many if it has more rows and
columns than that."""


def read_image(path: Path) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : Path
        TIFF, or anything that Pillow reads: PNG, JPEG, BMP, WebP and more.

    Returns
    -------
    ndarray
        (H, W) or (H, W, C), of the file's own type; a TIFF may have more dimensions.

    Raises
    ------
    OSError
        If there is no such file or it is no image.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, no image: give the file of one")
    if not path.is_file():
        raise FileNotFoundError(f"no image {path}: check the path")
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            return np.asarray(tifffile.imread(path))
        with Image.open(path) as file:
            plain = file.mode in _PLAIN_MODES
            return np.asarray(file if plain else file.convert("RGB"))
    # tifffile raises whatever its decoders do for a broken file.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OSError(
            f"cannot read {path} as an image ({reason}): "
            "is the file complete, and a PNG, JPEG or TIFF?"
        ) from error


def is_in_colour(path: Path) -> bool:
    """Return whether a file is an image in true colours, which labels never are.

    Parameters
    ----------
    path : Path
        Any file, or where there is none.
    """
    try:
        with open_labels(path) as file:
            return file.mode.startswith(_TRUE_COLOURS)
    # None, another kind of file, or one that Pillow takes for too large to be true.
    except (OSError, Image.DecompressionBombError):
        return False


def read_one_plane(path: Path) -> NDArray[Any]:
    """Read an image file as :func:`read_image` does: (H, W) or (H, W, C).

    Raises
    ------
    ValueError
        If the file holds a stack: its first planes would be taken for rows.
    OSError
        If there is no such file or it is no image.
    """
    image = read_image(path)
    if image.ndim > 3 or (image.ndim == 3 and not _has_channels_last(image)):
        raise ValueError(
            f"{path} holds a stack of shape {image.shape}, not one image: save the "
            "plane you mean as a file of its own, or open the stack in napari"
        )
    return image


def _has_channels_last(image: NDArray[Any]) -> bool:
    """Return whether the last of three axes can hold channels and no columns."""
    rows, columns, channels = (int(side) for side in image.shape)
    most = min(_MOST_CHANNELS, rows - 1, columns - 1)
    return channels <= max(_SURE_CHANNELS, most)
