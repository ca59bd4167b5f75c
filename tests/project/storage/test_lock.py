import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from napari_edgeflow.project.storage.lock import (
    LOCK,
    Holder,
    ProjectLock,
    ProjectLockedError,
    read_holder,
)


def put(home: Path, holder: Holder) -> None:
    (home / LOCK).write_text(json.dumps(asdict(holder)))


def test_a_second_window_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path / "home")
    with pytest.raises(ProjectLockedError, match="another window of this program"):
        ProjectLock(tmp_path / "home")
    lock.release()
    assert read_holder(tmp_path / "home") is None
    ProjectLock(tmp_path / "home").release()
    assert list((tmp_path / "home").iterdir()) == []


def test_another_computer_holds_it_until_forced(tmp_path: Path) -> None:
    other = replace(Holder.this_process(), host="far away", pid=7)
    put(tmp_path, other)
    with pytest.raises(ProjectLockedError, match="process 7 on far away"):
        ProjectLock(tmp_path)
    lock = ProjectLock(tmp_path, force=True)
    assert lock.is_held


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    put(tmp_path, replace(Holder.this_process(), pid=dead.pid))
    assert ProjectLock(tmp_path).is_held


def test_a_process_that_got_the_pid_of_a_dead_one_does_not_hold_it(
    tmp_path: Path,
) -> None:
    mine = Holder.this_process()
    times = {"started": mine.started - 1000, "uptime": mine.uptime - 1000}
    put(tmp_path, replace(mine, **times))
    assert ProjectLock(tmp_path).is_held


def test_a_live_process_holds_it(tmp_path: Path) -> None:
    put(tmp_path, replace(Holder.this_process(), token="x"))
    with pytest.raises(ProjectLockedError):
        ProjectLock(tmp_path)
    assert read_holder(tmp_path) is not None


def test_a_damaged_lock_is_taken(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("{")
    assert ProjectLock(tmp_path).is_held


def test_who_lost_the_lock_does_not_release_the_other(tmp_path: Path) -> None:
    first = ProjectLock(tmp_path)
    second = ProjectLock(tmp_path, force=True)
    first.release()
    assert second.is_held
    assert read_holder(tmp_path).host == socket.gethostname()


def test_who_lost_the_lock_does_not_write_after_the_other_closed(
    tmp_path: Path,
) -> None:
    first = ProjectLock(tmp_path)
    second = ProjectLock(tmp_path, force=True)
    with pytest.raises(ProjectLockedError, match="is open in another window"):
        first.check()
    second.check()
    second.release()
    with pytest.raises(ProjectLockedError, match="open it again"):
        first.check()
    first.release()
    assert list(tmp_path.iterdir()) == []


def test_a_corrected_clock_takes_no_lock_away(tmp_path: Path) -> None:
    mine = Holder.this_process()
    put(tmp_path, replace(mine, started=mine.started - 5, token="x"))
    with pytest.raises(ProjectLockedError):
        ProjectLock(tmp_path)


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    lock = ProjectLock(tmp_path)
    assert lock.is_held
    with pytest.raises(ProjectLockedError):
        ProjectLock(tmp_path)
