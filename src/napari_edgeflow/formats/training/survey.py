"""A look at all data before a training: how much there is, and what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.formats.kinds.voc.folder import VOC_LABELS
from napari_edgeflow.formats.training.plan import DataSource
from napari_edgeflow.formats.training.sources import (
    common_classes,
    files_of_labels,
    source_contents,
)
from napari_edgeflow.formats.training.stacks import (
    RARE,
    LabelledStack,
    MergedClasses,
    StackCounts,
    class_pixels,
    count_stack,
    looks_like_objects,
    merge_classes,
)

LEAST_CROP = 192
"""Side in pixels of the smallest crops of a training, unless another is asked for."""

MOST_COUNTED = 200
"""Images to count at most: more take long and tell little more."""

_NAMED = 3
"""Rare classes that are named in a warning."""


@dataclass(frozen=True, slots=True)
class FolderCounts:
    """What the labels of some of a folder's images hold.

    Parameters
    ----------
    pixels : mapping
        Number of pixels of each class id, 0 among them; those of all images are told
        by as many as were counted.
    counted, empty : int
        How many images were counted, and how many of them have no label.
    """

    pixels: Mapping[int, int]
    counted: int
    empty: int


def count_folder(folder: DataSource) -> FolderCounts:
    """Return what is in a folder; it is counted again once its files change.

    Raises
    ------
    ValueError
        If labels cannot be used.
    OSError
        If a file cannot be read.
    """
    place = {"pairs": "labels", "voc": VOC_LABELS, "coco": ""}[folder.layout]
    return _count_files(folder, (folder.path / place).stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _count_files(folder: DataSource, _changed: int) -> FolderCounts:
    total: dict[int, int] = {}
    counted = empty = 0
    for labels in _labels(folder):
        values, pixels = np.unique(labels, return_counts=True)
        found = dict(zip(values.tolist(), pixels.tolist(), strict=True))
        counted += 1
        empty += not set(found) - {0, VOID}
        for value, number in found.items():
            total[value] = total.get(value, 0) + number
    return FolderCounts(total, counted, empty)


def _labels(folder: DataSource) -> Iterator[NDArray[np.integer]]:
    if folder.layout == "coco":
        listed = islice(
            read_coco(folder.path, lambda _: None, folder.images), MOST_COUNTED
        )
        yield from (annotation.class_labels() for annotation in listed)
        return
    for path in spread(files_of_labels(folder)):
        yield read_label_image(path)


def spread(paths: list[Path]) -> list[Path]:
    """Return ``MOST_COUNTED`` of the paths at most, from all of the list."""
    return paths[:: -(-len(paths) // MOST_COUNTED) or 1]


@dataclass(frozen=True, slots=True)
class DataSurvey:
    """What there is to learn from.

    Parameters
    ----------
    counts : tuple of StackCounts or None
        Of each stack; None for one that cannot be used.
    images : tuple of int
        Number of labelled images in each stack, then in each folder.
    merged : MergedClasses
        The classes of all usable stacks and of the folders.
    pixels : mapping
        Pixels of each class, 0 among them; of large folders, of some of their images.
    problems : tuple of str
        Why this cannot be trained on, in sentences; empty if it can.
    warnings : tuple of str
        What a person should know before.
    """

    counts: tuple[StackCounts | None, ...] = ()
    images: tuple[int, ...] = ()
    merged: MergedClasses = field(
        default_factory=lambda: MergedClasses(ClassTable(()), ())
    )
    pixels: dict[int, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    object_like: tuple[bool, ...] = ()
    """Of each stack, whether its labels look like objects and nobody told."""

    def usable(self) -> "DataSurvey":
        """Return it; ValueError with all problems if this cannot be trained on."""
        if self.problems:
            raise ValueError(" ".join(self.problems))
        return self


def survey_data(
    stacks: Sequence[LabelledStack],
    folders: tuple[DataSource, ...] = (),
    *,
    unlabelled: bool = False,
    by_object: bool = False,
    size: int | None = None,
) -> DataSurvey:
    """Look at all labels of the stacks, and at what is in the folders.

    Parameters
    ----------
    stacks, folders : sequence
        What to learn from.
    unlabelled : bool
        Whether pixels of 0 have no label yet, instead of being background.
    by_object : bool
        Whether objects are learnt, not classes: one class will do then.
    size : int, optional
        Side of crops in pixels.
    """
    problems: list[str] = []
    counts = [_counted(stack, problems) for stack in stacks]
    inside, known = _in_folders(folders, problems)
    of_folders = [] if problems else _counted_folders(folders, problems)
    usable = [(s, c) for s, c in zip(stacks, counts, strict=True) if c is not None]
    found = [count for _, count in usable]
    try:
        merged = merge_classes([stack for stack, _ in usable], found, known)
    except ValueError as error:
        problems.append(str(error))
        merged = MergedClasses(ClassTable(()), tuple({} for _ in usable))
    pixels = class_pixels(merged, found)
    for folder_counts in of_folders:
        for value, number in folder_counts.pixels.items():
            if value in pixels:
                pixels[value] += number
    images = [0 if count is None else len(count.labelled) for count in counts]
    survey = DataSurvey(
        tuple(counts),
        (*images, *inside),
        merged,
        pixels,
        warnings=(
            *_gaps(stacks, counts),
            *_empty(folders, of_folders),
            *([] if by_object else _rare(merged.table, pixels, unlabelled)),
        ),
        object_like=tuple(map(_object_like, stacks, counts)),
    )
    if not problems:
        # Nothing else is around an object; around pixels of a class there may be more.
        whole = not unlabelled or any(stack.kind == "object" for stack in stacks)
        single = by_object and whole
        problems += _too_little(survey, len(folders), unlabelled, single)
        if not by_object:
            # Crops for clicks are as large as objects ask for.
            problems += _too_small(found, len(folders), size or LEAST_CROP)
    return replace(survey, problems=tuple(problems))


def _in_folders(
    folders: tuple[DataSource, ...], problems: list[str]
) -> tuple[list[int], ClassTable | None]:
    """Return how many images each folder has, and the classes of all."""
    inside, tables = [0] * len(folders), []
    for at, folder in enumerate(folders):
        try:
            inside[at], classes = source_contents(folder)
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        if classes is not None:
            tables.append((folder.path, classes))
    try:
        return inside, common_classes(tables)
    except ValueError as error:
        problems.append(str(error))
        return inside, None


def _counted_folders(
    folders: Sequence[DataSource], problems: list[str]
) -> list[FolderCounts]:
    try:
        return [count_folder(folder) for folder in folders]
    except (ValueError, OSError) as error:
        problems.append(str(error))
        return []


def _empty(
    folders: Sequence[DataSource], counts: Sequence[FolderCounts]
) -> Iterator[str]:
    for folder, found in zip(folders, counts, strict=False):
        if found.empty:
            yield (
                f"{found.empty} of {found.counted} images of {folder.folder.name!r} "
                "have no labels."
            )


def _object_like(stack: LabelledStack, counts: StackCounts | None) -> bool:
    return counts is not None and looks_like_objects(stack, counts)


def _counted(stack: LabelledStack, problems: list[str]) -> StackCounts | None:
    try:
        return count_stack(stack)
    except (ValueError, OSError) as error:
        problems.append(str(error))
        return None


def _gaps(
    stacks: Sequence[LabelledStack], counts: Sequence[StackCounts | None]
) -> list[str]:
    sentences = []
    for stack, count in zip(stacks, counts, strict=True):
        if count is None or len(count.labelled) == count.planes:
            continue
        if not count.labelled:
            sentences.append(f"{stack.name!r} has no labels: it is left out.")
        else:
            empty = count.planes - len(count.labelled)
            sentences.append(
                f"{empty} of {count.planes} slices of {stack.name!r} have no labels: "
                "they are left out."
            )
    return sentences


def shares(pixels: dict[int, int], unlabelled: bool) -> dict[int, float]:
    """Return the share of each class of the pixels that count, 0..1."""
    counted = {i: n for i, n in pixels.items() if i or not unlabelled}
    total = max(sum(counted.values()), 1)
    return {class_id: number / total for class_id, number in counted.items()}


def _rare(table: ClassTable, pixels: dict[int, int], unlabelled: bool) -> list[str]:
    share = shares(pixels, unlabelled)
    rare = [entry for entry in table if 0 < share.get(entry.id, 0) < RARE]
    if not rare:
        return []
    named = ", ".join(f"{e.name} ({share[e.id]:.2%})" for e in rare[:_NAMED])
    others = f" and {len(rare) - _NAMED} more" if len(rare) > _NAMED else ""
    return [f"Less than 1% of the pixels are {named}{others}: label more of it."]


def _too_little(
    survey: DataSurvey, folders: int, unlabelled: bool, single: bool
) -> list[str]:
    if not survey.images:
        return ["There is nothing to learn from: add an image and its labels."]
    if not sum(survey.images):
        return ["Nothing is labelled yet: label some pixels of each class first."]
    found = [
        i for i, number in survey.pixels.items() if number and (i or not unlabelled)
    ]
    if len(found) < 2 and not folders and not single:
        name = survey.merged.table.get(found[0]).name if any(found) else "background"
        remedy = (
            "label pixels of another class, or let 0 be background"
            if unlabelled
            else "leave the background at 0, or label another class"
        )
        return [f"All that is labelled is {name}: {remedy}."]
    return []


def _too_small(counts: Sequence[StackCounts], folders: int, side: int) -> list[str]:
    shapes = [count.shape for count in counts for _ in count.labelled]
    if folders or len(shapes) != 1 or max(shapes[0]) >= side:
        return []
    height, width = shapes[0]
    return [
        f"The only image has {height} x {width} pixels: label more images, one with a "
        f"side of {side} pixels or more, or choose smaller crops under More."
    ]
