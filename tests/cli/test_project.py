import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow import cli
from napari_edgeflow.cli.training import plan_in
from napari_edgeflow.engine.checkpoints.checkpoint import STARTERS
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.training.folder import STATE_FILE
from napari_edgeflow.formats.training.sources import read_source
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.folder import ProjectPlace, open_project

TABLE = ClassTable(
    (LabelClass(1, "cat", (200, 0, 0)), LabelClass(2, "dog", (0, 0, 200)))
)
ROWS = {5: {"class_id": 1}, 6: {"class_id": 2}}


def run(*arguments: object) -> int:
    return cli.main([str(a) for a in arguments])


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Path]:
    """Three images, two labelled and one of these done; the project stays open."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/a.png", "new.png"):
        Image.new("RGB", (64, 48), (9, 99, 199)).save(folder / name)
    labels = np.zeros((48, 64), np.uint16)
    labels[4:20, 5:30], labels[26:40, 30:60] = 5, 6
    project = open_project(ProjectPlace(folder))
    project.note(replace(project.record, classes=TABLE))
    for name in ("a.png", "sub/a.png"):
        project.open_page(name)
        content = LabelContent("object", TABLE, labels, ROWS)
        project.note_page(name, PageContent({"objects": content}))
    done = replace(project.record.page("a.png"), state="done")
    project.note(project.record.with_page("a.png", done))
    project.wait()
    yield folder
    project.close()


def test_status_counts_images_and_objects(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "status.json"
    assert run("project", "status", images, "--json", output) == 0
    assert json.loads(output.read_text()) == {
        "images": 3,
        "states": {"new": 1, "work": 1, "done": 1},
        "objects": {"cat": 2, "dog": 2},
    }
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["images", "3"]
    assert ["done", "1"] in rows
    assert ["dog", "2"] in rows


def test_labels_are_exported_while_the_project_is_open(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    command = ("project", "export", images, "--to", "coco", "--output", output)
    assert run(*command) == 0
    record = json.loads(next(output.rglob("*.json")).read_text())
    names = {image["file_name"] for image in record["images"]}
    assert names == {"a.png", "sub/a.png"}
    assert len(record["annotations"]) == 4
    assert {c["name"] for c in record["categories"]} == {"cat", "dog"}
    assert "2 images" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [("status",), ("export", "--to", "coco")])
def test_a_folder_that_is_no_project_is_named(
    verb: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--output", tmp_path / "out") if verb[0] == "export" else ()
    assert run("project", verb[0], tmp_path, *verb[1:], *more) == 2
    assert f"no project in {tmp_path}: give a folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("states", "number"), [("", 2), (",state=done", 1)])
def test_a_training_learns_from_a_project(
    images: Path,
    tmp_path: Path,
    states: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(STARTERS, "tiny", "tu-test_efficientnet")
    output = tmp_path / "model"
    command = (
        "train", "semantic", "--project", f"{images}{states}", "--output", output,
        "--network", "tiny", "--from-scratch", "--steps", 1,
        "--batch", 2, "--size", 32, "--validation", 0, "--device", "cpu",
    )  # fmt: skip
    assert run(*command) == 0
    assert (output / STATE_FILE).is_file()
    plan = plan_in(output)
    pairs, classes = read_source(plan.sources[0], output)
    assert len(pairs) == number
    assert [c.name for c in classes or ()] == ["cat", "dog"]
    for pair in pairs:
        labels = np.asarray(Image.open(pair.labels))
        assert labels[10, 10] == 1
        assert labels[30, 40] == 2
    # What was written for it is kept, whatever becomes of the project.
    before = {p: p.stat().st_mtime_ns for p in (output / "data").rglob("*.png")}
    assert run(*command) == 2
    assert run(*[2 if word == 1 else word for word in command], "--resume") == 0
    assert plan_in(output).sources == plan.sources
    after = {p: p.stat().st_mtime_ns for p in (output / "data").rglob("*.png")}
    assert after == before


def test_images_of_a_start_that_failed_are_not_learnt(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model"
    command = (
        "train", "semantic", "--output", output, "--network", "none", "--size", 32,
        "--project",
    )  # fmt: skip
    assert run(*command, images) == 2
    assert "unknown network 'none'" in capsys.readouterr().err
    assert run(*command, f"{images},state=done") == 2
    assert f"{output / 'data' / 'classes'} is there already" in capsys.readouterr().err


def test_what_is_wrong_with_a_project_is_told_before_anything_is_written(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("train", "clicks", "--output", tmp_path / "model", "--project")
    assert run(*command, f"{images},state=work") == 2
    assert "state is 'work': it can be done only" in capsys.readouterr().err
    assert run(*command, f"{images},weight=2") == 2
    assert "unknown 'weight'" in capsys.readouterr().err
    assert run(*command, tmp_path) == 2
    assert f"no project in {tmp_path}" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
