"""The folders of images and labels that the command ``train`` reads with --pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.training.stacks import (
    LabelledStack,
    MergedClasses,
    StackCounts,
)

CLASS_LIST = "labels.txt"
"""Name of the list of classes in the folder, which the command finds by itself."""

_MAX_ID = 65_535


@dataclass(frozen=True, slots=True)
class PlaneFile:
    """Which plane of which stack an image of a folder is."""

    stack: int
    plane: int

    @property
    def stem(self) -> str:
        """Name of its files without the ending."""
        return f"{self.stack:03d}-{self.plane:05d}"

    @classmethod
    def of(cls, stem: str) -> "PlaneFile | None":
        """Return the place of a stem; None for a file of another origin."""
        stack, _, plane = stem.partition("-")
        if not (stack.isdecimal() and plane.isdecimal()):
            return None
        place = cls(int(stack), int(plane))
        return place if place.stem == stem else None


@dataclass(frozen=True, slots=True)
class ImagesWritten:
    """How many images of a folder have been written."""

    done: int
    total: int


def write_stacks(
    folder: Path,
    stacks: Sequence[LabelledStack],
    counts: Sequence[StackCounts],
    chosen: Sequence[int],
    merged: MergedClasses | None = None,
) -> Iterator[ImagesWritten]:
    """Write images and their labels; planes without any label are left out.

    Parameters
    ----------
    folder : Path
        Where images/ and labels/ go.
    stacks, counts : sequence
        The labels, and what is in them.
    chosen : sequence of int
        Numbers of the stacks to write.
    merged : MergedClasses, optional
        The classes of all stacks, of which the labels will be; default: labels are
        written as they are, such as objects.

    Yields
    ------
    ImagesWritten
        After each image.

    Raises
    ------
    ValueError
        If an image or its labels cannot be used.
    OSError
        If a file cannot be written.
    """
    places = [PlaneFile(at, plane) for at in chosen for plane in counts[at].labelled]
    for done, place in enumerate(places, 1):
        stack = stacks[place.stack]
        if merged is None:
            labels = stack.read_labels(place.plane)
            if labels.max(initial=0) > _MAX_ID:
                labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        else:
            ids = stack.read_classes(place.plane)
            labels = _renumbered(ids, merged.ids[place.stack])
        _write(folder, place, stack, labels)
        yield ImagesWritten(done, len(places))


def _renumbered(ids: NDArray[np.integer], new: Mapping[int, int]) -> NDArray[np.uint8]:
    """Return class ids by those of the merged table; what is in none is void."""
    table = np.full(int(ids.max(initial=0)) + 1, VOID, np.uint8)
    table[0] = 0
    for value, number in new.items():
        if value < len(table):
            table[value] = number
    renumbered: NDArray[np.uint8] = table[ids]
    return renumbered


def _write(
    folder: Path, place: PlaneFile, stack: LabelledStack, labels: NDArray[np.integer]
) -> None:
    reader = ImageReader(stack.images[place.plane], stack.limits)
    pixels = reader.read_whole()
    with replacing(folder / "images" / f"{place.stem}.png") as partial:
        Image.fromarray(pixels).save(partial, format="PNG", compress_level=1)
    write_gray_png(folder / "labels" / f"{place.stem}.png", labels)
