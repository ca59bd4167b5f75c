"""Training in a process of its own, which can die without harm to the viewer."""

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
from qtpy.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from napari_edgeflow.engine.system.json_text import parse_json
from napari_edgeflow.engine.training.stop import STOP_FILE

COMMAND = (sys.executable, "-m", "napari_edgeflow")
"""What a training is started with; its arguments follow."""

_TAIL_LINES = 8
_PATIENCE_MS = 50
_POLITE = 10
"""How much nicer the training is on Linux and macOS: the viewer goes first."""

_NICEST = 19


@dataclass(frozen=True, slots=True)
class Ending:
    """How a training ended.

    Parameters
    ----------
    reason : str
        "finished", "stale" and "stopped" as the command reports them; "error" if it
        told what went wrong, "died" if it could not.
    text : str
        A sentence, empty if it went on to its end.
    """

    reason: Literal["finished", "stale", "stopped", "error", "died"]
    text: str = ""

    @property
    def is_good(self) -> bool:
        """Whether there is a model, and nothing went wrong."""
        return self.reason in ("finished", "stale", "stopped")


class TrainProcess(QObject):
    """One training as a process."""

    reported = Signal(object)
    """One report, a mapping as :mod:`napari_edgeflow.cli.reports` describes it."""
    ended = Signal(object)
    """The :class:`Ending`; the process is gone."""

    def __init__(
        self,
        arguments: Sequence[str],
        output: Path,
        command: Sequence[str] = COMMAND,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._arguments = [*command[1:], *arguments]
        self._program = command[0]
        self._output = output
        self._rest = b""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._last: Mapping[str, Any] = {}
        self._told = False
        self.stopping = False
        self._process = QProcess(self)
        self._process.setProcessEnvironment(_environment())
        self._process.readyReadStandardOutput.connect(self._on_output)
        self._process.readyReadStandardError.connect(self._on_errors)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    @property
    def pid(self) -> int:
        """Number of the process; 0 while there is none."""
        return int(self._process.processId())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start(self) -> None:
        """Start the process."""
        self._process.start(self._program, self._arguments)
        if self._process.waitForStarted():
            _make_polite(self.pid)

    def stop(self) -> None:
        """Ask it to stop and keep the best model; asked again, end it at once."""
        if self.stopping:
            self._process.kill()
            return
        self.stopping = True
        try:
            self._output.mkdir(parents=True, exist_ok=True)
            (self._output / STOP_FILE).touch()
        except OSError:
            # Without a disk to write to it could not keep anything either.
            self._process.kill()

    def wait(self, seconds: float, idle: Callable[[], None] | None = None) -> None:
        """Wait for the end; what takes longer than this is ended.

        Parameters
        ----------
        seconds : float
            How long to wait.
        idle : callable, optional
            Called some times a second; without it nothing happens in the window.
        """
        end = time.monotonic() + seconds
        while self.running and time.monotonic() < end:
            self._process.waitForFinished(_PATIENCE_MS)
            if idle is not None:
                idle()
        if self.running:
            self._process.kill()
            self._process.waitForFinished()

    def _on_output(self) -> None:
        *lines, self._rest = (self._rest + _bytes(self._process, 0)).split(b"\n")
        for line in lines:
            self._read(line.decode("utf-8", errors="replace"))

    def _read(self, line: str) -> None:
        try:
            report = parse_json(line)
        except ValueError:
            report = None
        if not isinstance(report, dict) or "event" not in report:
            # A library that prints.
            self._tail.append(line)
            return
        self._last = report
        self.reported.emit(report)

    def _on_errors(self) -> None:
        text = _bytes(self._process, 1).decode("utf-8", errors="replace")
        self._tail.extend(line for line in text.splitlines() if line.strip())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            reason = self._process.errorString()
            self._tell(Ending("died", f"the training could not be started: {reason}"))

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        self._on_errors()
        crashed = status == QProcess.ExitStatus.CrashExit
        self._tell(ending(self._last, code, crashed, self.stopping, tuple(self._tail)))

    def _tell(self, ending: Ending) -> None:
        if not self._told:
            self._told = True
            self.ended.emit(ending)


def ending(
    last: Mapping[str, Any],
    code: int,
    crashed: bool,
    stopping: bool,
    tail: Sequence[str],
) -> Ending:
    """Return how a process ended.

    Parameters
    ----------
    last : mapping
        Its last report.
    code : int
        Its exit status, or the number of the signal that ended it.
    crashed : bool
        Whether it was ended from outside or crashed.
    stopping : bool
        Whether it was asked to stop.
    tail : sequence of str
        The last lines that it wrote and that are no reports.
    """
    if last.get("event") == "done" and code == 0 and not crashed:
        return Ending(last.get("reason", "finished"), str(last.get("text", "")))
    if last.get("event") == "error":
        return Ending("error", str(last["text"]))
    how = f"by signal {code}" if crashed else f"with status {code}"
    who = "The training was ended" if crashed else "The training ended"
    if stopping and crashed:
        return Ending("died", f"{who} before it could keep its last steps.")
    said = "\n".join(["", "The last that it said:", *tail]) if tail else ""
    return Ending("died", f"{who} unexpectedly, {how}.{said}")


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    # Whatever the system's encoding: reports are read as UTF-8.
    environment.insert("PYTHONUTF8", "1")
    environment.insert("PYTHONUNBUFFERED", "1")
    return environment


def _make_polite(pid: int) -> None:
    """Let everything else go first."""
    below = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", None)
    try:
        process = psutil.Process(pid)
        # It begins as nice as the viewer, which may be so already.
        process.nice(below or min(int(process.nice()) + _POLITE, _NICEST))
    except (psutil.Error, OSError):
        # Not allowed everywhere, or gone already; it is slower to work with, no more.
        return


def _bytes(process: QProcess, channel: int) -> bytes:
    data = (
        process.readAllStandardError() if channel else process.readAllStandardOutput()
    )
    return bytes(data.data())
