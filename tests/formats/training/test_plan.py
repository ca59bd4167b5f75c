"""What a training is told, and the file that holds it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    (tmp_path / "start").mkdir()
    return TrainingPlan(
        task="semantic",
        output=tmp_path / "run",
        sources=(
            DataSource(tmp_path / "run/data/classes", "pairs"),
            DataSource(tmp_path / "cells", "voc", names="trainval", weight=0.5),
            DataSource(tmp_path / "a.json", "coco", images=tmp_path / "images"),
        ),
        classes=tmp_path / "run/labels.txt",
        init=str(tmp_path / "start"),
        epochs=3,
        rate=1,
        microscopy=True,
    )


def test_it_is_read_as_it_was_written(plan: TrainingPlan) -> None:
    read = TrainingPlan.from_text(plan.to_text(), plan.output, "it")
    assert read == plan


def test_what_is_in_the_folder_goes_where_the_folder_goes(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    moved = TrainingPlan.from_text(plan.to_text(), tmp_path / "moved", "it")
    assert moved.output == tmp_path / "moved"
    assert moved.sources[0].path == tmp_path / "moved/data/classes"
    assert moved.sources[1:] == plan.sources[1:]
    assert moved.classes == tmp_path / "moved/labels.txt"


def test_paths_do_not_depend_on_where_a_program_was_started(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = replace(
        plan, output=Path("run"), init="start", sources=(DataSource(Path("x"), "voc"),)
    )
    read = TrainingPlan.from_text(here.to_text(), plan.output, "it")
    assert read.sources[0].path == tmp_path / "x"
    assert read.init == str(tmp_path / "start")
    near = TrainingPlan.from_text(plan.to_text(), Path("run"), "it")
    assert (near.output, near.sources[0].path) == (
        Path("run"),
        Path("run/data/classes"),
    )
    # Names of models are no paths.
    (tmp_path / "edgeflow-lite").mkdir()
    named = replace(here, init="edgeflow-lite").to_text()
    assert json.loads(named)["init"] == "edgeflow-lite"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2, and 1 is the newest .*: update"),
        ({"version": None}, "does not say what a training was told"),
        ({"task": "sleep"}, "task is 'sleep', which cannot be"),
        ({"epochs": "many"}, "epochs is 'many', which cannot be"),
        ({"epochs": True}, "epochs is True, which cannot be"),
        ({"seed": 0.5}, "seed is 0.5, which cannot be"),
        ({"seed": None}, "seed is None, which cannot be"),
        ({"steps": 4}, "3 epochs and 4 steps"),
        ({"sources": "x"}, "sources is 'x': it has to be a list"),
        ({"sources": [3]}, "3 is no object"),
        ({"sources": [{"path": "x"}]}, "something is missing: .*layout"),
        ({"sources": [{"path": "x", "layout": "yolo"}]}, "layout is 'yolo'"),
        ({"speed": 1}, "'speed' is nothing that a training is told"),
    ],
)
def test_what_is_wrong_is_told(
    plan: TrainingPlan, changes: dict[str, object], message: str
) -> None:
    record = {**json.loads(plan.to_text()), **changes}
    with pytest.raises(ValueError, match=message):
        TrainingPlan.from_text(json.dumps(record), plan.output, "run/training.json")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "3"])
def test_other_files_are_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^training\.json (is no JSON|does not say)"):
        TrainingPlan.from_text(text, tmp_path, "training.json")
