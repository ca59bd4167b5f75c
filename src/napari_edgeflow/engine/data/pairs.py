"""Labelled images on disk: an image and the image of its labels."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from napari_edgeflow.engine.raster.image import ImageReader

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
VOID = 255
"""Value of labels that do not count, where they are classes."""

_MOST_READERS = 8
"""Threads that read at once at most: each holds an image."""

_DEEP_MODES = ("I", "F")
"""What the names of Pillow's modes with more than 8 bits begin with."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """Paths of an image and of its label image."""

    image: Path
    labels: Path


def folder_pairs(images: Path, labels: Path) -> tuple[LabelledImage, ...]:
    """Return the pairs of two folders; a label belongs to the image of its stem.

    Raises
    ------
    ValueError
        If a folder is missing or nothing matches.
    """
    by_stem = {path.stem: path for path in image_files(images)}
    pairs = tuple(
        LabelledImage(by_stem[path.stem], path)
        for path in image_files(labels)
        if path.stem in by_stem
    )
    if not pairs:
        raise ValueError(
            f"no label in {labels} has the stem of an image in {images}: rename them"
        )
    return pairs


def image_files(folder: Path) -> list[Path]:
    """Return the image files of a folder, sorted.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}: give one with images in it")
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def open_labels(path: Path) -> Image.Image:
    """Open a label image; pixels are read when they are asked for.

    Pillow takes images of more than 178,956,970 pixels for attacks, and so would never
    open again what was labelled on one; PNGs of labels are opened at any size.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    try:
        return PngImageFile(path)
    # It is no PNG.
    except SyntaxError:
        return Image.open(path)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return an image file as (H, W, 3) uint8.

    Values of more than 8 bits are stretched as they are wherever models are used.

    Raises
    ------
    ValueError
        If it is no single image.
    OSError
        If it cannot be read.
    """
    try:
        with Image.open(path) as file:
            _check_single(path, file)
            # Pillow would cut these off at 255.
            if not file.mode.startswith(_DEEP_MODES):
                return np.asarray(file.convert("RGB"))
            pixels = np.asarray(file)
    except ValueError:
        raise
    # Pillow raises whatever its decoders do for a broken file.
    except Exception as error:
        pixels = _read_tiff(path, f"cannot read the image {path}", error)
    try:
        return ImageReader(pixels).read_whole()
    except ValueError as error:
        raise ValueError(f"cannot use the image {path}: {error}") from error


def read_label_image(path: Path) -> NDArray[np.integer[Any]]:
    """Return a label image (H, W), the indices if it has a palette.

    Raises
    ------
    ValueError
        If it has more than one channel, or is a stack.
    OSError
        If it cannot be read.
    """
    try:
        with open_labels(path) as file:
            _check_single(path, file)
            labels: NDArray[np.integer[Any]] = np.asarray(file)
    except ValueError:
        raise
    except Exception as error:
        labels = _read_tiff(path, f"cannot read the labels {path}", error)
    if labels.dtype == np.bool_:
        # Pillow's True need not be a 1 in memory.
        labels = np.where(labels, np.uint8(1), np.uint8(0))
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise ValueError(
            f"the labels {path} are {labels.shape} of {labels.dtype}: "
            "a label image has one channel of whole numbers"
        )
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise ValueError(
            f"the labels {path} go down to {labels.min()}: label from 0 upwards"
        )
    return labels


def _check_single(path: Path, file: Image.Image) -> None:
    """Raise ValueError for a stack, of which only the first image would be read.

    A smaller second image is a preview of the first.
    """
    count, size = getattr(file, "n_frames", 1), file.size
    if count == 1:
        return
    file.seek(1)
    same = file.size == size
    file.seek(0)
    if same:
        raise ValueError(
            f"{path} is a stack of {count} images: save each as a file, or open it in "
            "napari and use its layers"
        )


def image_size(path: Path) -> tuple[int, int]:
    """Return the height and width of an image file without reading its pixels.

    Raises
    ------
    OSError
        If it is no image.
    """
    import tifffile

    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                return int(page.imagelength), int(page.imagewidth)
        with Image.open(path) as image:
            return image.height, image.width
    # tifffile raises whatever its decoders do for a broken file.
    except Exception as error:
        raise OSError(
            f"cannot read the image {path}: is it there, and a PNG, JPEG or TIFF?"
        ) from error


def _read_tiff(path: Path, failed: str, reason: Exception) -> NDArray[Any]:
    """Return the pixels of a TIFF that Pillow cannot read, such as 64-bit labels.

    Raises
    ------
    OSError
        With both texts if it is no TIFF, or cannot be read either.
    """
    problem = OSError(f"{failed}: {reason}")
    if path.suffix.lower() not in (".tif", ".tiff") or not path.is_file():
        raise problem from reason
    import tifffile

    try:
        return np.asarray(tifffile.imread(path))
    # tifffile raises whatever its decoders do for a broken file.
    except Exception as error:
        raise problem from error


def unreadable(pairs: Iterable[LabelledImage]) -> dict[LabelledImage, OSError]:
    """Return the pairs of which a file cannot be read, and why; reads all of them."""

    def problem(pair: LabelledImage) -> OSError | None:
        try:
            read_rgb(pair.image)
            read_label_image(pair.labels)
        except OSError as error:
            return error
        except ValueError:
            # It can be read, but not used: whoever uses it says why.
            return None
        return None

    # Decoders let other threads work meanwhile.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_READERS)) as pool:
        known = tuple(dict.fromkeys(pairs))
        found = zip(known, pool.map(problem, known), strict=True)
        return {pair: error for pair, error in found if error is not None}


def read_pair(
    pair: LabelledImage,
) -> tuple[NDArray[np.uint8], NDArray[np.integer[Any]]]:
    """Return image (H, W, 3) uint8 and labels (H, W) integer.

    Raises
    ------
    ValueError
        If their sizes differ or the labels have channels.
    OSError
        If one cannot be read.
    """
    image, labels = read_rgb(pair.image), read_label_image(pair.labels)
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f"the labels {pair.labels} have shape {labels.shape}, their image "
            f"{image.shape[:2]}: both need the same height and width"
        )
    return image, labels
