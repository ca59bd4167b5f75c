"""A dock in a real viewer, with a network that needs no weights."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from qtpy.QtTest import QTest
from tests.widgets.dock_person import FakeModels, MakePerson, Person, two_squares
from tests.widgets.segment_person import (
    FakeSemanticModels,
    MakeSegmentPerson,
    SegmentPerson,
)

from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.fields import choices
from napari_edgeflow.widgets.keys import shortcuts
from napari_edgeflow.widgets.qt.canvas import find_canvas
from napari_edgeflow.widgets.segment.dock import SegmentWidget


@pytest.fixture(autouse=True)
def _first_shortcuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the keys of whoever runs the tests out of them, and safe."""
    monkeypatch.setattr(shortcuts, "shortcuts_path", lambda: tmp_path / "keys.json")


@pytest.fixture(autouse=True)
def _answers_what_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Enter when it is asked what labels of others hold: nobody is there."""
    monkeypatch.setattr(choices, "ask_kind", lambda _parent, _name, guess: guess.kind)


@pytest.fixture
def models() -> Iterator[FakeModels]:
    fakes = FakeModels()
    yield fakes
    fakes.network.gate.set()


@pytest.fixture
def make_person(
    make_napari_viewer: Callable[..., Any], qtbot: Any, models: FakeModels
) -> MakePerson:
    """Open a viewer with an image and the dock; without a window it is faster."""

    def make(
        image: Any = None,
        *,
        show: bool = True,
        docked: bool = True,
        window: bool = True,
        **options: Any,
    ) -> Person:
        show, docked = show and window, docked and window
        viewer = make_napari_viewer(show=show) if window else ViewerModel()
        options.setdefault("name", "squares")
        viewer.add_image(two_squares() if image is None else image, **options)
        dock = ClickWidget(viewer, models)
        if docked:
            viewer.window.add_dock_widget(dock, name="Click to label")
        else:
            qtbot.addWidget(dock)
        person = Person(viewer, dock, models, qtbot)
        if show and docked:
            QTest.qWait(50)
            viewer.reset_view()
            person.canvas = find_canvas(dock)
        person.wait()
        return person

    return make


@pytest.fixture
def semantic_models() -> Iterator[FakeSemanticModels]:
    fakes = FakeSemanticModels()
    yield fakes
    fakes.gate.set()


@pytest.fixture
def make_segmenter(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    semantic_models: FakeSemanticModels,
) -> MakeSegmentPerson:
    """Open a viewer with an image and the dock for automatic segmentation."""

    def make(image: Any = None, *, show: bool = True, **options: Any) -> SegmentPerson:
        viewer = make_napari_viewer(show=show)
        options.setdefault("name", "squares")
        viewer.add_image(two_squares() if image is None else image, **options)
        dock = SegmentWidget(viewer, semantic_models)
        viewer.window.add_dock_widget(dock, name="Segment automatically")
        person = SegmentPerson(viewer, dock, semantic_models, qtbot)
        if show:
            QTest.qWait(50)
            viewer.reset_view()
            person.canvas = find_canvas(dock)
        person.wait()
        return person

    return make


@pytest.fixture
def notices() -> Iterator[list[str]]:
    """The messages a person was shown during the test."""
    notification_manager.records.clear()
    messages: list[str] = []

    def note(notification: Any) -> None:
        messages.append(notification.message)

    notification_manager.notification_ready.connect(note)
    yield messages
    notification_manager.notification_ready.disconnect(note)


@pytest.fixture
def our_threads() -> Callable[[], set[threading.Thread]]:
    """Return what tells the threads of ours that were started since and still run.

    A test that failed before keeps what it holds alive, its threads too.
    """
    before = set(threading.enumerate())
    return lambda: {
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith("napari-edgeflow")
    }
