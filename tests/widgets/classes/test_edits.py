"""Finding, ordering, hiding and exchanging classes in their list."""

import time
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QTabWidget, QWidget
from tests.formats.annotation_samples import MANY

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.classes.list import ClassList, ClassMenu, ClassSearchField
from napari_edgeflow.widgets.classes.table import ClassRows


@pytest.fixture
def classes(qtbot: Any) -> ClassList:
    widget = ClassList(ClassTable.voc())
    qtbot.addWidget(widget)
    return widget


def rows(classes: ClassList) -> ClassRows:
    return classes.findChild(ClassRows)


def names(classes: ClassList) -> list[str]:
    table = rows(classes)
    shown = [row for row in range(table.rowCount()) if not table.isRowHidden(row)]
    return [table.item(row, 2).text() for row in shown]


def test_a_class_is_found_by_typing(classes: ClassList, notices: list[str]) -> None:
    field = classes.findChild(ClassSearchField)
    QTest.keyClicks(field, "tr")
    assert names(classes) == ["motorbike", "train", "tvmonitor"]
    assert rows(classes).item(18, 2).font().bold()
    assert classes.current_id == 1
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert classes.current_id == 19
    assert field.text() == ""
    assert len(names(classes)) == 20
    assert not rows(classes).item(18, 2).font().bold()
    QTest.keyClicks(field, "qqq")
    assert names(classes) == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "No class is called anything like 'qqq'" in notices[-1]
    QTest.keyClicks(field, "cat")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert classes.current_id == 19
    assert len(names(classes)) == 20


def test_the_search_shows_the_tab_that_it_is_in(qtbot: Any) -> None:
    tabs, classes = QTabWidget(), ClassList(ClassTable.voc())
    qtbot.addWidget(tabs)
    tabs.addTab(QWidget(), "Tidy")
    tabs.addTab(classes, "Classes")
    tabs.show()
    classes.search()
    assert tabs.currentWidget() is classes
    assert tabs.focusWidget() is classes.findChild(ClassSearchField)


def test_three_hundred_classes_are_searched_at_once(qtbot: Any) -> None:
    classes = ClassList(MANY)
    qtbot.addWidget(classes)
    field = classes.findChild(ClassSearchField)
    start = time.perf_counter()
    QTest.keyClicks(field, "c299")
    # Four letters; a person types one in a tenth of a second.
    assert time.perf_counter() - start < 4
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert classes.current_id == 299


def test_classes_are_moved_by_menu_and_by_drag(classes: ClassList, qtbot: Any) -> None:
    classes.choose(1)
    with qtbot.waitSignal(classes.changed):
        classes.move_class(1)
    assert [c.id for c in classes.classes][:3] == [2, 1, 3]
    assert classes.current_id == 1
    classes.move_class(-5)
    assert [c.id for c in classes.classes][:3] == [2, 1, 3]
    table = rows(classes)
    classes.resize(300, 600)
    classes.show()
    table.selectRow(3)
    top = table.visualItemRect(table.item(0, 2)).center()
    event = QDropEvent(
        QPointF(top.x(), 1.0),
        Qt.DropAction.MoveAction,
        QMimeData(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    table.dropEvent(event)
    assert [c.id for c in classes.classes][:3] == [4, 2, 1]
    assert classes.current_id == 4
    assert table.rowCount() == 20


def test_boxes_hide_classes(classes: ClassList) -> None:
    told: list[Any] = []
    classes.hidden_changed.connect(told.append)
    item = rows(classes).item(2, 0)
    item.setCheckState(Qt.CheckState.Unchecked)
    assert told == [frozenset({3})]
    classes.choose(5)
    entries = {entry.text(): entry for entry in classes.findChild(ClassMenu).actions()}
    entries["Show this class only"].trigger()
    assert classes.hidden == frozenset(range(1, 21)) - {5}
    entries["Show all classes"].trigger()
    assert classes.hidden == frozenset()
    # Other classes do not change what is hidden.
    classes.hide_classes(frozenset({3}))
    classes.add_class()
    assert rows(classes).item(2, 0).checkState() == Qt.CheckState.Unchecked


def test_files_of_classes_are_opened_and_saved(
    classes: ClassList, tmp_path: Path, notices: list[str]
) -> None:
    menu = classes.findChild(ClassMenu)
    for form, name in (("coco", "c.json"), ("text", "t.txt"), ("voc", "v.txt")):
        menu.save_classes(tmp_path / name, form)
        assert name in notices[-1]
        assert (tmp_path / name).is_file()
    (tmp_path / "new.txt").write_text("4 ship 1 2 3\n4 twice\n99999 far\n31 owl\n")
    classes.show_counts({8: 3}, "objects")
    menu.open_classes(tmp_path / "new.txt")
    # What has labels stays.
    assert [(c.id, c.name) for c in classes.classes] == [
        (4, "ship"),
        (31, "owl"),
        (8, "cat"),
    ]
    assert "line 2: id 4 is 'ship' already" in notices[-1]
    assert "line 3: class id 99999" in notices[-1]
    menu.open_classes(tmp_path / "c.json")
    assert len(classes.classes) == 20
    menu.open_classes(tmp_path / "none.json")
    assert "none.json" in notices[-1]
    menu.save_classes(tmp_path / "c.json" / "x.json", "json")
    assert "c.json" in notices[-1]


def test_an_id_in_use_is_not_changed(classes: ClassList, notices: list[str]) -> None:
    classes.show_counts({3: 1}, "objects")
    rows(classes).item(2, 1).setText("77")
    assert "'bird' has 1 object with the id 3: add a class with" in notices[-1]
    assert classes.classes == ClassTable.voc()
    rows(classes).item(3, 1).setText("78")
    assert classes.classes.get(78).name == "boat"
