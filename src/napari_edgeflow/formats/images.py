"""Image files of any common format as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

_PLAIN_MODES = ("L", "RGB", "RGBA", "I", "I;16", "F")
"""Pillow's modes whose arrays are pixels as they are; others are made RGB."""


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
