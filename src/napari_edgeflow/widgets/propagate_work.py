"""What following an object through a stack has done in the background."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.masks import bounding_window
from napari_edgeflow.engine.propagate import SliceReport, propagate
from napari_edgeflow.widgets.click_work import LastSegmenter, LoadSegmenter
from napari_edgeflow.widgets.object_edits import ObjectChange
from napari_edgeflow.widgets.object_history import PixelChange
from napari_edgeflow.widgets.planes import Plane, PlaneImage

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_edgeflow.widgets.object_entries import ObjectEntry


@dataclass(frozen=True, slots=True, eq=False)
class PropagateRequest:
    """An object to follow.

    Parameters
    ----------
    model : str
        Name or path of the model.
    labels : Labels
        The layer that the object is in.
    entry : ObjectEntry
        The object.
    image : PlaneImage
        The plane in which it is labelled.
    data : array_like
        The labels.
    planes : tuple of Plane
        The planes to follow it through, in this order.
    """

    model: str
    labels: "Labels"
    entry: "ObjectEntry"
    image: PlaneImage
    data: Any = field(repr=False)
    planes: tuple[Plane, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FoundPart:
    """What was found in a plane."""

    plane: Plane
    report: SliceReport


class PropagateWork:
    """Follows objects, keeping the model that is loaded.

    Used from one thread at a time.

    Parameters
    ----------
    load : callable
        Loads a model by name or path.
    """

    def __init__(self, load: LoadSegmenter) -> None:
        self._models = LastSegmenter(load)

    def __call__(self, request: PropagateRequest) -> Generator[FoundPart, None, None]:
        """Yield what is found, plane by plane.

        Raises
        ------
        UnusableModelError
            If the model cannot be loaded.
        ValueError
            If the image cannot be read or the object is not in its plane.
        """
        segmenter = self._models.get(request.model)
        first, whole = request.image, (slice(None), slice(None))
        mask = np.asarray(request.data[first.plane.select(*whole)]) == request.entry.id
        slices = (first.at(plane) for plane in request.planes)
        reports = propagate(segmenter, first, mask, slices, first.limits)
        for plane, report in zip(request.planes, reports, strict=False):
            yield FoundPart(plane, report)


def planes_beside(plane: Plane, axis: int, count: int, size: int) -> tuple[Plane, ...]:
    """Return the planes next to one, nearest first.

    Parameters
    ----------
    plane : Plane
        The one.
    axis : int
        The axis to go along.
    count : int
        How many; negative for those before it. There are fewer at the end of the axis.
    size : int
        How many planes the axis has.
    """
    at = plane.index[axis] or 0
    step = 1 if count > 0 else -1
    places = range(at + step, at + count + step, step)
    return tuple(
        Plane((*plane.index[:axis], place, *plane.index[axis + 1 :]))
        for place in places
        if 0 <= place < size
    )


def propagated(request: PropagateRequest, found: Sequence[FoundPart]) -> ObjectChange:
    """Return what following an object changes in its layer.

    What it had in these planes before is replaced; other objects stay as they are.
    """
    entry, slices = request.entry, len(found)
    record = entry.record
    records = [] if record is None else [replace(record, source="propagated")]
    what = f"propagate object {entry.id} to {slices} slice{'s' * (slices > 1)}"
    return ObjectChange(what, _pixels(request, found), records)


def _pixels(
    request: PropagateRequest, found: Sequence[FoundPart]
) -> Generator[PixelChange, None, None]:
    value, data = request.entry.id, request.labels.data
    for part in found:
        present = np.asarray(data[part.plane.select(slice(None), slice(None))])
        own = present == value
        box, window, mask = bounding_window(own), part.report.window, part.report.mask
        if box is not None:
            around = Window(*box)
            yield PixelChange(part.plane, around, own[around.slices], 0)
        if window is not None:
            free = mask & ((present == 0) | own)[window.slices]
            yield PixelChange(part.plane, window, free, value)
