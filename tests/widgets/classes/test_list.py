from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QColorDialog, QLineEdit, QTableWidget, QToolButton

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.classes.list import ClassList


@pytest.fixture
def classes(qtbot: Any) -> ClassList:
    widget = ClassList(ClassTable.voc())
    qtbot.addWidget(widget)
    return widget


def table(classes: ClassList) -> QTableWidget:
    return classes.findChild(QTableWidget)


def test_vocs_classes_can_be_chosen(classes: ClassList, qtbot: Any) -> None:
    assert len(classes.classes) == 20
    assert classes.current_id == 1
    with qtbot.waitSignal(classes.changed):
        classes.choose(15)
    assert classes.current_id == 15
    with pytest.raises(ValueError, match="no class 99"):
        classes.choose(99)


def test_name_id_and_colour_can_be_edited(
    classes: ClassList, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes.choose(3)
    with qtbot.waitSignal(classes.changed):
        table(classes).item(2, 2).setText("owl")
    assert classes.classes.get(3).name == "owl"
    table(classes).item(2, 1).setText("77")
    assert classes.classes.get(77).name == "owl"
    assert classes.current_id == 77
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor(9, 8, 7))
    table(classes).itemDoubleClicked.emit(table(classes).item(2, 0))
    assert classes.classes.get(77).colour == (9, 8, 7)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [(2, " ", "no name"), (1, "x", "whole number"), (1, "5", "twice"), (1, "0", "0")],
)
def test_bad_values_are_refused(
    classes: ClassList, notices: list[str], column: int, text: str, message: str
) -> None:
    before = classes.classes
    table(classes).item(2, column).setText(text)
    assert message in notices[-1]
    assert classes.classes == before
    assert table(classes).item(2, column).text() == ("bird" if column == 2 else "3")


def test_classes_are_added_and_removed(classes: ClassList, notices: list[str]) -> None:
    classes.add_class()
    assert classes.current_id == 21
    assert classes.classes.get(21).name == "class 21"
    classes.remove_class()
    assert len(classes.classes) == 20
    for _ in range(30):
        classes.remove_class()
    assert len(classes.classes) == 1
    assert "last class" in notices[-1]


def test_other_classes_keep_the_current_id(classes: ClassList) -> None:
    classes.choose(4)
    classes.set_classes(ClassTable.voc().without(1))
    assert classes.current_id == 4
    classes.set_classes(ClassTable.voc().without(4))
    assert classes.current_id == 1


def open_cells(classes: ClassList) -> list[QLineEdit]:
    editors = table(classes).viewport().findChildren(QLineEdit)
    return [editor for editor in editors if not editor.isHidden()]


def typing(classes: ClassList, text: str) -> None:
    """Type into the cell that is open."""
    (editor,) = open_cells(classes)
    editor.setText(text)


def test_what_is_typed_counts_when_a_button_is_pressed(
    classes: ClassList, qtbot: Any, qtlog: Any
) -> None:
    classes.show()
    (plus,) = (b for b in classes.findChildren(QToolButton) if b.text() == "+")
    for name in ("first", "second", "third"):
        plus.click()
        typing(classes, name)
        QTest.qWait(1)
    plus.click()
    QTest.qWait(1)
    plus.click()
    (editor,) = open_cells(classes)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(1)
    names = [entry.name for entry in classes.classes][20:]
    assert names == ["first", "second", "third", "class 24", "class 25"]
    assert [record.message for record in qtlog.records] == []


def test_a_name_being_typed_does_not_go_to_another_class(
    classes: ClassList, qtbot: Any
) -> None:
    classes.show()
    classes.choose(3)
    classes.rename_class()
    typing(classes, "owl")
    # As a step in parts does that removes a class.
    classes.set_classes(classes.classes.without(2))
    QTest.qWait(1)
    assert not open_cells(classes)
    assert classes.classes == ClassTable.voc().without(2)
