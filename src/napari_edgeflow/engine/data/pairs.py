"""Labelled images on disk: an image and the image of its labels."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pixels import (
    IMAGE_SUFFIXES,
    read_label_image,
    read_rgb,
)

VOID = 255
"""Value of labels that do not count, where they are classes."""

_MOST_READERS = 8
"""Threads that read at once at most: each holds an image."""


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
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        # Cameras and macOS put notes beside images, under the same names.
        and not path.name.startswith(".")
        and path.is_file()
    )


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
