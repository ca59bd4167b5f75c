import threading
from collections.abc import Iterator
from typing import Any

import pytest

from napari_edgeflow.widgets.workers import LatestCall, show_problem


class Recorder:
    """A function that can be held up, and what comes of it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.called: list[int] = []
        self.delivered: list[tuple[int, int]] = []
        self.failed: list[tuple[int, str]] = []
        self.threads: set[int] = set()
        self.calls = LatestCall(self.function, self.deliver, self.fail)

    def function(self, number: int) -> int:
        self.called.append(number)
        self.threads.add(threading.get_ident())
        assert self.gate.wait(10)
        if number < 0:
            raise ValueError(f"{number} is negative")
        return number * number

    def deliver(self, number: int, result: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.delivered.append((number, result))

    def fail(self, number: int, error: Exception) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.failed.append((number, str(error)))


@pytest.fixture
def recorder(qapp: Any) -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.gate.set()
    recorder.calls.close()


def test_the_latest_argument_wins(recorder: Recorder, qtbot: Any) -> None:
    for number in range(1, 6):
        recorder.calls(number)
    assert recorder.calls.busy
    recorder.gate.set()
    qtbot.waitUntil(lambda: not recorder.calls.busy)
    assert recorder.called == [1, 5]
    assert recorder.delivered == [(5, 25)]
    assert threading.get_ident() not in recorder.threads
    assert len(recorder.threads) == 1


def test_errors_are_delivered_and_calls_go_on(recorder: Recorder, qtbot: Any) -> None:
    recorder.gate.set()
    recorder.calls(-1)
    qtbot.waitUntil(lambda: bool(recorder.failed))
    assert recorder.failed == [(-1, "-1 is negative")]
    recorder.calls(3)
    qtbot.waitUntil(lambda: recorder.delivered == [(3, 9)])


def test_nothing_arrives_after_closing(recorder: Recorder, qtbot: Any) -> None:
    recorder.calls(1)
    recorder.calls(2)
    recorder.calls.close()
    recorder.calls(3)
    recorder.gate.set()
    qtbot.wait(50)
    assert recorder.delivered == []
    assert 2 not in recorder.called
    assert 3 not in recorder.called
    qtbot.waitUntil(
        lambda: (
            not any(
                t.ident in recorder.threads and t.is_alive()
                for t in threading.enumerate()
            )
        )
    )


def test_a_result_on_its_way_is_dropped_by_closing(
    recorder: Recorder, qtbot: Any
) -> None:
    recorder.gate.set()
    recorder.calls(1)
    while len(recorder.called) < 1:
        pass
    threading.Event().wait(0.05)
    recorder.calls.close()
    qtbot.wait(20)
    assert recorder.delivered == []


def test_errors_for_people_are_their_sentence_only(notices: list[str]) -> None:
    show_problem(ValueError("no such thing: choose another"))
    show_problem(OSError("disk full"))
    assert notices == ["no such thing: choose another", "disk full"]


def test_other_errors_offer_their_traceback(
    notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_problem(RuntimeError("out of memory"))
    assert notices == ["out of memory"]
