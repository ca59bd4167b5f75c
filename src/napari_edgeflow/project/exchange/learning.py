"""A project as what a training learns from: its own files, without an export."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.project.content.records import LabelContent
from napari_edgeflow.project.exchange.exports import chosen_labels, meaning
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.images.read import read_any_image, spatial_shape
from napari_edgeflow.project.storage.project_file import STATES, PageState

LABELLED: tuple[PageState, ...] = tuple(state for state in STATES if state != "new")
"""How far images got that a person has labelled."""


@dataclass(frozen=True, slots=True, eq=False)
class ProjectPages:
    """Images of a project that a training is to learn from.

    Parameters
    ----------
    project : Project
        The project; what was noted of it is saved before it is read.
    states : collection of {"new", "work", "done"}
        How far the images got.
    """

    project: Project
    states: Collection[PageState] = LABELLED

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many images these are, how many of them done, and all their objects."""
        record = self.project.record
        pages = [record.page(name) for name in self.project.names]
        mine = [page for page in pages if page.state in self.states]
        done = sum(page.state == "done" for page in mine)
        return len(mine), done, sum(page.objects for page in mine)

    def stacks(self) -> tuple[LabelledStack, ...]:
        """Return each image that has labels; pixels are read when they are asked for.

        Raises
        ------
        NewerProjectError
            If a newer version of this program wrote one.
        """
        self.project.wait()
        # Planes of one stack follow each other: its file is read once for them.
        labels = lru_cache(maxsize=1)(partial(_labels, self.project))
        pixels = lru_cache(maxsize=1)(read_any_image)
        return tuple(
            _stack(
                name,
                layer,
                partial(labels, name),
                partial(pixels, self.project.image(name)),
            )
            for name, content in self.project.read_pages(self.states)
            if (layer := chosen_labels(content)) is not None
        )


def _labels(project: Project, name: str) -> NDArray[np.integer[Any]]:
    layer = chosen_labels(project.read_page(name))
    if layer is None:
        raise ValueError(f"the labels of {name} were deleted meanwhile: start again")
    return layer.labels


def _stack(
    name: str,
    layer: LabelContent,
    labels: Callable[[], NDArray[Any]],
    pixels: Callable[[], NDArray[Any]],
) -> LabelledStack:
    kind, class_of = meaning(layer)
    shape = layer.labels.shape
    places = list(np.ndindex(shape[:-2]))
    return LabelledStack(
        name,
        [_Plane(name, pixels, shape, place) for place in places],
        [_Plane(name, labels, shape, place) for place in places],
        kind,
        layer.classes if len(layer.classes) else None,
        class_of,
    )


@dataclass(frozen=True, slots=True)
class _Plane:
    """A plane of an image or of its labels, read when it is asked for."""

    name: str
    read: Callable[[], NDArray[Any]]
    whole: tuple[int, ...]
    place: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.whole[-2:]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        array = self.read()
        if spatial_shape(array) != self.whole:
            raise ValueError(
                f"{self.name} has the shape {spatial_shape(array)}, its labels "
                f"{self.whole}: was the image exchanged? Label it anew, or put the "
                "image back"
            )
        return np.asarray(array[self.place], dtype)
