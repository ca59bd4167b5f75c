"""Palette PNGs as in PASCAL VOC: the pixel's value is the class id."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.files import replacing

MAX_INDEX = 255


def check_palette_path(path: Path) -> None:
    """Raise ValueError if ``path`` does not end in .png."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"a palette image is a PNG file: {path} must end in .png")


def write_palette_png(
    path: Path, labels: NDArray[np.integer], palette: NDArray[np.uint8]
) -> None:
    """Write labels as an 8-bit palette PNG, all or nothing.

    Parameters
    ----------
    path : Path
        The file to write, ending in .png.
    labels : ndarray
        (H, W) integer, 0 to 255.
    palette : ndarray
        (256, 3) uint8.

    Raises
    ------
    ValueError
        If the path does not end in .png or a label does not fit.
    OSError
        If the file cannot be written.
    """
    check_palette_path(path)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > MAX_INDEX:
        raise ValueError(
            f"labels go from {low} to {high}, a palette PNG holds 0 to {MAX_INDEX}: "
            "save as TIFF instead"
        )
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(palette.tobytes())
    with replacing(path) as partial:
        image.save(partial, format="PNG")
