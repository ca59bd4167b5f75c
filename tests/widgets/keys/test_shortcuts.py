import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Points
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QPushButton

from napari_edgeflow.widgets.keys.keys import (
    napari_holder,
    napari_key,
    normal_key,
    shown_key,
)
from napari_edgeflow.widgets.keys.shortcuts import ACTIONS, Action, Shortcuts

TABLE = (
    Action("finish", "Finish the object", "J", "clicks"),
    Action("next", "Next image", "N", "viewer"),
    Action("delete", "Delete the object", "", "dock"),
)


@pytest.fixture
def shortcuts(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shortcuts:
    monkeypatch.setattr(
        "napari_edgeflow.widgets.keys.shortcuts.napari_holder", lambda place, key: None
    )
    return Shortcuts(TABLE, tmp_path / "settings" / "keys.json")


class Calls(list[str]):
    def one(self) -> None:
        self.append("one")

    def two(self) -> None:
        self.append("two")


def press(layer: Points, key: str) -> None:
    function = layer.keymap.get(napari_key(key))
    if function is not None:
        function(layer)


def test_ids_of_actions_are_their_own_and_keys_are_written_the_usual_way() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert not action.key or normal_key(action.key) == action.key, action


def test_no_action_starts_with_a_key_of_another(shortcuts: Shortcuts) -> None:
    every = Shortcuts(ACTIONS, Path("nowhere"))
    for action in ACTIONS:
        if action.key and not action.fixed:
            assert every.holder(action.id, action.key) is None, action


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("n", "N"),
        ("ctrl+shift+z", "Ctrl+Shift+Z"),
        ("Enter", "Return"),
        ("Delete", "Del"),
        ("Shift+C", "Shift+C"),
        ("PgUp", "PgUp"),
    ],
)
def test_keys_are_written_in_one_way(text: str, key: str) -> None:
    assert normal_key(text) == key


@pytest.mark.parametrize("text", ["", " ", "Ctrl+", "rubbish", "N, M", "Shift+1", "ä"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        normal_key(text)


def test_enter_is_called_so_and_known_to_napari() -> None:
    assert shown_key("Return") == "Enter"
    assert str(napari_key("Return")) == "Enter"
    assert shown_key("") == ""


def test_a_key_calls_its_function_on_the_layer(shortcuts: Shortcuts) -> None:
    calls, layer = Calls(), Points()
    cut = shortcuts.bind(layer, "finish", calls.one)
    press(layer, "J")
    shortcuts.assign("finish", "G")
    press(layer, "J")
    press(layer, "G")
    assert calls == ["one", "one"]
    shortcuts.assign("finish", "")
    press(layer, "G")
    cut()
    shortcuts.assign("finish", "H")
    press(layer, "H")
    assert calls == ["one", "one"]
    assert not layer.keymap


def test_two_actions_can_exchange_their_keys(shortcuts: Shortcuts) -> None:
    calls, layer = Calls(), Points()
    shortcuts.bind(layer, "finish", calls.one)
    shortcuts.bind(layer, "next", calls.two)
    shortcuts.assign("finish", "")
    shortcuts.assign("next", "J")
    shortcuts.assign("finish", "N")
    press(layer, "J")
    press(layer, "N")
    assert calls == ["two", "one"]


def test_what_others_bound_stays_theirs(shortcuts: Shortcuts) -> None:
    calls, layer = Calls(), Points()
    layer.bind_key("N", lambda _: calls.two())
    cut = shortcuts.bind(layer, "next", calls.one)
    press(layer, "N")
    cut()
    press(layer, "N")
    assert calls == ["two", "two"]


def test_a_layer_that_goes_is_not_kept(shortcuts: Shortcuts) -> None:
    calls, layer = Calls(), Points()
    shortcuts.bind(layer, "finish", calls.one)
    del layer
    shortcuts.assign("finish", "G")
    assert not calls


def test_a_key_of_a_dock_works_inside_it(shortcuts: Shortcuts, qtbot: Any) -> None:
    calls, field = Calls(), QLineEdit()
    qtbot.addWidget(field)
    cut = shortcuts.bind(field, "delete", calls.one)
    shortcuts.assign("delete", "Ctrl+J")
    with qtbot.waitExposed(field):
        field.show()
    field.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    control = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(field, Qt.Key.Key_J, control)
    assert calls == ["one"]
    cut()
    QTest.keyClick(field, Qt.Key.Key_J, control)
    assert calls == ["one"]


def test_buttons_show_their_key(shortcuts: Shortcuts, qtbot: Any) -> None:
    button = QPushButton("Finish")
    qtbot.addWidget(button)
    shortcuts.label(button, "finish")
    assert button.text() == "Finish  (J)"
    shortcuts.assign("finish", "G")
    assert button.text() == "Finish  (G)"
    shortcuts.assign("finish", "")
    assert button.text() == "Finish"


def test_a_key_in_use_is_refused_with_its_holder(shortcuts: Shortcuts) -> None:
    with pytest.raises(ValueError, match="N is taken by “Next image” in the whole"):
        shortcuts.assign("finish", "n")
    assert shortcuts.key("finish") == "J"
    # A dock's keys and those of the clicks never meet.
    shortcuts.assign("delete", "J")
    assert shortcuts.key("delete") == "J"


def test_changed_keys_come_back(shortcuts: Shortcuts, tmp_path: Path) -> None:
    path = tmp_path / "settings" / "keys.json"
    shortcuts.assign("finish", "G")
    shortcuts.assign("next", "")
    again = Shortcuts(TABLE, path)
    assert [again.key(action.id) for action in again] == ["G", "", ""]
    again.reset()
    assert Shortcuts(TABLE, path).key("finish") == "J"
    assert json.loads(path.read_text())["keys"] == {}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 9, "keys": {}}', '{"version": 1, "keys": {"next": "?!"}}'],
)
def test_a_broken_file_is_told_and_not_needed(
    qtbot: Any, notices: list[str], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    assert Shortcuts(TABLE, path).key("next") == "N"
    assert "keys.json" in notices[-1] or "?!" in notices[-1]


def test_a_file_that_cannot_be_written_is_told(qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shortcuts = Shortcuts(TABLE, tmp_path / "file" / "keys.json")
    with pytest.raises(OSError, match="file"):
        shortcuts.assign("next", "K")
    assert shortcuts.key("next") == "K"


def test_keys_of_napari_are_known_by_name(
    make_napari_viewer: Callable[..., Any],
) -> None:
    make_napari_viewer().add_points(np.zeros((1, 2)))
    assert "“select all in slice” of napari's Points" in str(
        napari_holder("clicks", "A")
    )
    assert napari_holder("clicks", "M") is None
    assert "Labels layers" in str(napari_holder("viewer", "M"))
    assert "reset view" in str(napari_holder("outline", "Ctrl+R"))
    assert "“Open File(s)” of the menus" in str(napari_holder("dock", "Ctrl+O"))
    for place, free in (("clicks", "67890"), ("viewer", "890GHJKNQUW")):
        assert [k for k in free if napari_holder(place, k)] == []  # type: ignore[arg-type]


def test_actions_start_with_keys_that_napari_leaves_free(
    make_napari_viewer: Callable[..., Any],
) -> None:
    make_napari_viewer()
    taken = {
        action.id: napari_holder(action.place, action.key)
        for action in ACTIONS
        # Layers that use a digit come before the viewer. The other two are napari's
        # while a shape is drawn, and ours only then not.
        if action.key
        and not action.fixed
        and action.id not in ("outline_write", "outline_cancel")
    }
    assert {i: holder for i, holder in taken.items() if holder} == {}
