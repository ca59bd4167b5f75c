"""Memory of pages that are turned."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_edgeflow.widgets.project.page import stage as page_stage
from napari_edgeflow.widgets.project.page.stage import Stage


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def stage(viewer: Any) -> Iterator[Stage]:
    stage = Stage(viewer)
    yield stage
    stage.look_at_all()
    assert gc.get_freeze_count() == 0


def turn(stage: Stage) -> None:
    with stage.turning():
        gc.collect()
    stage.look_now_and_then()


def test_what_was_there_is_exempt_and_what_came_later_is_not(
    stage: Stage,
) -> None:
    before = Cycle()
    turn(stage)
    assert gc.get_freeze_count() > 0
    after = Cycle()
    gone = weakref.ref(before), weakref.ref(after)
    del before, after
    turn(stage)
    assert [one() is None for one in gone] == [False, True]
    stage.look_at_all()
    gc.collect()
    assert gone[0]() is None


def test_every_few_pages_nothing_is_exempt(stage: Stage, monkeypatch: Any) -> None:
    monkeypatch.setattr(page_stage, "_EVERY", 3)
    before = Cycle()
    gone = weakref.ref(before)
    turn(stage)
    del before
    turn(stage)
    turn(stage)
    assert gone() is not None
    turn(stage)
    assert gone() is None


def test_much_that_was_loaded_since_becomes_exempt(
    stage: Stage, monkeypatch: Any
) -> None:
    turn(stage)
    loaded = [[] for _ in range(1000)]
    gc.collect()
    monkeypatch.setattr(page_stage, "_MANY", 1000)
    before = gc.get_freeze_count()
    turn(stage)
    assert gc.get_freeze_count() >= before + len(loaded)


def test_layers_that_a_person_takes_out_are_freed(stage: Stage, viewer: Any) -> None:
    viewer.add_image(np.zeros((5, 5), np.uint8), name="old")
    turn(stage)
    viewer.add_image(np.zeros((5, 5), np.uint8), name="page")
    viewer.layers.remove("page")
    assert gc.get_freeze_count() > 0
    gone = weakref.ref(viewer.layers["old"])
    assert isinstance(gone(), Image)
    viewer.layers.remove("old")
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None
