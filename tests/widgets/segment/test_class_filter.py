from typing import Any

import pytest
from qtpy.QtCore import Qt

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.segment.class_filter import ClassFilter


@pytest.fixture
def classes(qtbot: Any) -> ClassFilter:
    widget = ClassFilter()
    qtbot.addWidget(widget)
    widget.set_classes(ClassTable.voc())
    return widget


def test_all_are_chosen_until_one_is_not(classes: ClassFilter, qtbot: Any) -> None:
    assert classes.kept is None
    assert classes.fold.text() == "all 20 …"
    with qtbot.waitSignal(classes.changed):
        classes.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert classes.kept == frozenset(range(2, 21))
    assert classes.fold.text() == "19 of 20 …"
    classes.tick(1, True)
    assert classes.kept is None


def test_all_and_none_are_one_change_each(classes: ClassFilter, qtbot: Any) -> None:
    changes: list[None] = []
    classes.changed.connect(lambda: changes.append(None))
    classes.none.click()
    assert classes.kept == frozenset()
    assert classes.fold.text() == "none …"
    classes.all.click()
    assert classes.kept is None
    assert len(changes) == 2


def test_other_classes_are_all_chosen(classes: ClassFilter) -> None:
    classes.tick(1, False)
    classes.set_classes(ClassTable.voc())
    assert classes.kept is not None, "the same classes keep what is chosen"
    classes.set_classes(ClassTable.voc().without(1))
    assert classes.kept is None
    assert classes.list.count() == 19


def test_the_list_is_folded_away(qtbot: Any) -> None:
    widget = ClassFilter()
    qtbot.addWidget(widget)
    assert widget.kept is None
    assert widget.fold.text() == "those of the model …"
    widget.show()
    assert not widget.list.isVisible()
    widget.fold.click()
    assert widget.list.isVisible()
    widget.fold.click()
    assert not widget.list.isVisible()
