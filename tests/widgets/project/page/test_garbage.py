"""Memory of pages that are turned."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_edgeflow.widgets.project.page import garbage as project_garbage
from napari_edgeflow.widgets.project.page.garbage import PageGarbage


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def garbage(viewer: Any) -> Iterator[PageGarbage]:
    garbage = PageGarbage(viewer)
    yield garbage
    garbage.look_at_all()
    assert gc.get_freeze_count() == 0


def turn(garbage: PageGarbage) -> None:
    with garbage.turning():
        gc.collect()
    garbage.look_now_and_then()


def test_what_was_there_is_exempt_and_what_came_later_is_not(
    garbage: PageGarbage,
) -> None:
    before = Cycle()
    turn(garbage)
    assert gc.get_freeze_count() > 0
    after = Cycle()
    gone = weakref.ref(before), weakref.ref(after)
    del before, after
    turn(garbage)
    assert [one() is None for one in gone] == [False, True]
    garbage.look_at_all()
    gc.collect()
    assert gone[0]() is None


def test_every_few_pages_nothing_is_exempt(
    garbage: PageGarbage, monkeypatch: Any
) -> None:
    monkeypatch.setattr(project_garbage, "_EVERY", 3)
    before = Cycle()
    gone = weakref.ref(before)
    turn(garbage)
    del before
    turn(garbage)
    turn(garbage)
    assert gone() is not None
    turn(garbage)
    assert gone() is None


def test_much_that_was_loaded_since_becomes_exempt(
    garbage: PageGarbage, monkeypatch: Any
) -> None:
    turn(garbage)
    loaded = [[] for _ in range(1000)]
    gc.collect()
    monkeypatch.setattr(project_garbage, "_MANY", 1000)
    before = gc.get_freeze_count()
    turn(garbage)
    assert gc.get_freeze_count() >= before + len(loaded)


def test_layers_that_a_person_takes_out_are_freed(
    garbage: PageGarbage, viewer: Any
) -> None:
    viewer.add_image(np.zeros((5, 5), np.uint8), name="old")
    turn(garbage)
    viewer.add_image(np.zeros((5, 5), np.uint8), name="page")
    viewer.layers.remove("page")
    assert gc.get_freeze_count() > 0
    gone = weakref.ref(viewer.layers["old"])
    assert isinstance(gone(), Image)
    viewer.layers.remove("old")
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None
