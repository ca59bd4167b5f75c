"""Docks of ours in windows of different heights."""

from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QWidget

from napari_edgeflow.widgets.qt.dock import Dock

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea


class Tall(Dock):
    def __init__(self, height: int) -> None:
        super().__init__()
        label = QLabel("content")
        label.setMinimumHeight(height)
        self._set_up(label, lambda _: None)


@pytest.fixture
def add(qtbot: Any) -> Callable[..., QDockWidget]:
    """Add docks to a window of 800 pixels."""
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QLabel("canvas"))
    window.resize(1200, 800)
    window.show()
    QTest.qWait(20)

    def add_dock(content: QWidget, name: str, area: Any = RIGHT) -> QDockWidget:
        dock = QDockWidget(name, window)
        dock.setWidget(content)
        window.addDockWidget(area, dock, Qt.Orientation.Vertical)
        QTest.qWait(20)
        return dock

    return add_dock


def tabs(dock: QDockWidget) -> list[QDockWidget]:
    window: Any = dock.window()
    return list(window.tabifiedDockWidgets(dock))


def test_docks_without_room_share_it_by_tabs(add: Callable[..., QDockWidget]) -> None:
    first = add(Tall(500), "first")
    second, third = add(Tall(450), "second"), add(Tall(400), "third")
    assert set(tabs(third)) == {first, second}
    assert third.height() > 450
    assert not third.visibleRegion().isEmpty()


def test_docks_with_room_lie_below_each_other(
    add: Callable[..., QDockWidget],
) -> None:
    add(Tall(200), "first")
    assert tabs(add(Tall(200), "second")) == []


def test_docks_of_others_and_other_sides_are_left_alone(
    add: Callable[..., QDockWidget],
) -> None:
    add(QLabel("of somebody else"), "other")
    add(Tall(500), "left", area=LEFT)
    assert tabs(add(Tall(500), "right")) == []


def test_what_a_person_moved_apart_stays_apart(
    add: Callable[..., QDockWidget],
) -> None:
    first, second = add(Tall(500), "first"), add(Tall(500), "second")
    assert tabs(second) == [first]
    window: Any = first.window()
    window.removeDockWidget(second)
    window.addDockWidget(RIGHT, second, Qt.Orientation.Vertical)
    second.show()
    QTest.qWait(20)
    assert tabs(second) == []
