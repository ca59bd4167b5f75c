"""The mask of the object in progress, computed in the background."""

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.clicks.object.work import (
    ClickOutcome,
    ClickRequest,
    ClickWork,
    LoadSegmenter,
)
from napari_edgeflow.widgets.fields.devices import device_name
from napari_edgeflow.widgets.qt.workers import (
    LatestCall,
    UnusableModelError,
    show_problem,
)


class ClickMask(QObject):
    """Has masks computed, and keeps the one that was asked for last.

    Parameters
    ----------
    load : callable
        Loads a model by name or path.
    """

    ready = Signal(object)
    """A :class:`ClickOutcome`, of the latest request."""
    failed = Signal()
    """There is no mask for the latest request; the person was told."""
    state_changed = Signal(str)
    model_refused = Signal(str)

    def __init__(self, load: LoadSegmenter) -> None:
        super().__init__()
        self._request: ClickRequest | None = None
        self._calls = LatestCall(ClickWork(load), self._deliver, self._fail)
        self.outcome: ClickOutcome | None = None
        """The mask of the object as it is; None while it is computed."""

    @property
    def busy(self) -> bool:
        """Whether something is computed in the background."""
        return self._calls.busy

    def ask(self, request: ClickRequest) -> None:
        """Have the mask of a request computed; requests before it are overtaken."""
        self._request = request
        self._calls(request)
        self.state_changed.emit("working …" if request.prompts else "getting ready …")

    def forget(self) -> None:
        """Drop the mask, and what is being computed."""
        self._request = self.outcome = None

    def close(self) -> None:
        """Compute nothing any more."""
        self._calls.close()

    def _deliver(self, request: ClickRequest, outcome: ClickOutcome) -> None:
        if request is not self._request:
            return
        device = device_name(outcome.device)
        took = f"last click {outcome.milliseconds:.0f} ms"
        self.state_changed.emit(f"{device} · {took if request.prompts else 'ready'}")
        if request.has_object:
            self.outcome = outcome
            self.ready.emit(outcome)

    def _fail(self, request: ClickRequest, error: Exception) -> None:
        self.state_changed.emit("failed")
        show_problem(error)
        self.failed.emit()
        if isinstance(error, UnusableModelError):
            self.model_refused.emit(request.model)
