"""Labels of many sources as one data set: their classes brought together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.labels.classes import (
    MAX_CLASS_ID,
    ClassTable,
    Kind,
    LabelClass,
)
from napari_edgeflow.engine.labels.kinds import guess_kind
from napari_edgeflow.formats.annotation.planes import UNNAMED
from napari_edgeflow.formats.files.class_lists import voc_colour

RARE = 0.01
"""A class of a smaller share of the labelled pixels is hard to learn."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledStack:
    """Images that belong together, and their labels.

    Parameters
    ----------
    name : str
        What a person calls it.
    images, labels : sequence of array_like
        The planes, (H, W) or (H, W, C) and (H, W); each is read when it is asked for.
    kind : {"semantic", "object"}
        Whether a label is the id of a class or of an object.
    classes : ClassTable or None
        What the class ids mean; None if nobody told.
    class_of : mapping
        The class id of each object, where it is known.
    limits : tuple of float, optional
        Values of the images that are shown as black and as white.

    Raises
    ------
    ValueError
        If there are no planes, or not as many labels as images.
    """

    name: str
    images: Sequence[Any]
    labels: Sequence[Any]
    kind: Kind = "semantic"
    classes: ClassTable | None = None
    class_of: Mapping[int, int] = field(default_factory=dict)
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if not self.images or len(self.images) != len(self.labels):
            raise ValueError(
                f"{self.name!r} has {len(self.images)} images and {len(self.labels)} "
                "labels: training needs as many of both"
            )

    def read_labels(self, plane: int) -> NDArray[np.integer]:
        """Return the labels (H, W) of a plane as they are.

        Raises
        ------
        ValueError
            If they are no whole numbers from 0 on, or of another shape than the
            image.
        """
        labels: NDArray[np.integer] = np.asarray(self.labels[plane])
        labels = labels[..., 0] if labels.ndim == 3 else labels
        height, width = self.images[plane].shape[:2]
        if labels.shape != (height, width):
            raise ValueError(
                f"the labels of {self.name!r} have the shape {labels.shape}, the image "
                f"{(height, width)}: both need the same height and width"
            )
        if labels.dtype.kind not in "bui":
            raise ValueError(
                f"the labels of {self.name!r} are {labels.dtype}: convert them to "
                "whole numbers"
            )
        if labels.dtype.kind == "i" and labels.min(initial=0) < 0:
            raise ValueError(
                f"the labels of {self.name!r} go down to {int(labels.min())}: label "
                "from 0 upwards"
            )
        return labels.astype(np.uint8) if labels.dtype == np.bool_ else labels

    def read_classes(self, plane: int) -> NDArray[np.integer]:
        """Return the class id (H, W) of each pixel, ``VOID`` where it is not known.

        Errors as :meth:`read_labels`.
        """
        labels = self.read_labels(plane)
        if self.kind == "semantic":
            return labels
        if not self.class_of:
            return (labels > 0).astype(np.uint8)
        values, places = np.unique(labels, return_inverse=True)
        known = [self.class_of.get(value, VOID) if value else 0 for value in values]
        ids = np.array(known, np.uint16)
        classes: NDArray[np.integer] = ids[places.reshape(labels.shape)]
        return classes


@dataclass(frozen=True, slots=True)
class StackCounts:
    """What the labels of a stack hold.

    Parameters
    ----------
    pixels : mapping
        Number of pixels of each class id, 0 among them; only planes that have a
        label count.
    labelled : tuple of int
        The planes that have a label.
    planes : int
        All planes.
    shape : tuple of int
        Height and width of a plane.
    """

    pixels: Mapping[int, int]
    labelled: tuple[int, ...]
    planes: int
    shape: tuple[int, int]


def count_stack(stack: LabelledStack) -> StackCounts:
    """Return what the labels of a stack hold; errors as :meth:`read_labels`.

    Raises
    ------
    ValueError
        Also if a class id is higher than any can be.
    """
    total: dict[int, int] = {}
    labelled = []
    for plane in range(len(stack.labels)):
        ids = stack.read_classes(plane)
        highest = int(ids.max(initial=0))
        if highest > MAX_CLASS_ID:
            raise ValueError(
                f"the labels of {stack.name!r} go up to {highest}, and classes to "
                f"{MAX_CLASS_ID}: are they objects rather than classes?"
            )
        counts = np.bincount(ids.ravel())
        if not counts[1:].any():
            continue
        labelled.append(plane)
        for value in np.flatnonzero(counts).tolist():
            total[value] = total.get(value, 0) + int(counts[value])
    height, width = stack.images[0].shape[:2]
    return StackCounts(total, tuple(labelled), len(stack.labels), (height, width))


def looks_like_objects(stack: LabelledStack, counts: StackCounts) -> bool:
    """Return whether labels of which nobody told what they are look like objects."""
    if stack.kind == "object" or stack.classes is not None or not counts.labelled:
        return False
    guess = guess_kind(stack.read_labels(counts.labelled[0]))
    return guess is not None and guess.kind == "object"


@dataclass(frozen=True, slots=True)
class MergedClasses:
    """The classes of several stacks as one table.

    Parameters
    ----------
    table : ClassTable
        The classes that occur.
    ids : tuple of mapping
        For each stack, the id in ``table`` of each of its own ids.
    """

    table: ClassTable
    ids: tuple[Mapping[int, int], ...]


def merge_classes(
    stacks: Sequence[LabelledStack],
    counts: Sequence[StackCounts],
    known: ClassTable | None = None,
) -> MergedClasses:
    """Bring the classes that occur in several stacks together.

    Classes of the same name are one. A class keeps its id where that is free; values
    that nobody named are the class of their id if there is one, else "class 7" or the
    like.

    Parameters
    ----------
    stacks, counts : sequence
        The stacks, and what is in each.
    known : ClassTable, optional
        Classes whose ids are fixed, such as those of a folder.

    Raises
    ------
    ValueError
        If there are more classes than a training can have.
    """
    entries = list(known or ())
    ids: list[dict[int, int]] = [{} for _ in stacks]
    # Those with names first: the others may be of the same classes.
    order = sorted(range(len(stacks)), key=lambda at: stacks[at].classes is None)
    for at in order:
        found = sorted(set(counts[at].pixels) - {0, VOID})
        for entry in _entries(stacks[at], found, entries):
            same = next((e for e in entries if e.name == entry.name), None)
            if same is None:
                same = _placed(entry, entries)
                entries.append(same)
            ids[at][entry.id] = same.id
    return MergedClasses(ClassTable(tuple(entries)), tuple(ids))


def _entries(
    stack: LabelledStack, found: Iterable[int], known: Sequence[LabelClass]
) -> list[LabelClass]:
    """Return the classes of a stack that occur, in the order of its table."""
    listed = {entry.id: entry for entry in stack.classes or ()}
    named = {entry.id: entry for entry in known}
    result = []
    for value in found:
        entry = listed.get(value)
        if entry is None and stack.classes is None:
            entry = named.get(value)
        if entry is None:
            one = stack.kind == "object" and not stack.class_of
            name = UNNAMED if one else f"class {value}"
            entry = LabelClass(value, name, voc_colour(value))
        result.append(entry)
    places = {value: place for place, value in enumerate(listed)}
    return sorted(result, key=lambda entry: places.get(entry.id, len(places)))


def _placed(entry: LabelClass, others: Sequence[LabelClass]) -> LabelClass:
    """Return a class with an id that no other has and that a PNG can hold."""
    taken = {other.id for other in others}
    if entry.id in taken or entry.id >= VOID:
        free = next((i for i in range(1, VOID) if i not in taken), None)
        if free is None:
            raise ValueError(
                f"there are over {VOID - 1} classes: a training can tell that many "
                "apart; are the labels objects rather than classes?"
            )
        return LabelClass(free, entry.name, entry.colour)
    return entry


def class_pixels(
    merged: MergedClasses, counts: Sequence[StackCounts]
) -> dict[int, int]:
    """Return the pixels of each class id of the merged table, 0 among them."""
    total = {0: 0, **{entry.id: 0 for entry in merged.table}}
    for ids, count in zip(merged.ids, counts, strict=True):
        for value, pixels in count.pixels.items():
            if value == 0:
                total[0] += pixels
            elif value in ids:
                total[ids[value]] += pixels
    return total
