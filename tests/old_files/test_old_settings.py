"""What version 0.1.0 kept of a person's choices outside of projects."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_edgeflow.cli import main
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.project.recent import RecentProjects


@pytest.fixture
def kept(copy_of: Callable[[str], Path], config_home: Path) -> Callable[[str], Path]:
    """Put an old file where the program looks for it on Linux."""

    def keep(name: str) -> Path:
        folder = config_home / "napari-edgeflow"
        folder.mkdir(parents=True)
        return copy_of(f"settings/{name}").rename(folder / name)

    return keep


def test_keys_that_a_person_chose_hold(kept: Callable[[str], Path], qtbot: Any) -> None:
    path = kept("shortcuts.json")
    shortcuts = Shortcuts()
    chosen = {
        "finish": "Ctrl+Return",
        "delete_objects": "Backspace",
        "find_class": "Shift+K",
        "class_1": "F5",
        "next_image": "Ctrl+Alt+N",
        "mark_done": "",
    }
    assert {name: shortcuts.key(name) for name in chosen} == chosen
    assert shortcuts.key("undo") == "Ctrl+Z"
    # A change leaves the others as they are, in the same file.
    shortcuts.assign("class_2", "F6")
    keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
    assert keys == {**chosen, "class_2": "F6"}


def test_keys_that_could_be_changed_can_be_still(qtbot: Any, tmp_path: Path) -> None:
    first = {action.id: action.key for action in Shortcuts(path=tmp_path / "none")}
    known = {
        "finish": "Return",
        "undo": "Ctrl+Z",
        "redo": "Ctrl+Shift+Z",
        "edit_outline": "G",
        "delete_objects": "Del",
        "outline_write": "Return",
        "outline_cancel": "Esc",
        "outline_undo": "Ctrl+Z",
        "outline_redo": "Ctrl+Shift+Z",
        "find_class": "K",
        **{f"class_{n}": f"Ctrl+{n}" for n in range(1, 10)},
        "next_image": "N",
        "previous_image": "Shift+N",
        "mark_done": "Shift+S",
    }
    assert {name: first[name] for name in known} == known


def test_projects_that_were_open_are_listed(
    kept: Callable[[str], Path], tmp_path: Path
) -> None:
    path = kept("projects.json")
    # In the file there is a word in place of the folder.
    text = path.read_text(encoding="utf-8").replace("FOLDER", tmp_path.as_posix())
    path.write_text(text, encoding="utf-8")
    for name in ("first/napari-edgeflow", "second", "labels"):
        (tmp_path / name).mkdir(parents=True)
    recent = RecentProjects()
    # The third that the file names is not there any more.
    assert [(place.folder, place.home) for place in recent.places()] == [
        (tmp_path / "second", tmp_path / "labels"),
        (tmp_path / "first", tmp_path / "first" / "napari-edgeflow"),
    ]
    assert recent.place_of(tmp_path / "second").home == tmp_path / "labels"


@pytest.mark.usefixtures("training")
def test_a_file_of_options_starts_the_same_training(
    copy_of: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = copy_of("settings/training.toml")
    folder = copy_of("models/semantic.tar.xz")
    monkeypatch.chdir(folder)
    assert main(["train", "semantic", "--config", str(options)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["step"] for e in events if e["event"] == "step"][-1] == 2
    assert events[-1]["output"] == "new"
    state = torch.load(folder / "new" / "training-state.pt", weights_only=True)
    settings = state["settings"]
    assert (settings["steps"], settings["rate"]) == (2, 1e-3)
    assert state["samples"] == 4
    assert main(["train", "semantic", "--config", str(options), "--loss", "oh"]) == 2
