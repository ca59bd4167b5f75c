"""What happens in the dock for automatic segmentation, without any of its buttons."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.planes import every_plane, layer_shape, read_plane
from napari_edgeflow.widgets.qt.activity import ActivityBar
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.workers import (
    StreamCall,
    UnusableModelError,
    show_problem,
)
from napari_edgeflow.widgets.segment.commit import ResultWriter, Written
from napari_edgeflow.widgets.segment.confidence import ConfidenceLayer
from napari_edgeflow.widgets.segment.settings import SegmentSettings
from napari_edgeflow.widgets.segment.texts import ready_text, running_text, written_text
from napari_edgeflow.widgets.segment.work import (
    LoadSegmenter,
    SegmentProgress,
    SegmentRequest,
    SegmentResult,
    SegmentWork,
    UnusableDeviceError,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer

_WRITING_S = 0.01
"""How long results are written before the window gets its turn."""


@dataclass(slots=True, eq=False)
class _Run:
    """A run from the press of the button until its result is written."""

    settings: SegmentSettings
    request: SegmentRequest
    bar: ActivityBar
    result: SegmentResult | None = None
    writing: Generator[None, None, Written] | None = None


class SegmentController(QObject):
    """Segments images in the background and writes what comes of it into labels.

    Parameters
    ----------
    viewer : Viewer
        Where images and labels are.
    load : callable
        Loads a model by name or path onto a device.
    settings : SegmentSettings
        What is chosen at first.
    """

    state_changed = Signal(str)
    running_changed = Signal(bool, bool)
    """Whether there is a run, and whether it can still be cancelled."""
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
        super().__init__()
        self._viewer = viewer
        self._settings = settings
        self._run: _Run | None = None
        self._asked = ("", "")
        self._writer = ResultWriter()
        self.confidence = ConfidenceLayer(viewer)
        self._calls: StreamCall[SegmentRequest, SegmentProgress, SegmentResult]
        self._calls = StreamCall(
            SegmentWork(load),
            report=self._on_progress,
            deliver=self._deliver,
            stopped=self._on_stopped,
            fail=self._fail,
        )
        self._turn = QTimer(self)
        self._turn.timeout.connect(self._write_on)
        self._links, self._run_links = Connections(), Connections()
        self._links.connect(viewer.layers.events.removed, self._on_removed)

    # ---- what the dock asks for

    @property
    def running(self) -> bool:
        """Whether there is a run that has not written its result yet."""
        return self._run is not None

    @property
    def busy(self) -> bool:
        """Whether something is done in the background, or written."""
        return self._calls.busy or self.running

    def open(self) -> None:
        """Start with the settings given."""
        self._load()

    def configure(self, settings: SegmentSettings) -> None:
        """Take over what a person chose; a run goes on with what it started with."""
        self._settings = settings
        self._load()

    def run(self) -> None:
        """Segment the image with the present settings."""
        if self._run is not None:
            return
        settings = self._settings
        try:
            request = segment_request(self._viewer, settings)
        except ValueError as error:
            show_warning(str(error))
            return
        self._run = _Run(settings, request, ActivityBar("Segmenting"))
        if settings.image is not None:
            self._run_links.connect(settings.image.events.data, self._on_image_data)
        self._asked = (request.model, request.device)
        self.running_changed.emit(True, True)
        self.state_changed.emit("Starting …")
        self._calls(request)

    def cancel(self) -> None:
        """Stop at the next call of the network; the labels stay as they were."""
        if self._run is not None and self._run.result is None:
            self._calls.cancel()
            self.state_changed.emit("Cancelling …")

    def close(self, viewer_remains: bool) -> None:
        """Stop; a result that is just being written is written to its end."""
        # Without the viewer, Qt may have deleted our timers already: they find no run.
        self._links.close()
        self._calls.close()
        self.confidence.close()
        run = self._run
        if run is not None and run.writing is not None and viewer_remains:
            for _ in run.writing:
                pass
        self._forget_run()

    # ---- the model

    def _load(self) -> None:
        """Have the chosen model loaded, so that a run need not wait for it."""
        wanted = (self._settings.model, self._settings.device)
        if self._run is None and wanted != self._asked:
            self._asked = wanted
            self.state_changed.emit("Loading the model …")
            self._calls(SegmentRequest(*wanted))

    # ---- results

    def _on_progress(self, request: SegmentRequest, made: SegmentProgress) -> None:
        run = self._run
        if run is None or run.request is not request:
            return
        run.bar.show(made.steps_done, made.steps)
        self.state_changed.emit(running_text(made))

    def _deliver(self, request: SegmentRequest, result: SegmentResult) -> None:
        run = self._run
        if not request.planes:
            self.loaded.emit(result.classes, result.devices)
            self.state_changed.emit(ready_text(result))
        elif run is not None and run.request is request:
            self.loaded.emit(result.classes, result.devices)
            for notice in result.notices:
                show_info(notice)
            run.result = result
            run.writing = self._writer.write(self._viewer, run.settings, result)
            self.running_changed.emit(True, False)
            self.state_changed.emit("Writing the labels …")
            self._turn.start(0)

    def _write_on(self) -> None:
        """Write for some milliseconds; the timer comes back for the rest."""
        run = self._run
        if run is None or run.writing is None or run.result is None:
            self._turn.stop()
            return
        end = time.monotonic() + _WRITING_S
        try:
            next(run.writing)
            while time.monotonic() < end:
                next(run.writing)
        except StopIteration as stop:
            self._finish(run, run.result, stop.value)
        # Whatever it is, it is shown to the person.
        except Exception as error:
            self._end_run("Nothing was written.")
            show_problem(error)

    def _finish(self, run: _Run, result: SegmentResult, written: Written) -> None:
        self._end_run(written_text(run.settings, result, written))
        self.found.emit(result.classes, result.summary)
        target, image = written.target, run.settings.image
        if target is None or target not in self._viewer.layers:
            return
        single = result.planes[0].plane if len(result.planes) == 1 else None
        self._viewer.layers.selection.active = target
        self.committed.emit(target)
        self.confidence.hold(image, target, single, result.confidence)

    def _on_stopped(self, request: SegmentRequest) -> None:
        if self._run is not None and self._run.request is request:
            self._end_run("Cancelled: the labels are as they were.")

    def _fail(self, request: SegmentRequest, error: Exception) -> None:
        run = self._run
        if run is not None and run.request is request:
            self._end_run("It did not work.")
        else:
            self.state_changed.emit("It did not work.")
        show_problem(error)
        if isinstance(error, UnusableModelError):
            self.model_refused.emit(request.model)
        elif isinstance(error, UnusableDeviceError):
            self.device_refused.emit(request.device)

    def _end_run(self, state: str) -> None:
        self._forget_run()
        self.running_changed.emit(False, False)
        self.state_changed.emit(state)
        self._load()

    def _forget_run(self) -> None:
        self._run_links.close()
        run, self._run = self._run, None
        if run is not None:
            run.bar.close()
            if run.writing is not None:
                run.writing.close()

    # ---- what happens in the viewer

    def _on_removed(self, event: Any) -> None:
        run = self._run
        layer: Any = event.value
        if run is None:
            return
        targets = [run.settings.target]
        if run.writing is not None:
            targets.append(self._writer.target)
        if layer is run.settings.image:
            self._abandon(f"its image {event.value.name!r} was closed")
        elif any(layer is target for target in targets):
            self._abandon(f"its labels {event.value.name!r} were deleted")

    def _on_image_data(self) -> None:
        self._abandon("the pixels of its image were exchanged")

    def _abandon(self, reason: str) -> None:
        self._calls.cancel()
        self._end_run("Stopped.")
        show_warning(f"The segmentation stopped, since {reason}.")


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
    if settings.kept is not None and not settings.kept:
        raise ValueError("No class is ticked: tick at least one in the list.")
    shape = layer_shape(image)
    if target is not None:
        check_target(target, shape)
    shown = read_plane(viewer, image)
    planes = every_plane(shown, shape) if settings.every_plane else (shown,)
    return SegmentRequest(
        settings.model,
        settings.device,
        planes,
        shape,
        settings.tile_size,
        settings.flip,
        settings.kept,
        settings.minimum_pixels,
        settings.kind,
    )
