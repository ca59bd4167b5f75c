from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.project.page_edits import CLASSES, Page, assert_same

from napari_edgeflow.project.folder import ProjectPlace, count_states, open_project
from napari_edgeflow.project.storage.lock import ProjectLockedError
from napari_edgeflow.project.storage.project_file import (
    CorruptProjectError,
    PageSummary,
)

NAMES = ["a2.png", "a10.png", "sub/ö.png"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40)).save(path)
    return tmp_path / "images"


def test_work_comes_back(images: Path) -> None:
    project = open_project(ProjectPlace(images))
    assert project.names == NAMES
    project.note(replace(project.record, classes=CLASSES))
    page = Page()
    project.open_page("sub/ö.png")
    page.add(4)
    page.draft = {"clicks": []}
    assert not project.note_page("sub/ö.png", page.content(), edited=False)
    assert project.note_page("sub/ö.png", page.content())
    assert not project.note_page("sub/ö.png", page.content())
    project.note(project.record.with_page("a10.png", PageSummary("done")))
    assert project.close()
    again = open_project(ProjectPlace(images))
    assert again.names == NAMES
    assert again.record.page("sub/ö.png") == PageSummary("work", 1, {1: 1})
    assert count_states(again) == {"new": 1, "work": 1, "done": 1}
    assert_same(again.open_page("sub/ö.png").content, page.content())
    assert [name for name, _ in again.read_pages()] == ["a10.png", "sub/ö.png"]
    assert again.close()


def test_labels_in_another_folder_find_their_images(
    images: Path, tmp_path: Path
) -> None:
    home = tmp_path / "elsewhere" / "labels"
    open_project(ProjectPlace(images, labels=home)).close()
    assert not (images / "napari-edgeflow").exists()
    again = open_project(ProjectPlace(home))
    assert (again.images, again.names) == (images, NAMES)
    again.close()


def test_images_all_over_the_computer_are_not_listed(images: Path) -> None:
    open_project(ProjectPlace(images)).close()
    home = images / "napari-edgeflow"
    path = home / "project.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"images": ".."', '"images": "/"'), "utf-8")
    with pytest.raises(ValueError, match="open the folder of images"):
        open_project(ProjectPlace(home))
    again = open_project(ProjectPlace(images, labels=home))
    assert again.names == NAMES
    again.close()


def test_two_windows_do_not_write_the_same_project(images: Path) -> None:
    first = open_project(ProjectPlace(images))
    with pytest.raises(ProjectLockedError, match="look only"):
        open_project(ProjectPlace(images))
    first.note(replace(first.record, classes=CLASSES))
    page = Page()
    first.open_page("a2.png")
    page.add(1)
    first.note_page("a2.png", page.content())
    first.saver.wait()
    reader = open_project(ProjectPlace(images, read_only=True))
    assert reader.read_only
    assert_same(reader.open_page("a2.png").content, page.content())
    reader.note_page("a2.png", Page().content())
    reader.close()
    assert first.close()
    open_project(ProjectPlace(images)).close()


def test_a_damaged_file_frees_the_lock_and_can_be_restored(images: Path) -> None:
    project = open_project(ProjectPlace(images))
    project.note(project.record.with_page("a2.png", PageSummary("done")))
    project.saver.wait()
    project.note(project.record.with_page("a10.png", PageSummary("done")))
    project.close()
    (project.home / "project.json").write_text("oh")
    with pytest.raises(CorruptProjectError):
        open_project(ProjectPlace(images))
    again = open_project(ProjectPlace(images, restore=True))
    assert again.record.page("a2.png").state == "done"
    again.close()


def test_a_folder_that_cannot_be_written_is_told(images: Path) -> None:
    (images / "file").touch()
    with pytest.raises(OSError, match="choose another folder for the labels"):
        open_project(ProjectPlace(images, labels=images / "file" / "home"))
    with pytest.raises(FileNotFoundError, match="no folder"):
        open_project(ProjectPlace(images / "nowhere"))
