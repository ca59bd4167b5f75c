"""What following an object through a stack has done in the background."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import tee
from typing import TYPE_CHECKING, Any

from napari_edgeflow.engine.labels.classes import LabelClass
from napari_edgeflow.engine.propagation.propagate import SliceReport, propagate
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.raster.masks import bounding_window, components_by_size
from napari_edgeflow.widgets.clicks.object.work import LastSegmenter, LoadClickSegmenter
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage
from napari_edgeflow.widgets.objects.table.edits import ObjectChange
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_edgeflow.widgets.layers.object_records import ObjectRecord
    from napari_edgeflow.widgets.objects.table.entries import ObjectEntry


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """What is followed: an object, or each connected region of a class.

    Parameters
    ----------
    value : int
        Its value in the layer.
    text : str
        What to call it, as in "object 3" or "class cat".
    record : ObjectRecord or None
        How the object came to be; None if nobody told.
    is_class : bool
        Whether it is a class.
    """

    value: int
    text: str
    record: "ObjectRecord | None" = None
    is_class: bool = False

    @classmethod
    def of_object(cls, entry: "ObjectEntry") -> "Followed":
        """Return an object."""
        return cls(entry.id, f"object {entry.id}", entry.record)

    @classmethod
    def of_class(cls, entry: LabelClass) -> "Followed":
        """Return the regions of a class."""
        return cls(entry.id, f"class {entry.name}", is_class=True)


@dataclass(frozen=True, slots=True, eq=False)
class PropagateRequest:
    """What to follow, and where.

    Parameters
    ----------
    model : str
        Name or path of the model.
    labels : Labels
        The layer that it is in.
    followed : Followed
        The object or class.
    image : PlaneImage
        The plane in which it is labelled.
    data : array_like
        The labels.
    planes : tuple of Plane
        The planes to follow it through, in this order.
    """

    model: str
    labels: "Labels"
    followed: Followed
    image: PlaneImage
    data: Any = field(repr=False)
    planes: tuple[Plane, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FoundPart:
    """What was found in a plane, of which region and of how many."""

    plane: Plane
    report: SliceReport
    region: int = 0
    regions: int = 1


class PropagateWork:
    """Follows objects, keeping the model that is loaded.

    Used from one thread at a time.
    """

    def __init__(self, load: LoadClickSegmenter) -> None:
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
        first = request.image
        present = first.plane.read(request.data)
        mask = present == request.followed.value
        regions = [mask]
        if request.followed.is_class:
            found = components_by_size(mask)
            regions = [found == i for i in range(1, int(found.max()) + 1)]
        # All regions are followed side by side, so that each slice is read once.
        start = ImageReader(first, first.limits)
        slices = (ImageReader(first.at(p), first.limits) for p in request.planes)
        runs = [
            propagate(segmenter, start, part, shared)
            for part, shared in zip(regions, tee(slices, len(regions)), strict=True)
        ]
        for plane in request.planes:
            for region, run in enumerate(runs):
                report = next(run, None)
                if report is not None:
                    yield FoundPart(plane, report, region, len(regions))


def planes_beside(plane: Plane, axis: int, count: int, size: int) -> tuple[Plane, ...]:
    """Return the planes next to one, nearest first.

    There are ``count`` of them along an axis of ``size`` planes, fewer at its end; a
    negative count is for those before it.
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

    What an object had in these planes before is replaced. All other labels stay as
    they are, and so do those of a class.
    """
    followed, record = request.followed, request.followed.record
    slices = len({part.plane for part in found})
    records = [] if record is None else [replace(record, source="propagated")]
    what = f"propagate {followed.text} to {slices} slice{'s' * (slices > 1)}"
    return ObjectChange(what, _pixels(request, found), records)


def _pixels(
    request: PropagateRequest, found: Sequence[FoundPart]
) -> Generator[PixelChange, None, None]:
    value, data = request.followed.value, request.labels.data
    for part in found:
        present = part.plane.read(data)
        own = present == value
        around = None if request.followed.is_class else bounding_window(own)
        if around is not None:
            yield PixelChange(part.plane, around, own[around.slices], 0)
        found_here = part.report.part
        if found_here is not None:
            window = found_here.window
            free = found_here.mask & ((present <= 0) | own)[window.slices]
            yield PixelChange(part.plane, window, free, value)
