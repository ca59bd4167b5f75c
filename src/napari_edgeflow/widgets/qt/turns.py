"""Work that only the window's thread may do, a few milliseconds at a time."""

import time
from collections.abc import Callable, Generator
from typing import Any, Generic

from qtpy.QtCore import QObject, QTimer

from napari_edgeflow.widgets.qt.workers import Result

_TURN_S = 0.01
"""How long work goes on before the window gets its turn."""


class Turns(QObject, Generic[Result]):
    """Runs a generator in the window's thread without holding the window.

    Parameters
    ----------
    deliver : callable
        Called with what the generator returns.
    fail : callable
        Called with an error.
    """

    def __init__(
        self, deliver: Callable[[Result], None], fail: Callable[[Exception], None]
    ) -> None:
        super().__init__()
        self._deliver, self._fail = deliver, fail
        self._steps: Generator[None, None, Result] | None = None
        self._running = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return self._steps is not None

    def start(self, steps: Generator[None, None, Result]) -> None:
        """Do this."""
        self._steps = steps
        self._timer.start(0)

    def finish(self) -> None:
        """Do all that is left at once."""
        while self._steps is not None:
            self._go_on()

    def stop(self) -> None:
        """Leave what is not done."""
        # The timer is left alone: when the window goes, Qt may have deleted it.
        steps, self._steps = self._steps, None
        if steps is not None and not self._running:
            steps.close()

    def _go_on(self) -> None:
        steps = self._steps
        if steps is None:
            self._timer.stop()
            return
        end, self._running = time.monotonic() + _TURN_S, True
        try:
            next(steps)
            while self._steps is steps and time.monotonic() < end:
                next(steps)
        except StopIteration as stop:
            self._after(steps, self._deliver, stop.value)
        # Whatever it is, it is shown to the person.
        except Exception as error:
            self._after(steps, self._fail, error)
        finally:
            self._running = False
        if self._steps is not steps:
            # Nothing is left of it, or it was stopped by what it did itself.
            steps.close()

    def _after(
        self,
        steps: Generator[None, None, Result],
        tell: Callable[[Any], None],
        what: object,
    ) -> None:
        self._running = False
        if self._steps is steps:
            self._steps = None
            tell(what)
