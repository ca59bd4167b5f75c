"""Two programs on one project: the one who lost it writes nothing, and says so."""

import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from tests.project.page_edits import CLASSES, Page, assert_same

from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.storage import saver
from napari_edgeflow.project.storage.lock import Holder, ProjectLockedError

NAMES = ["a.png", "b.png"]


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(saver, "COMPACT_AFTER_S", 1e9)
    for name in NAMES:
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (60, 40)).save(tmp_path / "images" / name)
    return tmp_path / "images"


def files_of(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(".taken")
    }


def test_who_lost_the_project_writes_no_label_image(images: Path) -> None:
    first = open_project(ProjectPlace(images))
    saver_ = first.saver
    assert saver_ is not None
    # Edits are on disk; label images are to follow when the page is left.
    first.note(replace(first.record, classes=CLASSES))
    first.open_page("a.png")
    page = Page()
    page.add(4)
    first.note_page("a.png", page.content())
    assert saver_.wait(timeout=10)
    second = open_project(ProjectPlace(images, force=True))
    second.open_page("a.png")
    page.add(9)
    second.note_page("a.png", page.content())
    second.close()
    before = files_of(first.home)
    first.leave_page("a.png")
    first.close()
    assert files_of(first.home) == before
    again = open_project(ProjectPlace(images, read_only=True))
    assert_same(again.open_page("a.png").content, page.content())


def test_what_was_not_saved_is_a_project_of_its_own(images: Path) -> None:
    first = open_project(ProjectPlace(images))
    first.note(replace(first.record, classes=CLASSES))
    saved, lost = Page(), Page()
    for name, page in zip(NAMES, (saved, lost), strict=True):
        first.open_page(name)
        page.add(4)
        first.note_page(name, page.content())
    assert first.saver is not None
    assert first.saver.wait(timeout=10)
    assert not first.is_taken
    assert first.save_copy() is None
    second = open_project(ProjectPlace(images, force=True))
    lost.add(20)
    first.note_page("b.png", lost.content())
    assert first.is_taken
    assert not first.close()
    assert first.copy == first.home / "not saved 1"
    assert second.close()
    again = open_project(ProjectPlace(images))
    # Its label images are no images of the folder.
    assert again.names == NAMES
    assert 20 not in again.open_page("b.png").content.layers["objects"].labels
    again.close()
    copy = open_project(ProjectPlace(first.copy))
    assert (copy.images, copy.names) == (images, NAMES)
    assert_same(copy.open_page("b.png").content, lost.content())
    assert copy.record.classes == CLASSES
    assert copy.record.last == "b.png"
    assert [name for name, _ in copy.read_pages()] == ["b.png"]
    assert copy.close()


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_overwritten_silently(images: Path, seed: int) -> None:
    chance = random.Random(seed)
    projects: list[Project] = []
    pages: dict[Project, dict[str, Page]] = {}
    home = images / "napari-edgeflow"
    saved = {name: Page().content() for name in NAMES}
    for number in range(1, 30):
        what = chance.choice(["open", "edit", "edit", "leave", "close", "close"])
        if what == "open" and len(projects) < 3:
            project = open_project(ProjectPlace(images, force=True))
            project.note(replace(project.record, classes=CLASSES))
            projects.append(project)
            pages[project] = {}
            continue
        if not projects:
            continue
        project = chance.choice(projects)
        holds, name = not project.is_taken, chance.choice(NAMES)
        assert holds == (project is projects[-1])
        before = {name: ours(saved[name]) for name in NAMES}
        if what == "edit":
            content = project.open_page(name).content
            page = pages[project].setdefault(name, Page())
            if name not in pages[project] or content.layers:
                layer = content.layers["objects"]
                page.labels, page.rows = layer.labels, dict(layer.rows)
            page.add(number)
            assert project.saver is not None
            project.note_page(name, page.content())
            assert project.saver.wait(timeout=10 if holds else 0.1) == holds
            if holds:
                before[name] = ours(page.content())
                saved[name] = page.content()
            else:
                assert "taken over" in project.saver.state.problem or (
                    "is open in" in project.saver.state.problem
                )
        elif what == "leave":
            project.leave_page(name)
        else:
            assert project.saver is not None
            unsaved, is_saved = project.saver.unsaved(), project.saver.state.saved
            assert project.close() == (is_saved or holds)
            assert (project.copy is None) == (is_saved or holds)
            for one in () if project.copy is None else unsaved:
                assert project.copy is not None
                copy = open_project(ProjectPlace(project.copy, read_only=True))
                assert ours(copy.open_page(one).content) == ours(unsaved[one])
            projects.remove(project)
            if holds and projects:
                # Nobody has it now: those who lost it do not have it again.
                assert all(one.is_taken for one in projects)
                for one in projects:
                    one.close()
                projects.clear()
        looking = open_project(ProjectPlace(images, read_only=True))
        now = {name: ours(looking.open_page(name).content) for name in NAMES}
        assert now == before
    for project in projects:
        project.close()
    assert not list(home.glob("*.taken"))
    shutil.rmtree(home)


def ours(content: Any) -> Any:
    """Return what a page holds, to compare."""
    return {
        key: (layer.labels.tolist(), dict(layer.rows))
        for key, layer in content.layers.items()
        if layer.labels.any()
    }


def child(images: Path, wait: str) -> "subprocess.Popen[str]":
    code = (
        "import sys; from pathlib import Path\n"
        "from napari_edgeflow.project.folder import ProjectPlace, open_project\n"
        "project = open_project(ProjectPlace(Path(sys.argv[1])))\n"
        f"project.wait(); print('open', flush=True); {wait}\n"
    )
    args = [sys.executable, "-c", code, str(images)]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True, stdin=-1)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


@pytest.mark.parametrize("by", [-7200.0, 7200.0])
def test_the_clock_does_not_decide(
    images: Path, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    process = child(images, "sys.stdin.read()")
    real, boot = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() + by)
    monkeypatch.setattr(psutil.Process, "create_time", lambda one: real(one) + by)
    with pytest.raises(ProjectLockedError):
        open_project(ProjectPlace(images))
    monkeypatch.setattr(psutil.Process, "create_time", real)
    # As on systems that note the time at which a process starts.
    with pytest.raises(ProjectLockedError):
        open_project(ProjectPlace(images))
    process.kill()
    process.communicate()
    project = open_project(ProjectPlace(images))
    assert project.close()


def test_a_lock_of_an_earlier_version_is_understood() -> None:
    mine = Holder.this_process()
    record: dict[str, Any] = asdict(mine)
    del record["uptime"]
    assert not Holder(**record).is_gone
    assert Holder(**{**record, "started": mine.started - 1000}).is_gone
    assert replace(mine, started=1.0, uptime=2.0).is_gone
