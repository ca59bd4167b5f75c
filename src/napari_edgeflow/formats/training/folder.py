"""The folders of images and labels that the command ``train`` reads with --pairs."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan
from napari_edgeflow.formats.training.stacks import (
    LabelledStack,
    MergedClasses,
    StackCounts,
)
from napari_edgeflow.formats.training.survey import DataSurvey

CLASS_LIST = "labels.txt"
"""Name of the list of classes in the folder, which the command finds by itself."""

_MAX_ID = 65_535

_PLACES: dict[Kind, Path] = {
    "object": Path("data", "objects"),
    "semantic": Path("data", "classes"),
}
"""Where a training's folder has the stacks that it learns from."""


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


def write_data(
    plan: TrainingPlan, stacks: Sequence[LabelledStack], survey: DataSurvey
) -> Generator[ImagesWritten, None, TrainingPlan]:
    """Write stacks into the folder of a training, as sources of it.

    Parameters
    ----------
    plan : TrainingPlan
        What the training is told, but for the stacks.
    stacks : sequence of LabelledStack
        What else it learns from.
    survey : DataSurvey
        What is in them, and in the sources of the plan.

    Yields
    ------
    ImagesWritten
        After each image.

    Returns
    -------
    TrainingPlan
        The plan with the new sources, and with the classes of all.

    Raises
    ------
    ValueError
        As :func:`write_stacks`, or if the folder has such images already, which would
        be learnt from as well.
    OSError
        As :func:`write_stacks`.
    """
    for where in _PLACES.values():
        if (plan.output / where).exists():
            raise ValueError(
                f"{plan.output / where} is there already: remove it, or choose "
                "another folder for the training"
            )
    counts = [count for count in survey.counts if count is not None]
    classes = None if plan.task == CLICK_TASK else survey.merged
    sources: list[DataSource] = []
    for kind, where in _PLACES.items():
        chosen = [n for n, one in enumerate(stacks) if one.kind == kind]
        if classes is not None:
            chosen = list(range(len(stacks))) if kind == "semantic" else []
        if any(counts[n].labelled for n in chosen):
            folder = plan.output / where
            yield from write_stacks(folder, stacks, counts, chosen, classes)
            sources.append(DataSource(folder, "pairs", kind))
    plan = replace(plan, sources=(*sources, *plan.sources))
    if classes is not None and len(classes.table):
        path = plan.output / _PLACES["semantic"] / CLASS_LIST
        write_class_list(path, classes.table)
        plan = replace(plan, classes=path)
    return plan


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
