"""One program writes a project at a time: the file project.lock says which."""

import json
import os
import socket
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from napari_edgeflow.engine.system.json_text import parse_json
from napari_edgeflow.project.storage.durable import make_folder

LOCK = "project.lock"

_SAME_START_S = 60.0
"""Start times of one process, as asked for twice, differ by less."""
_NO_UPTIME = -1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a project.

    Parameters
    ----------
    host : str
        Name of the computer.
    pid : int
        The process there.
    started : float
        When that process started, in seconds since 1970: pids are used again.
    time : str
        Since when it holds the project, for people.
    token : str
        Tells two viewers of one process apart.
    uptime : float
        How long the computer was on when that process started, in seconds. Some systems
        know this for sure and work ``started`` out by the clock, which people and time
        servers set; others know the latter.
    """

    host: str
    pid: int
    started: float
    time: str
    token: str
    uptime: float = _NO_UPTIME

    @classmethod
    def this_process(cls) -> "Holder":
        """Return what this process writes."""
        pid = os.getpid()
        started, uptime = _started(pid)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        token = uuid.uuid4().hex
        return cls(socket.gethostname(), pid, started, since, token, uptime)

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; of other hosts nobody knows."""
        if self.host != socket.gethostname():
            return False
        try:
            started, uptime = _started(self.pid)
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False
        apart = abs(started - self.started)
        if self.uptime != _NO_UPTIME:
            # Whichever the clock or the computer's start does not change.
            apart = min(apart, abs(uptime - self.uptime))
        return bool(apart > _SAME_START_S)

    @property
    def name(self) -> str:
        """Who it is, in words."""
        if self.host == socket.gethostname() and self.pid == os.getpid():
            return f"another window of this program (since {self.time})"
        return f"process {self.pid} on {self.host} (since {self.time})"


def _started(pid: int) -> tuple[float, float]:
    """Return when a process started: since 1970, and since the computer did."""
    # Asked first: psutil works the other out of what it remembers of this.
    boot = psutil.boot_time()
    started = psutil.Process(pid).create_time()
    return started, started - boot


class ProjectLockedError(OSError):
    """Somebody else writes the project."""

    def __init__(self, home: Path, holder: Holder | None) -> None:
        super().__init__(
            f"The project {home} was taken over by another window, which has closed "
            "it since: close it here and open it again."
            if holder is None
            else f"The project {home} is open in {holder.name}: close it there, or "
            "open it here to look only."
        )
        self.holder = holder


class ProjectLock:
    """Holds a project for this process until it is released.

    Parameters
    ----------
    home : Path
        The project's folder.
    force : bool
        Take the lock whoever holds it: for one whose computer is off for good.

    Raises
    ------
    ProjectLockedError
        If somebody else holds it who may still be there.
    OSError
        If the folder cannot be written.
    """

    def __init__(self, home: Path, *, force: bool = False) -> None:
        self._path = home / LOCK
        self._mine = Holder.this_process()
        make_folder(home)
        while not self._create():
            holder = read_holder(home)
            if holder is not None and not force and not holder.is_gone:
                raise ProjectLockedError(home, holder)
            if holder is not None and not holder.is_gone:
                # It is to know when this lock is gone, too.
                self._mark_of(holder).touch()
            self._clear(holder)

    @property
    def is_held(self) -> bool:
        """Whether nobody has taken the lock away."""
        return read_holder(self._path.parent) == self._mine

    def check(self) -> None:
        """Make sure that nobody took the lock away by force.

        Raises
        ------
        ProjectLockedError
            If somebody did, who may have written the project since.
        """
        holder = read_holder(self._path.parent)
        is_taken = holder is not None and holder != self._mine
        if is_taken or self._mark_of(self._mine).exists():
            raise ProjectLockedError(self._path.parent, holder)

    def _mark_of(self, holder: Holder) -> Path:
        """Return the file that is there once a lock was taken by force."""
        return self._path.with_name(f".{LOCK}.{holder.token}.taken")

    def release(self) -> None:
        """Let others write the project."""
        if self.is_held:
            self._path.unlink(missing_ok=True)
        self._mark_of(self._mine).unlink(missing_ok=True)

    def _create(self) -> bool:
        """Write the lock, complete from the first moment; False if there is one."""
        own = self._path.with_name(f".{LOCK}.{self._mine.token}")
        own.write_text(json.dumps(asdict(self._mine)), encoding="utf-8")
        try:
            os.link(own, self._path)
        except FileExistsError:
            return False
        except OSError:
            return self._create_without_links()
        finally:
            own.unlink(missing_ok=True)
        return True

    def _create_without_links(self) -> bool:
        """Write the lock on a file system that has no hard links, such as exFAT."""
        try:
            with self._path.open("x", encoding="utf-8") as file:
                json.dump(asdict(self._mine), file)
        except FileExistsError:
            return False
        return True

    def _clear(self, stale: Holder | None) -> None:
        """Take a stale lock away, unless another process was faster."""
        aside = self._path.with_name(f".{LOCK}.{self._mine.token}.stale")
        try:
            os.replace(self._path, aside)
        except FileNotFoundError:
            return
        try:
            if _read(aside) != stale and not self._path.exists():
                os.replace(aside, self._path)
        finally:
            aside.unlink(missing_ok=True)


def read_holder(home: Path) -> Holder | None:
    """Return who holds a project; None if nobody does or the lock is damaged."""
    return _read(home / LOCK)


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
