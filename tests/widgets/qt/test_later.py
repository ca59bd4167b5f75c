from typing import Any

import pytest
from qtpy.QtCore import QCoreApplication, QEvent, QObject

from napari_edgeflow.widgets.qt.activity import ActivityBar
from napari_edgeflow.widgets.qt.later import Later


class Owner(QObject):
    def __init__(self, milliseconds: int = 0) -> None:
        super().__init__()
        self.calls = 0
        self.later = Later(self, self.call, milliseconds)

    def call(self) -> None:
        self.calls += 1


class Doomed(Owner):
    def call(self) -> None:
        super().call()
        delete(self)


def delete(owner: QObject) -> None:
    """Let Qt delete it, as it does with the children of a window that goes."""
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(owner, int(QEvent.Type.DeferredDelete.value))


def test_it_calls_once_however_often_it_is_asked(qapp: Any, qtbot: Any) -> None:
    owner = Owner()
    for _ in range(3):
        owner.later.ask()
        owner.later.ask_anew()
    assert (owner.later.waits, owner.calls) == (True, 0)
    qtbot.wait(30)
    assert (owner.later.waits, owner.calls) == (False, 1)
    owner.later.ask()
    qtbot.waitUntil(lambda: owner.calls == 2)


def test_only_anew_puts_it_off(qapp: Any, qtbot: Any) -> None:
    soon, anew = Owner(200), Owner(200)
    soon.later.ask()
    anew.later.ask()
    qtbot.wait(120)
    soon.later.ask()
    anew.later.ask_anew(10_000)
    qtbot.waitUntil(lambda: soon.calls == 1, timeout=2000)
    assert (anew.calls, anew.later.waits) == (0, True)


def test_it_is_cancelled_and_asked_again(qapp: Any, qtbot: Any) -> None:
    owner = Owner()
    owner.later.ask()
    owner.later.cancel()
    qtbot.wait(30)
    assert owner.calls == 0
    owner.later.ask()
    qtbot.waitUntil(lambda: owner.calls == 1)


def test_its_owner_may_be_deleted_by_the_call(
    qapp: Any, qtbot: Any, capture_unraised: list[Any]
) -> None:
    owner = Doomed()
    owner.later.ask()
    qtbot.waitUntil(lambda: owner.calls == 1)
    qtbot.wait(30)
    owner.later.cancel()
    assert (owner.later.waits, capture_unraised) == (False, [])


def test_it_does_not_call_once_its_owner_is_deleted(qapp: Any, qtbot: Any) -> None:
    owner = Owner()
    owner.later.ask()
    delete(owner)
    qtbot.wait(30)
    assert owner.calls == 0


def test_a_bar_of_a_window_that_went_can_be_closed(qapp: Any) -> None:
    bar = ActivityBar("Working")
    delete(bar)
    bar.close()


@pytest.fixture
def capture_unraised(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Errors that Qt's slots could not raise."""
    raised: list[Any] = []
    monkeypatch.setattr("sys.excepthook", lambda *error: raised.append(error))
    return raised
