"""Image files of any common format as arrays."""

from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray


def read_image(path: Path) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : Path
        Anything that imageio reads: PNG, JPEG, TIFF, BMP, WebP and more.

    Returns
    -------
    ndarray
        (H, W) or (H, W, C), of the file's own type.

    Raises
    ------
    OSError
        If there is no such file or it is no image.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no image {path}: check the path")
    try:
        return np.asarray(imageio.imread(path))
    # imageio's plugins raise whatever their libraries do for a broken file.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OSError(
            f"cannot read {path} as an image ({reason}): "
            "is the file complete, and a PNG, JPEG or TIFF?"
        ) from error
