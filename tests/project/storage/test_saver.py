import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.project.page_edits import Page, assert_same

from napari_edgeflow.project.storage import page_files, saver
from napari_edgeflow.project.storage.page_files import PageFiles, read_page
from napari_edgeflow.project.storage.project_file import ProjectFile, ProjectRecord
from napari_edgeflow.project.storage.saver import Saver, SaveState


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to this"
        time.sleep(0.005)


@pytest.fixture
def states() -> list[SaveState]:
    return []


@pytest.fixture
def running(tmp_path: Path, states: list[SaveState]) -> Saver:
    return Saver(ProjectFile(tmp_path), states.append, retry=0.05)


def test_edits_are_on_disk_when_it_says_so(
    tmp_path: Path, running: Saver, states: list[SaveState]
) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page()
    running.open_page(where)
    for index in range(1, 8):
        page.add(index)
        assert running.wait(running.note_page("a.png", page.content()), 20)
        assert_same(read_page(where).content, page.content())
    assert states[-1] == SaveState(True)
    assert SaveState(False) in states
    assert running.close()
    assert where.record.exists()
    assert where.journals() == []


def test_label_images_follow_when_the_page_is_left(
    tmp_path: Path, running: Saver
) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page()
    running.open_page(where)
    page.add(3)
    running.note_page("a.png", page.content())
    running.leave_page("a.png")
    until(lambda: where.record.exists() and not where.journals())
    again = running.open_page(where).content
    assert_same(again, page.content())
    running.close()


def test_who_comes_back_at_once_finds_the_latest(
    tmp_path: Path, running: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page()
    gate = threading.Event()
    write = page_files.write_label_image

    def slow(*arguments: object) -> None:
        assert gate.wait(20)
        write(*arguments)

    monkeypatch.setattr(page_files, "write_label_image", slow)
    running.open_page(where)
    page.add(1)
    running.note_page("a.png", page.content())
    running.leave_page("a.png")
    assert_same(running.open_page(where).content, page.content())
    page.add(2)
    assert running.wait(running.note_page("a.png", page.content()), 20)
    gate.set()
    assert running.close()
    assert_same(read_page(where).content, page.content())


def test_a_full_disk_is_told_and_tried_again(
    tmp_path: Path,
    running: Saver,
    states: list[SaveState],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page()
    running.open_page(where)
    page.add(1)
    running.wait(running.note_page("a.png", page.content()))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        page.add(2)
        running.note_page("a.png", page.content())
        until(lambda: running.state.problem == "No space left on device")
        assert not running.state.saved
        running.leave_page("a.png")
        assert_same(running.open_page(where).content, page.content())
        page.add(3)
        number = running.note_page("a.png", page.content())
        assert not running.wait(number, 0.2)
        assert list(read_page(where).content.layers["objects"].rows) == [1]
    assert running.wait(number, 20)
    until(lambda: running.state == SaveState(True))
    assert_same(read_page(where).content, page.content())
    assert running.close()


def test_a_disk_that_takes_a_part_only(tmp_path: Path, running: Saver) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page((100, 100))
    running.open_page(where)
    page.add(1)
    running.wait(running.note_page("a.png", page.content()))
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        page.draft = {"text": "x" * 5000}
        number = running.note_page("a.png", page.content())
        until(lambda: "large" in running.state.problem)
        assert read_page(where).problems == ()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert running.wait(number, 20)
    assert running.close()
    assert_same(read_page(where).content, page.content())


def test_label_images_that_cannot_be_written_cost_nothing(
    tmp_path: Path, running: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, page = PageFiles(tmp_path, "a.png"), Page()
    monkeypatch.setattr(saver, "COMPACT_AFTER_S", 0.05)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as broken:
        broken.setattr(page_files, "write_label_image", refuse)
        running.open_page(where)
        page.add(1)
        running.note_page("a.png", page.content())
        until(lambda: "Read-only" in running.state.problem)
        assert running.state.saved
        assert_same(read_page(where).content, page.content())
    until(lambda: running.state == SaveState(True))
    until(where.record.exists)
    assert running.close()


def test_the_project_file_is_saved_too(tmp_path: Path, running: Saver) -> None:
    number = running.note_project(ProjectRecord(last="b.png"))
    assert running.wait(number, 20)
    assert ProjectFile(tmp_path).read().last == "b.png"
    assert running.close()


def test_a_disk_that_stays_full_does_not_hold_up_closing(
    tmp_path: Path, running: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    running.note_project(ProjectRecord(last="b.png"))
    started = time.monotonic()
    assert not running.close()
    assert time.monotonic() - started < 8
