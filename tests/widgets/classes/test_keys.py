"""Keys that choose a class, with the layers that use digits themselves."""

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.widgets.dock_person import MakePerson

CONTROL = Qt.KeyboardModifier.ControlModifier


def test_digits_choose_a_class_where_the_layer_leaves_them(
    make_person: MakePerson,
) -> None:
    person = make_person()
    classes = person.dock.controls.classes
    points = person.layers.points
    # Points keep 1 to 5 for their own modes.
    person.key(Qt.Key.Key_3)
    assert classes.current_id == 1
    assert points.mode == "select"
    person.key(Qt.Key.Key_7)
    assert classes.current_id == 7
    person.key(Qt.Key.Key_0)
    assert classes.current_id == 10
    person.key(Qt.Key.Key_3, CONTROL)
    assert classes.current_id == 3
    person.viewer.layers.selection.active = person.dock.controls.image.layer
    person.key(Qt.Key.Key_5)
    assert classes.current_id == 5


def test_a_key_takes_a_person_to_the_search_and_enter_back(
    make_person: MakePerson,
) -> None:
    person = make_person()
    classes = person.dock.controls.classes
    person.key(Qt.Key.Key_K)
    field = classes._search
    window = field.window()
    person.qtbot.waitUntil(lambda: window.focusWidget() is field)
    QTest.keyClicks(field, "pers")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert classes.current_id == 15
    assert window.focusWidget() is not field
    # The canvas has the keys again, wherever Qt sends them.
    person.viewer.layers.selection.active = person.dock.controls.image.layer
    QTest.keyClick(window, Qt.Key.Key_6)
    assert classes.current_id == 6


def test_the_keys_end_with_the_dock(make_person: MakePerson) -> None:
    person = make_person()
    assert len(person.viewer.keymap) >= 20
    person.viewer.window.remove_dock_widget(person.dock)
    assert not person.viewer.keymap
