"""What happens while an object is followed through a stack, without any buttons."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal

from napari_edgeflow.engine.checkpoints.checkpoint import BUNDLED
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.clicks.object.work import LoadClickSegmenter
from napari_edgeflow.widgets.layers.labels import check_target, read_scheme
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    layer_shape,
    plane_shown,
    read_plane_at,
)
from napari_edgeflow.widgets.objects.propagate.work import (
    Followed,
    FoundPart,
    PropagateRequest,
    PropagateWork,
    planes_beside,
    propagated,
)
from napari_edgeflow.widgets.objects.table.view import plane_to_edit
from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.workers import show_problem
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_edgeflow.widgets.objects.table.entries import ObjectEntry


class PropagateController(Run[PropagateRequest, FoundPart, None]):
    """Follows an object from the slice it is labelled in, and writes what it finds."""

    progressed = Signal(int, int)
    """How many slices are done, and of how many."""

    def __init__(self, viewer: "Viewer", load: LoadClickSegmenter) -> None:
        super().__init__("Propagating", "propagation", PropagateWork(load))
        self._viewer = viewer
        self._history = Workspace.of(viewer).history
        self._found: list[FoundPart] = []
        self._summary = ""

    def plane_of(self, labels: "Labels", entry: "ObjectEntry") -> Plane:
        """Return the slice from which an object is followed."""
        return plane_to_edit(self._viewer, labels, entry)

    def start(
        self, labels: "Labels", entry: "ObjectEntry", axis: int, count: int
    ) -> None:
        """Follow an object.

        ``count`` slices along an axis are gone through; negative for those before.

        Raises
        ------
        ValueError
            If there is no image for it, no slice to go to, or something else is being
            followed.
        """
        plane = self.plane_of(labels, entry)
        self._follow(labels, Followed.of_object(entry), plane, axis, count)

    def start_class(
        self, labels: "Labels", class_id: int, axis: int, count: int
    ) -> None:
        """Follow each region that a class has in the slice being shown.

        Axis and count are those of :meth:`start`.

        Raises
        ------
        ValueError
            As :meth:`start`, or if the slice has nothing of the class.
        """
        scheme, plane = read_scheme(labels), plane_shown(self._viewer, labels)
        if scheme is None:
            return
        entry = scheme.classes.get(class_id)
        present = plane.read(labels.data)
        if not (present == class_id).any():
            raise ValueError(
                f"{plane.name} has nothing of the class {entry.name!r}: go to the "
                "slice in which it is labelled."
            )
        self._follow(labels, Followed.of_class(entry), plane, axis, count)

    def _follow(
        self, labels: "Labels", followed: Followed, plane: Plane, axis: int, count: int
    ) -> None:
        if self.busy:
            raise ValueError("Something is being followed: wait for it, or stop it.")
        check_target(labels, layer_shape(labels), followed.value)
        image = image_of(self._viewer.layers, labels)
        planes = planes_beside(plane, axis, count, layer_shape(labels)[axis])
        if not planes:
            where = "after" if count > 0 else "before"
            raise ValueError(
                f"There is no slice {where} {plane.name}: choose the other direction."
            )
        self._found = []
        first = read_plane_at(image, plane)
        request = PropagateRequest(
            self._model(), labels, followed, first, labels.data, planes
        )
        self._start(request, "working …")
        self.progressed.emit(0, len(planes))

    def _model(self) -> str:
        """Return the model that the person clicks with."""
        dock = Workspace.of(self._viewer).docks.find(ClickWidget)
        return next(iter(BUNDLED)) if dock is None else dock.controls.model.chosen

    # ---- results

    def _reported(self, request: PropagateRequest, part: FoundPart) -> None:
        self._found.append(part)
        done = (part.report.step - 1) * part.regions + part.region + 1
        total = len(request.planes) * part.regions
        self._show(done, total, "working …")
        self.progressed.emit(done, total)

    def _made(self, request: PropagateRequest, result: None) -> None:
        if request.followed.is_class:
            self._keep(request, self._class_summary())
            return
        found, asked = len(self._kept()), len(request.planes)
        last = self._found[-1] if self._found else None
        if last is not None and last.report.ended:
            reason = f"It ends before {last.plane.name}: {last.report.ended}."
        else:
            reason = "" if found == asked else "The stack ends there."
        self._keep(request, f"{_slices(found)} labelled. {reason}".strip())

    def _stopped(self, request: PropagateRequest) -> None:
        self._keep(request, f"Stopped: {self._slices()} labelled.")

    def _failed(self, error: Exception) -> None:
        show_problem(error)
        request = self._request
        if request is None or not self._can_cancel:
            self._end("Nothing was written.")
        else:
            self._keep(request, f"Failed after {self._slices()}.")

    def _class_summary(self) -> str:
        regions = self._found[0].regions if self._found else 0
        ended = len(self._found) - len(self._kept())
        which = f"{regions} region{'s' * (regions != 1)} followed"
        ends = f" {ended} of them end{'s' * (ended == 1)} before the last slice."
        return f"{which}, {self._slices()} labelled.{ends if ended else ''}"

    def _slices(self) -> str:
        return _slices(len({part.plane for part in self._kept()}))

    def _kept(self) -> list[FoundPart]:
        return [part for part in self._found if not part.report.ended]

    # ---- writing

    def _keep(self, request: PropagateRequest, summary: str) -> None:
        """Write what was found so far."""
        self._summary = summary
        labels, found = request.labels, self._kept()
        if labels not in self._viewer.layers:
            self._end("The labels were deleted meanwhile: nothing was written.")
        elif layer_shape(labels) != tuple(request.data.shape):
            self._end("The labels were exchanged meanwhile: nothing was written.")
        elif found:
            self._write(self._writing(request, found))
        else:
            self._end(summary)

    def _writing(
        self, request: PropagateRequest, found: list[FoundPart]
    ) -> Generator[None, None, None]:
        change = propagated(request, found)
        yield from self._history.applying(
            request.labels, change.what, change.pixels, change.records, change.removed
        )

    def _written(self, result: None) -> None:
        self._end(self._summary)


def _slices(count: int) -> str:
    return f"{count} slice{'' if count == 1 else 's'}"
