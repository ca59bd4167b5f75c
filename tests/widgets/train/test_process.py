"""A process that is started, read, stopped and lost."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.widgets.train import train_child

from napari_edgeflow.widgets.train.process import Ending, TrainProcess, ending

CHILD = train_child.__file__


class Watched:
    """A process, and what it reported."""

    def __init__(self, qtbot: Any, manner: str, model: Path, output: Path) -> None:
        command = (sys.executable, CHILD, manner, str(model))
        self.process = TrainProcess(["train", "folder", str(output)], output, command)
        self.reports: list[Any] = []
        self.endings: list[Ending] = []
        self.process.reported.connect(self.reports.append)
        self.process.ended.connect(self.endings.append)
        self.qtbot = qtbot
        self.process.start()

    def until_epoch(self) -> None:
        def seen() -> bool:
            return any(report["event"] == "epoch" for report in self.reports)

        self.qtbot.waitUntil(seen, timeout=30_000)

    def until_end(self) -> Ending:
        self.qtbot.waitUntil(lambda: bool(self.endings), timeout=30_000)
        (found,) = self.endings
        return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


def test_reports_are_read_to_the_end(qtbot: Any, model: Path, tmp_path: Path) -> None:
    watched = Watched(qtbot, "go", model, tmp_path / "out")
    assert psutil.Process(watched.process.pid).nice() > psutil.Process().nice()
    assert watched.until_end() == Ending("finished")
    events = [report["event"] for report in watched.reports]
    assert events == ["message", *(["step", "epoch"] * 3), "done"]
    assert not watched.process.running


def test_it_stops_when_asked(qtbot: Any, model: Path, tmp_path: Path) -> None:
    watched = Watched(qtbot, "wait", model, tmp_path / "out")
    watched.until_epoch()
    watched.process.stop()
    assert watched.until_end() == Ending("stopped", "as asked")


def test_what_does_not_listen_is_ended(qtbot: Any, model: Path, tmp_path: Path) -> None:
    watched = Watched(qtbot, "deaf", model, tmp_path / "out")
    watched.until_epoch()
    pid = watched.process.pid
    watched.process.stop()
    idle: list[int] = []
    watched.process.wait(0.2, lambda: idle.append(1))
    assert idle
    assert not psutil.pid_exists(pid)
    assert watched.until_end().reason == "died"


def test_one_that_is_killed_from_outside_is_told(
    qtbot: Any, model: Path, tmp_path: Path
) -> None:
    watched = Watched(qtbot, "wait", model, tmp_path / "out")
    watched.until_epoch()
    os.kill(watched.process.pid, signal.SIGKILL)
    found = watched.until_end()
    assert found.reason == "died"
    assert "ended unexpectedly, by signal 9" in found.text


def test_its_last_words_are_told(qtbot: Any, model: Path, tmp_path: Path) -> None:
    found = Watched(qtbot, "crash", model, tmp_path / "out").until_end()
    assert "with status 134" in found.text
    assert "Segmentation fault" in found.text
    found = Watched(qtbot, "refuse", model, tmp_path / "other").until_end()
    assert found == Ending("error", "the rate is odd")


def test_a_program_that_is_not_there_is_told(qtbot: Any, tmp_path: Path) -> None:
    process = TrainProcess([], tmp_path, ("/no/such/program",))
    with qtbot.waitSignal(process.ended, timeout=30_000) as told:
        process.start()
    assert "could not be started" in told.args[0].text


def test_a_stop_that_comes_too_late_is_no_surprise() -> None:
    done = {"event": "done", "reason": "finished", "text": ""}
    assert ending(done, 0, False, True, ()) == Ending("finished")
    assert "before it could keep" in ending({}, 9, True, True, ()).text
