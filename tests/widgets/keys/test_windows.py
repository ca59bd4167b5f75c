from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QToolButton, QWidget

from napari_edgeflow.widgets.keys.shortcuts import ACTIONS, Shortcuts
from napari_edgeflow.widgets.keys.windows import (
    KeyHelp,
    KeyLinks,
    ShortcutDialog,
    help_text,
)

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def shortcuts(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shortcuts:
    monkeypatch.setattr(
        "napari_edgeflow.widgets.keys.shortcuts.napari_holder",
        lambda place, key: (
            "“reset view” of napari's viewer" if key == "Ctrl+R" else None
        ),
    )
    return Shortcuts(ACTIONS, tmp_path / "keys.json")


@pytest.fixture
def parent(qtbot: Any) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def test_keys_are_chosen_by_pressing_them(
    parent: QWidget, shortcuts: Shortcuts
) -> None:
    dialog = ShortcutDialog(parent, shortcuts)
    field = dialog.fields["finish"]
    QTest.keyClick(field, Qt.Key.Key_F9)
    assert shortcuts.key("finish") == "F9"
    QTest.keyClick(field, Qt.Key.Key_R, CONTROL)
    assert "Ctrl+R is taken by “reset view” of napari's viewer" in dialog.message.text()
    assert shortcuts.key("finish") == "F9"
    assert field.keySequence().toString() == "F9"
    QTest.keyClick(field, Qt.Key.Key_Z, CONTROL)
    assert "taken by “Undo the last click”" in dialog.message.text()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert shortcuts.key("finish") == "Return"
    assert "holds at once" in dialog.message.text()


def test_keys_are_taken_away_and_reset(parent: QWidget, shortcuts: Shortcuts) -> None:
    dialog = ShortcutDialog(parent, shortcuts)
    cell = dialog.fields["undo"].parentWidget()
    assert cell is not None
    cell.findChild(QToolButton).click()
    assert shortcuts.key("undo") == ""
    assert dialog.fields["undo"].keySequence().isEmpty()
    dialog.reset.click()
    assert shortcuts.key("undo") == "Ctrl+Z"
    assert dialog.fields["undo"].keySequence().toString() == "Ctrl+Z"


def test_fixed_keys_are_not_offered(parent: QWidget, shortcuts: Shortcuts) -> None:
    dialog = ShortcutDialog(parent, shortcuts)
    assert set(dialog.fields) == {a.id for a in ACTIONS if not a.fixed}


def test_a_key_that_cannot_be_kept_is_told(
    parent: QWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_edgeflow.widgets.keys.shortcuts.napari_holder", lambda place, key: None
    )
    (tmp_path / "file").write_text("")
    shortcuts = Shortcuts(ACTIONS, tmp_path / "file" / "keys.json")
    dialog = ShortcutDialog(parent, shortcuts)
    QTest.keyClick(dialog.fields["undo"], Qt.Key.Key_F8)
    assert "file" in dialog.message.text()
    assert shortcuts.key("undo") == "F8"


def test_the_help_lists_every_key_and_follows(
    parent: QWidget, shortcuts: Shortcuts
) -> None:
    text = help_text(shortcuts)
    for action in ACTIONS:
        if not action.id.startswith(("class_", "digit_")):
            assert action.text in text
            assert shortcuts.shown(action.id) in text
    assert "Ctrl+1 … Ctrl+9" in text
    assert "1 … 0" in text
    panel = KeyHelp(parent, shortcuts)
    shortcuts.assign("finish", "Ctrl+F8")
    assert "Ctrl+F8" in panel.text.toPlainText()


def test_the_links_open_both_windows(qtbot: Any, shortcuts: Shortcuts) -> None:
    links = KeyLinks(shortcuts)
    qtbot.addWidget(links)
    links.help.click()
    panel = links.findChild(KeyHelp)
    assert panel is not None
    assert panel.isVisible()
    panel.change.click()
    assert panel.findChild(ShortcutDialog).isVisible()
    links.change.click()
    assert len(links.findChildren(ShortcutDialog)) == 2
    panel.close()
