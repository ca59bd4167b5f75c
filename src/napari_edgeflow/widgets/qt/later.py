"""What the window does a while after it was asked for."""

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer, Signal


class Later(QObject):
    """Calls something once, when it was asked for and some time is over.

    The call may end its owner, since nothing is touched after it; superqt's debouncers
    start their timer once more.

    Parameters
    ----------
    owner : QObject
        It goes with that.
    call : callable
        A method, which it does not keep alive, or a signal.
    milliseconds : int
        How long to wait; with 0 the window has one turn first.
    """

    _due = Signal()

    def __init__(
        self, owner: QObject, call: Callable[[], None], milliseconds: int = 0
    ) -> None:
        super().__init__(owner)
        self._waits, self._milliseconds = False, milliseconds
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)
        self._due.connect(call)

    @property
    def waits(self) -> bool:
        """Whether it is going to call."""
        return self._waits

    def ask(self) -> None:
        """Call once the time is over, from the first time that it was asked for."""
        if not self._waits:
            self.ask_anew()

    def ask_anew(self, milliseconds: int | None = None) -> None:
        """Call once the time is over, from now on; it may be another time."""
        self._waits = True
        self._timer.start(self._milliseconds if milliseconds is None else milliseconds)

    def cancel(self) -> None:
        """Do not call; also after Qt deleted the timer, with a window that goes."""
        self._waits = False

    def _on_timeout(self) -> None:
        if self._waits:
            self._waits = False
            self._due.emit()
