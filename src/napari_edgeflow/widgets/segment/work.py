"""What automatic segmentation does in the background: load, predict, filter, count."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.engine.labels.regions import (
    ClassLabels,
    ClassShare,
    ObjectRegion,
    class_summary,
    keep_classes,
    objects_of,
    remove_small,
)
from napari_edgeflow.engine.runtime.clicks import choose_device
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage, thick_shape
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
from napari_edgeflow.widgets.qt.workers import UnusableModelError

if TYPE_CHECKING:
    import napari

    from napari_edgeflow.engine.segmentation.segmenter import (
        PredictSettings,
        SemanticSegmenter,
    )

LoadSegmenter = Callable[[str, str], "SemanticSegmenter"]


class UnusableDeviceError(ValueError):
    """A device that is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRequest:
    """All that decides a result.

    Parameters
    ----------
    model, device : str
        Name or path of the model, and where to run it.
    planes : tuple of PlaneImage
        The planes to segment, all of the same layer; none only loads the model.
    shape : tuple of int
        Shape of that layer without channels.
    tile_size : int
        Side in pixels of what goes through the network at once.
    flip : bool
        Whether to average with the mirrored image.
    kept : frozenset of int or None
        Ids of the classes to keep; None for all.
    minimum_pixels : int
        Smaller connected areas are left out.
    kind : {"semantic", "object"}
        Whether the labels are to be ids of classes or of objects.
    """

    model: str
    device: str
    planes: tuple[PlaneImage, ...] = ()
    shape: tuple[int, ...] = ()
    tile_size: int = 512
    flip: bool = False
    kept: frozenset[int] | None = None
    minimum_pixels: int = 0
    kind: Kind = "semantic"


@dataclass(frozen=True, slots=True, eq=False)
class SegmentSettings:
    """What a person chose in the dock.

    Parameters
    ----------
    image : Image or None
        The layer to segment.
    every_plane : bool
        Whether to segment all slices of a stack and not only the one that is shown.
    target : Labels or None
        Where the result goes; None for a new layer.
    only_unlabelled : bool
        Whether pixels that have a label keep it.
    request : SegmentRequest
        All else, without planes.
    """

    image: "napari.layers.Image | None"
    every_plane: bool
    target: "napari.layers.Labels | None"
    only_unlabelled: bool
    request: SegmentRequest


@dataclass(frozen=True, slots=True)
class SegmentProgress:
    """How far a request is: plane ``plane`` of ``planes``, ``done`` calls in it."""

    plane: int
    planes: int
    done: int
    total: int

    @property
    def steps(self) -> int:
        """Calls of the network in all planes."""
        return self.planes * self.total

    @property
    def steps_done(self) -> int:
        """Those done so far."""
        return self.plane * self.total + self.done


@dataclass(frozen=True, slots=True, eq=False)
class PlaneResult:
    """The labels of one plane.

    Parameters
    ----------
    plane : Plane
        Which one.
    labels : ndarray
        (H, W) ids of classes, or of objects from 1 on.
    objects : list of ObjectRegion
        The objects, if the labels are their ids.
    """

    plane: Plane
    labels: ClassLabels | NDArray[np.int32] = field(repr=False)
    objects: list[ObjectRegion] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentResult:
    """The answer to a :class:`SegmentRequest`.

    Parameters
    ----------
    device : str
        Where the network ran.
    classes : ClassTable
        The classes of the model.
    devices : tuple of str
        What can be asked for here.
    planes : tuple of PlaneResult
        One for each plane.
    confidence : ndarray
        float32 probability of each label, of the layer's shape, or one thick where
        only one plane of it was segmented.
    summary : tuple of ClassShare
        The classes found, with the background.
    notices : tuple of str
        What happened that a person should know.
    seconds : float
        How long it took.
    """

    device: str
    classes: ClassTable
    devices: tuple[str, ...]
    planes: tuple[PlaneResult, ...] = ()
    confidence: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(0, np.float32), repr=False
    )
    summary: tuple[ClassShare, ...] = ()
    notices: tuple[str, ...] = ()
    seconds: float = 0.0


Segmenting = Generator[SegmentProgress, None, SegmentResult]


class SegmentWork:
    """Answers requests, keeping the model that is loaded.

    Used from one thread at a time.

    Parameters
    ----------
    load : callable
        Loads a model by name or path onto a device.
    """

    def __init__(self, load: LoadSegmenter) -> None:
        self._load = load
        self._segmenter: SemanticSegmenter | None = None
        self._loaded = ("", "")

    def __call__(self, request: SegmentRequest) -> Segmenting:
        """Yield the progress of a request and return its result.

        Raises
        ------
        UnusableModelError, UnusableDeviceError
            If the model cannot be loaded or the device is not there; the model
            before stays.
        ValueError
            If an image cannot be read.
        """
        segmenter = self._prepared(request.model, request.device)
        if not request.planes:
            return SegmentResult(segmenter.device, segmenter.classes, usable_devices())
        return (yield from _segmented(segmenter, request))

    def _prepared(self, model: str, device: str) -> "SemanticSegmenter":
        """Return the segmenter with a model on a device."""
        if self._segmenter is not None and self._loaded == (model, device):
            return self._segmenter
        # Choosing a device may load torch.
        keep_triton_apart()
        # The first Labels layer loads it, in the window's thread if it must.
        import_module("pandas")
        try:
            choose_device(device)
        except ValueError as error:
            raise UnusableDeviceError(str(error)) from error
        try:
            self._segmenter = self._load(model, device)
        except (ValueError, OSError) as error:
            raise UnusableModelError(str(error)) from error
        self._loaded = (model, device)
        return self._segmenter


def usable_devices() -> tuple[str, ...]:
    """Return the devices that can be asked for here; this may load torch."""
    # "auto" takes the best: where that is the CPU, there is nothing else.
    return tuple(dict.fromkeys(("auto", choose_device("auto"), "cpu")))


def _segmented(segmenter: "SemanticSegmenter", request: SegmentRequest) -> Segmenting:
    started = time.monotonic()
    single = request.planes[0].plane if len(request.planes) == 1 else None
    shape = thick_shape(request.shape, single) if single else request.shape
    confidence = np.zeros(shape, np.float32)
    # A stack of results, so that the summary is that of all planes.
    labels = np.zeros(shape, _label_type(segmenter.classes))
    results, notices = [], dict[str, None]()
    for number, image in enumerate(request.planes):
        at = _inside(image.plane, single is not None)
        yield from _look(segmenter, request, number, (labels[at], confidence[at]))
        results.append(_finished(labels[at], image.plane, request))
        notices.update(dict.fromkeys(segmenter.notices))
    return SegmentResult(
        segmenter.device,
        segmenter.classes,
        usable_devices(),
        tuple(results),
        confidence,
        tuple(class_summary(labels, confidence)),
        tuple(notices),
        time.monotonic() - started,
    )


def _label_type(classes: ClassTable) -> Any:
    return np.min_scalar_type(max((entry.id for entry in classes), default=0))


def _inside(plane: Plane, is_single: bool) -> tuple[int | slice, ...]:
    """Return what indexes a plane out of the results."""
    whole = plane.select(slice(None), slice(None))
    return tuple(0 if is_single and isinstance(at, int) else at for at in whole)


def _look(
    segmenter: "SemanticSegmenter",
    request: SegmentRequest,
    number: int,
    results: tuple[ClassLabels, NDArray[np.float32]],
) -> Generator[SegmentProgress, None, None]:
    """Fill in labels and confidence (H, W) of one plane."""
    labels, confidence = results
    settings = _prediction(request)
    count = len(request.planes)
    plane = request.planes[number]
    with closing(segmenter.strips(plane, settings, plane.limits)) as strips:  # type: ignore[type-var]
        for strip in strips:
            rows = slice(strip.top, strip.top + len(strip.labels))
            labels[rows] = strip.labels
            confidence[rows] = strip.confidence
            yield SegmentProgress(number, count, strip.done, strip.total)


def _prediction(request: SegmentRequest) -> "PredictSettings":
    # Here and not above: it is heavy, and this runs in the background.
    from napari_edgeflow.engine.segmentation.segmenter import PredictSettings

    return PredictSettings(tile_size=request.tile_size, flip=request.flip)


def _finished(
    labels: ClassLabels, plane: Plane, request: SegmentRequest
) -> PlaneResult:
    """Leave out, in place, what the person does not want, and find the objects."""
    if request.kept is not None:
        labels[...] = keep_classes(labels, request.kept)
    labels[...] = remove_small(labels, request.minimum_pixels)
    if request.kind == "semantic":
        return PlaneResult(plane, labels)
    ids, objects = objects_of(labels)
    return PlaneResult(plane, ids, objects)
