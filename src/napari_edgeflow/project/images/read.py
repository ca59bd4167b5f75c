"""Reading any image of a project, and making small pictures of images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pixels import (
    IMAGE_SUFFIXES,
    UnfitImageError,
    image_size,
    open_picture,
    orientation,
    read_image,
    turned,
)
from napari_edgeflow.engine.raster.image import ImageReader, Window

Reader = Callable[[Path], NDArray[Any]]

_PILLOWS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")


def read_any_image(path: Path, other: Reader | None = None) -> NDArray[Any]:
    """Read an image as everything else does, else by imageio, else another reader.

    Parameters
    ----------
    path : Path
        The file.
    other : callable, optional
        Asked where the others fail, such as napari's plugins.

    Returns
    -------
    ndarray
        (..., H, W) or (..., H, W, C) with 3 or 4 channels; see :func:`is_rgb`.

    Raises
    ------
    OSError
        If nothing can read it, with the first reader's reason.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no image {path}: was it moved or renamed?")
    suffix = path.suffix.lower()
    first = read_image if suffix in IMAGE_SUFFIXES else imageio.imread
    # Of these it would only ask Pillow again, and leave broken files open.
    last = None if suffix in _PILLOWS else other
    readers = (np.load if suffix == ".npy" else first, last)
    problem: Exception | None = None
    for reader in readers:
        if reader is None:
            continue
        try:
            return _usable(reader(path), path)
        except UnfitImageError:
            # Others would read half of it, or run out of memory.
            raise
        # Each reader raises what its decoders raise.
        except Exception as error:
            problem = problem or error
    if isinstance(problem, OSError):
        raise problem
    raise OSError(f"cannot read {path} as an image ({problem})") from problem


def _usable(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    array = np.asarray(pixels)
    if array.ndim < 2 or not array.size or array.dtype.kind not in "buif":
        raise OSError(
            f"{path} holds an array of shape {array.shape} and type {array.dtype}, "
            "which is no image"
        )
    return array


def is_rgb(pixels: NDArray[Any]) -> bool:
    """Return whether the last axis of an image is its colours."""
    return (
        pixels.ndim > 2
        and pixels.shape[-1] in (3, 4)
        and min(pixels.shape[-3:-1]) > 4
        and pixels.dtype.kind in "uf"
    )


def spatial_shape(pixels: NDArray[Any]) -> tuple[int, ...]:
    """Return the shape of an image without its colours, as its labels have it."""
    return tuple(pixels.shape[:-1] if is_rgb(pixels) else pixels.shape)


def bytes_needed(path: Path) -> int:
    """Return about how much memory an image will take, without reading it.

    A file whose header cannot be read counts with the size it has on disk.
    """
    on_disk = path.stat().st_size
    try:
        height, width = image_size(path)
    except OSError:
        return on_disk
    return max(on_disk, 3 * height * width)


def thumbnail(path: Path, side: int, other: Reader | None = None) -> NDArray[np.uint8]:
    """Return a small picture of an image, (h, w, 3) uint8, its longer side ``side``.

    Of a stack it shows the middle.

    Raises
    ------
    OSError
        If the image cannot be read.
    """
    if path.suffix.lower() in _JPEG:
        return _jpeg_thumbnail(path, side)
    pixels = read_any_image(path, other)
    while pixels.ndim > (3 if is_rgb(pixels) else 2):
        pixels = pixels[len(pixels) // 2]
    height, width = pixels.shape[:2]
    step = max(1, min(height, width) // (4 * side))
    few = pixels[::step, ::step]
    factor = side / max(few.shape[:2])
    shape = (max(1, round(few.shape[0] * factor)), max(1, round(few.shape[1] * factor)))
    whole = Window(0, 0, *few.shape[:2])
    return ImageReader(few).read(whole, shape)


def _jpeg_thumbnail(path: Path, side: int) -> NDArray[np.uint8]:
    """Return what JPEG gives for an eighth of the time."""
    try:
        with open_picture(path) as file:
            way = orientation(file)
            file.draft("RGB", (2 * side, 2 * side))
            small = file.convert("RGB")
            small.thumbnail((side, side))
            return turned(np.asarray(small), way)
    # A broken file may raise anything, also SyntaxError.
    except Exception as error:
        raise OSError(f"cannot read {path} as an image ({error})") from error
