import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.project.page_edits import CLASSES

from napari_edgeflow.project.storage import project_file
from napari_edgeflow.project.storage.page_files import NewerProjectError
from napari_edgeflow.project.storage.project_file import (
    CorruptProjectError,
    PageSummary,
    ProjectFile,
    ProjectRecord,
)

RECORD = ProjectRecord(
    images="../bilder",
    classes=CLASSES,
    last="ä.png",
    settings={"click": {"threshold": 0.4}},
    window="abc",
).with_page("ä.png", PageSummary("done", 3))


def test_everything_comes_back(tmp_path: Path) -> None:
    assert ProjectFile(tmp_path).read() == ProjectRecord()
    ProjectFile(tmp_path).write(RECORD)
    assert ProjectFile(tmp_path).read() == RECORD
    assert "dög 🐕" in (tmp_path / "project.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": "x"}', "\x00" * 5]
)
def test_a_damaged_file_offers_the_last_good_copy(tmp_path: Path, text: str) -> None:
    file = ProjectFile(tmp_path)
    file.write(RECORD)
    file.write(replace(RECORD, last="b.png"))
    (tmp_path / "project.json").write_text(text)
    with pytest.raises(CorruptProjectError, match="last good copy") as caught:
        ProjectFile(tmp_path).read()
    assert caught.value.has_copy
    again = ProjectFile(tmp_path)
    assert again.read(restore=True) == RECORD
    again.write(RECORD)
    assert ProjectFile(tmp_path).read() == RECORD


def test_a_project_killed_before_its_first_file_offers_the_copy(
    tmp_path: Path,
) -> None:
    ProjectFile(tmp_path).write(RECORD)
    (tmp_path / "project.json").unlink()
    with pytest.raises(CorruptProjectError, match="last good copy") as caught:
        ProjectFile(tmp_path).read()
    assert caught.value.has_copy
    assert ProjectFile(tmp_path).read(restore=True) == RECORD


def test_names_that_are_no_unicode_are_written(tmp_path: Path) -> None:
    record = RECORD.with_page("a\udcff.png", PageSummary("work", 2))
    ProjectFile(tmp_path).write(record)
    assert ProjectFile(tmp_path).read() == record


def test_numbers_without_end_are_damage(tmp_path: Path) -> None:
    ProjectFile(tmp_path).write(RECORD)
    path = tmp_path / "project.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"removals": 0', '"removals": 1e999'), "utf-8")
    with pytest.raises(CorruptProjectError, match="infinity"):
        ProjectFile(tmp_path).read()


def test_a_damaged_file_without_a_copy_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text("{")
    with pytest.raises(CorruptProjectError, match=r"move project\.json away") as caught:
        ProjectFile(tmp_path).read()
    assert not caught.value.has_copy


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = json.dumps({"version": 2, "all": "different"})
    (tmp_path / "project.json").write_text(text)
    with pytest.raises(NewerProjectError, match=r"version 2.*update this one"):
        ProjectFile(tmp_path).read()
    assert (tmp_path / "project.json").read_text() == text


def test_a_state_nobody_knows_is_damage(tmp_path: Path) -> None:
    ProjectFile(tmp_path).write(RECORD)
    path = tmp_path / "project.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"done"', '"gone"'))
    with pytest.raises(CorruptProjectError, match="gone"):
        ProjectFile(tmp_path).read()


def test_a_new_project_can_be_opened_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = project_file.write_durably, list[Path]()

    def looking(path: Path, text: str) -> None:
        write(path, text)
        written.append(path)
        ProjectFile(tmp_path).read()

    monkeypatch.setattr(project_file, "write_durably", looking)
    ProjectFile(tmp_path).write(ProjectRecord())
    assert len(written) == 2
