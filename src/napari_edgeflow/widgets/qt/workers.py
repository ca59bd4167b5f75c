"""Background calls: one at a time, the latest wins, errors reach the person."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QObject, Qt, Signal

Argument = TypeVar("Argument")
Result = TypeVar("Result")
Progress = TypeVar("Progress")


class UnusableModelError(ValueError):
    """A model that cannot be loaded."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What came out of a call: a result or an error."""

    argument: object
    result: object = None
    error: Exception | None = None


class Post:
    """Carries reports from the thread to the window, until it is closed.

    The thread knows only this object: no Qt object is used, or dies, in the thread.
    """

    def __init__(self, emit: Callable[[object], None]) -> None:
        self._emit: Callable[[object], None] | None = emit
        self._lock = threading.Lock()

    def send(self, report: object) -> None:
        """Carry a report; from any thread."""
        with self._lock:
            if self._emit is not None:
                self._emit(report)

    def close(self) -> None:
        """Carry no more."""
        with self._lock:
            self._emit = None


class LatestCall(QObject, Generic[Argument, Result]):
    """Calls a function in a thread of its own, with the latest argument given.

    While a call runs, only the latest argument waits; the result of a call that a
    later argument has overtaken is dropped.

    Parameters
    ----------
    function : callable
        Called in the thread. It must not touch Qt objects or layers.
    deliver : callable
        Called in the window's thread with argument and result.
    fail : callable
        Called in the window's thread with argument and error.
    """

    _finished = Signal(object)

    def __init__(
        self,
        function: Callable[[Argument], Result],
        deliver: Callable[[Argument, Result], None],
        fail: Callable[[Argument, Exception], None],
    ) -> None:
        super().__init__()
        self._function = function
        self._deliver = deliver
        self._fail = fail
        self._waiting: list[Argument] = []
        self._running = False
        self._closed = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="napari-edgeflow")
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)
        self._post = Post(self._finished.emit)

    @property
    def busy(self) -> bool:
        """Whether a call runs."""
        return self._running

    def __call__(self, argument: Argument) -> None:
        """Call the function as soon as it is free; earlier arguments are overtaken."""
        if self._closed:
            return
        self._waiting = [argument]
        if not self._running:
            self._start()

    def close(self) -> None:
        """Start no more calls and drop the result of one that runs."""
        self._closed = True
        self._waiting.clear()
        self._post.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        self._running = True
        self._pool.submit(_work, self._post, self._function, self._waiting.pop())

    def _on_finished(self, report: _Report) -> None:
        self._running = False
        if self._closed:
            return
        if self._waiting:
            self._start()
        elif report.error is not None:
            self._fail(report.argument, report.error)  # type: ignore[arg-type]
        else:
            self._deliver(report.argument, report.result)  # type: ignore[arg-type]


def _work(
    post: Post, function: Callable[[Argument], Result], argument: Argument
) -> None:
    try:
        report = _Report(argument, function(argument))
    # Whatever it is, it is shown to the person by the window's thread.
    except Exception as error:
        report = _Report(argument, error=error)
    post.send(report)


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket(Generic[Argument]):
    """An argument, and whether its call is to stop."""

    argument: Argument
    stop: threading.Event = field(default_factory=threading.Event)


class StreamCall(QObject, Generic[Argument, Progress, Result]):
    """Runs a generator in a thread of its own, and can stop it between two reports.

    As with :class:`LatestCall` the latest argument wins: one that still runs is
    stopped for it.

    Parameters
    ----------
    stream : callable
        Called in the thread; yields reports and returns the result. It must not touch
        Qt objects or layers.
    report : callable
        Called in the window's thread with argument and report.
    deliver : callable
        Called in the window's thread with argument and result.
    stopped : callable
        Called in the window's thread with the argument, in place of ``deliver``,
        after :meth:`cancel`.
    fail : callable
        Called in the window's thread with argument and error.
    """

    _reported = Signal(object)

    def __init__(
        self,
        stream: Callable[[Argument], Generator[Progress, None, Result]],
        *,
        report: Callable[[Argument, Progress], None],
        deliver: Callable[[Argument, Result], None],
        stopped: Callable[[Argument], None],
        fail: Callable[[Argument, Exception], None],
    ) -> None:
        super().__init__()
        self._report, self._deliver = report, deliver
        self._stopped, self._fail = stopped, fail
        self._ticket: _Ticket[Argument] | None = None
        self._reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)
        self._post = Post(self._reported.emit)
        self._calls: LatestCall[_Ticket[Argument], Result | None] = LatestCall(
            partial(_drained, self._post, stream), self._on_finished, self._on_failed
        )

    @property
    def busy(self) -> bool:
        """Whether a call runs."""
        return self._calls.busy

    def __call__(self, argument: Argument) -> None:
        """Run the generator for an argument, as soon as the one before has stopped."""
        self.cancel()
        self._ticket = _Ticket(argument)
        self._calls(self._ticket)

    def cancel(self) -> None:
        """Stop the generator at its next report."""
        if self._ticket is not None:
            self._ticket.stop.set()

    def close(self) -> None:
        """Stop, and deliver nothing any more."""
        self.cancel()
        self._post.close()
        self._calls.close()

    def _on_reported(self, report: _Report) -> None:
        ticket = self._ticket
        if ticket is None or ticket is not report.argument:
            return
        if not ticket.stop.is_set():
            self._report(ticket.argument, report.result)  # type: ignore[arg-type]

    def _on_finished(self, ticket: _Ticket[Argument], result: Result | None) -> None:
        # Also a call that reached its end before it saw that it was to stop.
        if ticket.stop.is_set():
            self._stopped(ticket.argument)
        else:
            self._deliver(ticket.argument, result)  # type: ignore[arg-type]

    def _on_failed(self, ticket: _Ticket[Argument], error: Exception) -> None:
        self._fail(ticket.argument, error)


def _drained(
    post: Post,
    stream: Callable[[Argument], Generator[Progress, None, Result]],
    ticket: _Ticket[Argument],
) -> Result | None:
    """Return what a generator returns, or None if it was to stop."""
    reports = stream(ticket.argument)
    try:
        while not ticket.stop.is_set():
            post.send(_Report(ticket, next(reports)))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        reports.close()
    return None


def show_problem(error: Exception) -> None:
    """Tell the person about an error, as a napari notification.

    Errors made for people (ValueError, OSError) are shown as their sentence; for
    others, which are bugs or a full memory, napari offers the traceback too.
    """
    if isinstance(error, ValueError | OSError):
        show_error(str(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)
