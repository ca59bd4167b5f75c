"""A run: a long piece of work with a bar, a cancel button and an end."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.widgets.qt.activity import ActivityBar
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.turns import Turns
from napari_edgeflow.widgets.qt.workers import (
    Progress,
    Result,
    StreamCall,
    show_problem,
)

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer

Request = TypeVar("Request")


class Run(QObject, Generic[Request, Progress, Result]):
    """Does one piece of work at a time: in the background, then in the window's turns.

    Who inherits says what becomes of reports, of the result and of what was written.
    A run ends early when it is cancelled, when a layer that it needs is deleted, and
    when it is closed; what is just being written is closed then, too.

    Parameters
    ----------
    title : str
        What the bar says, as in "Importing".
    name : str
        What it is called in a sentence, as in "import".
    stream : callable
        See :class:`StreamCall`.
    layers : LayerList, optional
        Where the layers are that it needs.
    """

    state_changed = Signal(str)
    running_changed = Signal(bool, bool)
    """Whether there is a run, and whether it can still be cancelled."""

    def __init__(
        self,
        title: str,
        name: str,
        stream: Callable[[Request], Generator[Progress, None, Result]],
        layers: "LayerList | None" = None,
    ) -> None:
        super().__init__()
        self._title, self._name = title, name
        self._request: Request | None = None
        self._can_cancel = False
        self._bar: ActivityBar | None = None
        self._needed: list[tuple[Layer, str]] = []
        self._calls: StreamCall[Request, Progress, Result] = StreamCall(
            stream,
            report=self._on_report,
            deliver=self._on_result,
            stopped=self._on_stopped,
            fail=self._on_error,
        )
        self._turns: Turns[Any] = Turns(self._written, self._failed)
        self._links = Connections()
        if layers is not None:
            self._links.connect(layers.events.removed, self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether there is a run that has not ended."""
        return self._request is not None

    def cancel(self) -> None:
        """Stop the work in the background; what is being written goes on."""
        if self.busy and self._can_cancel:
            self._calls.cancel()
            self.state_changed.emit("Cancelling …")

    def close(self) -> None:
        """Stop for good, and tell nobody any more."""
        self._links.close()
        self._calls.close()
        self._forget()

    # ---- for those who inherit

    def _start(
        self, request: Request, state: str, *needed: "tuple[Layer | None, str]"
    ) -> None:
        """Start to work.

        Parameters
        ----------
        request : object
            What is asked for.
        state : str
            What to say.
        needed : (Layer, str)
            Layers, and what to say if they are deleted, as in "its image was closed".
        """
        self._request, self._can_cancel = request, True
        self._needed = [(one, why) for one, why in needed if one is not None]
        self._bar = ActivityBar(self._title)
        self.running_changed.emit(True, True)
        self.state_changed.emit(state)
        self._calls(request)

    def _show(self, done: int, total: int, state: str) -> None:
        """Say how far it is; ``total`` is 0 if nobody knows."""
        if self._bar is not None:
            self._bar.show(done, total)
        self.state_changed.emit(state)

    def _note_made(self) -> None:
        """Nothing is left to cancel."""
        self._can_cancel = False
        self.running_changed.emit(True, False)

    def _write(self, steps: Generator[None, None, Any]) -> None:
        """Write in turns; what the generator returns is given to :meth:`_written`."""
        self._note_made()
        self.state_changed.emit("Writing the labels …")
        self._turns.start(steps)

    def _end(self, state: str) -> None:
        self._forget()
        self.running_changed.emit(False, False)
        self.state_changed.emit(state)

    def _abandon(self, why: str) -> None:
        """End a run that cannot go on, and tell the person."""
        self._calls.cancel()
        self._end("Stopped.")
        show_warning(f"The {self._name} stopped, since {why}.")

    def _reported(self, request: Request, made: Progress) -> None:
        """Show what the work reports."""

    def _made(self, request: Request, result: Result) -> None:
        """Go on with the result of the work."""

    def _written(self, result: Any) -> None:
        """Go on with what :meth:`_write` returned."""

    def _stopped(self, request: Request) -> None:
        """Go on after the work was cancelled."""
        self._end("Cancelled: the labels are as they were.")

    def _failed(self, error: Exception) -> None:
        """Go on after an error."""
        self._end("It did not work.")
        show_problem(error)

    def _forget(self) -> None:
        """Let go of the run that ends, however it ends."""
        self._request, self._needed = None, []
        self._turns.stop()
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    # ---- what comes of the work

    def _on_report(self, request: Request, made: Progress) -> None:
        if request is self._request:
            self._reported(request, made)

    def _on_result(self, request: Request, result: Result) -> None:
        if request is self._request:
            self._made(request, result)

    def _on_stopped(self, request: Request) -> None:
        if request is self._request:
            self._stopped(request)

    def _on_error(self, request: Request, error: Exception) -> None:
        if request is self._request:
            self._failed(error)

    def _on_removed(self, event: Any) -> None:
        why = next((why for layer, why in self._needed if layer is event.value), None)
        if why is not None:
            self._abandon(why)
