"""How a training is asked to stop: by a signal, or by a file in its folder."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import FrameType

import psutil

STOP_FILE = "stop"
"""Name of an empty file that asks the training of a folder to stop.

Whoever starts a training in a process of its own writes it; that works on every
system, and the training then ends as it does by itself: the checkpoint is written,
the end is reported, and the exit status is 0. It is removed by the training.
"""


@dataclass(slots=True)
class StopRequest:
    """Whether this process has been asked to stop; see :func:`stopping_on_signals`."""

    asked: bool = False

    def reached(self, folder: Path) -> bool:
        """Return whether a training in ``folder`` is asked to stop."""
        return self.asked or (folder / STOP_FILE).exists()


def clear_stop(folder: Path) -> None:
    """Remove the file that asked to stop."""
    (folder / STOP_FILE).unlink(missing_ok=True)


def clear_old_stop(folder: Path) -> None:
    """Remove the file if it is from before this process: a killed one left it."""
    path = folder / STOP_FILE
    if path.exists() and path.stat().st_mtime < psutil.Process().create_time() - 1:
        path.unlink(missing_ok=True)


@contextmanager
def stopping_on_signals() -> Iterator[StopRequest]:
    """Let SIGINT (Ctrl+C) and SIGTERM ask for a stop instead of ending the process.

    The second signal ends it as usual. Only for the main thread.

    Yields
    ------
    StopRequest
        What a training looks at between its steps.
    """
    request = StopRequest()
    usual = {n: signal.getsignal(n) or signal.SIG_DFL for n in _signals()}

    def ask(number: int, frame: FrameType | None) -> None:
        request.asked = True
        signal.signal(number, usual[signal.Signals(number)])

    try:
        for number in usual:
            signal.signal(number, ask)
        yield request
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _signals() -> list[signal.Signals]:
    # Windows has one more, of Ctrl+Break.
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def obey_training_alone(_: int) -> None:
    """Let nobody but the training end this process, which draws samples for it.

    A terminal sends Ctrl+C to all processes of a group, and so do schedulers and
    service managers with SIGTERM: the training, which finishes its step and saves,
    still needs samples then. Where senders are not told, as on macOS, SIGTERM ends
    this process all the same.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        Thread(target=_end_when_the_training_says, daemon=True).start()


def _end_when_the_training_says() -> None:
    training = os.getppid()
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != training:
        pass
    os._exit(0)
