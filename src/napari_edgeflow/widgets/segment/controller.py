"""What happens in the dock for automatic segmentation, without any of its buttons."""

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import Signal

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.fields.choices import device_name
from napari_edgeflow.widgets.layers.labels import check_target, read_scheme
from napari_edgeflow.widgets.layers.planes import every_plane, layer_shape, read_plane
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.workers import UnusableModelError, show_problem
from napari_edgeflow.widgets.segment.confidence import ConfidenceLayer
from napari_edgeflow.widgets.segment.work import (
    LoadSegmenter,
    SegmentProgress,
    SegmentRequest,
    SegmentResult,
    SegmentSettings,
    SegmentWork,
    UnusableDeviceError,
)
from napari_edgeflow.widgets.workspace.history import StepEndedError
from napari_edgeflow.widgets.workspace.label_writer import (
    LabelTarget,
    LabelWriter,
    NewLabels,
    PlaneLabels,
    Written,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer


class SegmentController(Run[SegmentRequest, SegmentProgress, SegmentResult]):
    """Segments images in the background and writes what comes of it into labels.

    A result takes the place of the one before in the same layer and plane, as far as
    that has not been painted over since; other labels are never cleared.

    Parameters
    ----------
    load : callable
        Loads a model by name or path onto a device.
    settings : SegmentSettings
        What is chosen at first.
    """

    loaded = Signal(object, object)
    """Classes of the model, and the devices that there are."""
    model_refused = Signal(str)
    device_refused = Signal(str)
    found = Signal(object, object)
    """Classes of the model, and how much there is of each."""
    committed = Signal(object)

    def __init__(
        self, viewer: "Viewer", load: LoadSegmenter, settings: SegmentSettings
    ) -> None:
        work = SegmentWork(load)
        super().__init__("Segmenting", "segmentation", work, viewer.layers)
        self._viewer = viewer
        self._settings = self._used = settings
        self._asked = ("", "")
        self._writer = LabelWriter(viewer, replaces=True)
        self.confidence = ConfidenceLayer(viewer)
        self._run_links = Connections()

    @property
    def running(self) -> bool:
        """Whether there is a run that has not written its result yet."""
        return super().busy

    @property
    def busy(self) -> bool:
        """Whether something is done in the background, or written."""
        return self._calls.busy or self.running

    def open(self) -> None:
        """Start with the settings given."""
        self._load()

    def configure(self, settings: SegmentSettings) -> None:
        """Note what a person chose; a run goes on with what it started with."""
        self._settings = settings
        self._load()

    def run(self) -> None:
        """Segment the image with the present settings."""
        if self.running:
            return
        settings = self._used = self._settings
        try:
            request = segment_request(self._viewer, settings)
        except ValueError as error:
            show_warning(str(error))
            return
        image, target = settings.image, settings.target
        if image is not None:
            self._run_links.connect(image.events.data, self._on_image_data)
        self._asked = (request.model, request.device)
        closed = "" if image is None else f"its image {image.name!r} was closed"
        gone = "" if target is None else f"its labels {target.name!r} were deleted"
        self._start(request, "Starting …", (image, closed), (target, gone))

    def close(self) -> None:
        """Stop, and follow the viewer no longer."""
        self.confidence.close()
        super().close()

    def _load(self) -> None:
        """Have the chosen model loaded, so that a run need not wait for it."""
        request = self._settings.request
        wanted = (request.model, request.device)
        if not self.running and wanted != self._asked:
            self._asked = wanted
            self.state_changed.emit("Loading the model …")
            self._calls(request)

    # ---- results

    def _reported(self, request: SegmentRequest, made: SegmentProgress) -> None:
        self._show(made.steps_done, made.steps, _running_text(made))

    def _on_result(self, request: SegmentRequest, result: SegmentResult) -> None:
        self.loaded.emit(result.classes, result.devices)
        if not request.planes:
            self.state_changed.emit(_ready_text(result))
        super()._on_result(request, result)

    def _made(self, request: SegmentRequest, result: SegmentResult) -> None:
        for notice in result.notices:
            show_info(notice)
        self._write(self._writing(self._used, result))

    def _writing(
        self, settings: SegmentSettings, result: SegmentResult
    ) -> Generator[None, None, tuple[SegmentResult, Written | None]]:
        target, image = settings.target, settings.image
        if image is None or (target is None and not _found(result).classes):
            return result, None
        classes = result.classes if read_scheme(target) is None else _found(result)
        planes = [
            PlaneLabels(
                part.plane,
                part.labels,
                classes,
                {region.object_id: region.class_id for region in part.objects},
            )
            for part in result.planes
        ]
        to = LabelTarget(image, target, settings.request.kind, settings.only_unlabelled)
        what, too_many = "segment automatically", "leave out small ones"
        new = NewLabels(planes, what, "auto", too_many)
        return result, (yield from self._writer.write(to, new))

    def _written(self, made: tuple[SegmentResult, Written | None]) -> None:
        result, written = made
        settings = self._used
        self._end(_written_text(settings, result, written))
        self.found.emit(result.classes, result.summary)
        if written is None or written.target not in self._viewer.layers:
            return
        single = result.planes[0].plane if len(result.planes) == 1 else None
        self._viewer.layers.selection.active = written.target
        self.committed.emit(written.target)
        image = settings.image
        if image is not None:
            self.confidence.hold(image, written.target, single, result.confidence)

    def _on_error(self, request: SegmentRequest, error: Exception) -> None:
        if request is not self._request:
            self.state_changed.emit("It did not work.")
            show_problem(error)
        super()._on_error(request, error)
        if isinstance(error, UnusableModelError):
            self.model_refused.emit(request.model)
        elif isinstance(error, UnusableDeviceError):
            self.device_refused.emit(request.device)

    def _failed(self, error: Exception) -> None:
        state = "It did not work." if self._can_cancel else "Nothing was written."
        self._end("Stopped." if isinstance(error, StepEndedError) else state)
        show_problem(error)

    def _end(self, state: str) -> None:
        super()._end(state)
        self._load()

    def _forget(self) -> None:
        self._run_links.close()
        super()._forget()

    def _on_image_data(self) -> None:
        self._abandon("the pixels of its image were exchanged")


def _found(result: SegmentResult) -> ClassTable:
    """Return the classes of the model that occur in a result."""
    there = {share.class_id for share in result.summary}
    return ClassTable(tuple(c for c in result.classes if c.id in there))


def segment_request(viewer: "Viewer", settings: SegmentSettings) -> SegmentRequest:
    """Return what to do in the background.

    Raises
    ------
    ValueError
        If there is nothing to segment, or nowhere to write to.
    """
    image, target = settings.image, settings.target
    if image is None:
        raise ValueError("There is no image: open one first.")
    kept = settings.request.kept
    if kept is not None and not kept:
        raise ValueError("No class is ticked: tick at least one in the list.")
    shape = layer_shape(image)
    if target is not None:
        check_target(target, shape)
    shown = read_plane(viewer, image)
    planes = every_plane(shown, shape) if settings.every_plane else (shown,)
    return replace(settings.request, planes=planes, shape=shape)


def _ready_text(result: SegmentResult) -> str:
    """Return what to say when the model is loaded."""
    return f"{device_name(result.device)} · ready"


def _running_text(made: SegmentProgress) -> str:
    """Return what to say while the network runs."""
    percent = f"{100 * made.done // max(made.total, 1)} %"
    if made.planes == 1:
        return f"Segmenting: {percent}"
    return f"Segmenting slice {made.plane + 1} of {made.planes}: {percent}"


def _written_text(
    settings: SegmentSettings, result: SegmentResult, written: Written | None
) -> str:
    """Return what to say of a result that was written."""
    took = f"{device_name(result.device)} · {result.seconds:.1f} s"
    if written is None or not any(share.class_id for share in result.summary):
        return f"{took} · no object of the classes chosen was found."
    if not written.changed:
        if settings.only_unlabelled:
            return (
                f"{took} · nothing new: all of it has labels already. Untick "
                "“Only where unlabelled” to write over them."
            )
        return f"{took} · nothing new: the labels were like this already."
    classes = sum(1 for share in result.summary if share.class_id)
    found = f"{classes} class" if classes == 1 else f"{classes} classes"
    if settings.request.kind == "object":
        found = f"{written.objects} objects, {found}"
    return f"{took} · {found}"
