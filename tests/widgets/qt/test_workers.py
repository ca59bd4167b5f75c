import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from napari_edgeflow.widgets.qt.workers import LatestCall, StreamCall, show_problem


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


class StreamRecorder:
    """A generator that waits before each report, and what comes of it."""

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)
        self.closed = threading.Event()
        self.entered = threading.Event()
        self.events: list[tuple[Any, ...]] = []
        self.calls: StreamCall[int, int, str] = StreamCall(
            self.stream,
            report=lambda *event: self.note("report", *event),
            deliver=lambda *event: self.note("deliver", *event),
            stopped=lambda *event: self.note("stopped", *event),
            fail=lambda number, error: self.note("fail", number, str(error)),
        )

    def note(self, *event: Any) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.events.append(event)

    def stream(self, number: int) -> Generator[int, None, str]:
        assert threading.current_thread() is not threading.main_thread()
        try:
            for step in range(3):
                self.entered.set()
                assert self.steps.acquire(timeout=10)
                if number < 0:
                    raise ValueError(f"{number} is negative")
                yield step
            return f"done with {number}"
        finally:
            self.closed.set()


@pytest.fixture
def streamed(qapp: Any) -> Iterator[StreamRecorder]:
    recorder = StreamRecorder()
    yield recorder
    recorder.steps.release(100)
    recorder.calls.close()


def test_a_stream_reports_and_delivers(streamed: StreamRecorder, qtbot: Any) -> None:
    streamed.calls(7)
    assert streamed.calls.busy
    streamed.steps.release(3)
    qtbot.waitUntil(lambda: not streamed.calls.busy)
    reports = [("report", 7, step) for step in range(3)]
    assert streamed.events == [*reports, ("deliver", 7, "done with 7")]
    assert streamed.closed.is_set()


def test_a_stream_stops_at_its_next_report(
    streamed: StreamRecorder, qtbot: Any
) -> None:
    streamed.calls.cancel()
    streamed.calls(7)
    streamed.steps.release()
    qtbot.waitUntil(lambda: bool(streamed.events))
    streamed.calls.cancel()
    assert streamed.calls.busy
    streamed.steps.release()
    qtbot.waitUntil(lambda: not streamed.calls.busy)
    assert streamed.events == [("report", 7, 0), ("stopped", 7)]
    assert streamed.closed.is_set()
    streamed.steps.release(3)
    streamed.calls(8)
    qtbot.waitUntil(lambda: not streamed.calls.busy)
    assert streamed.events[-1] == ("deliver", 8, "done with 8")


def test_stopping_at_the_very_end_stops_too(
    streamed: StreamRecorder, qtbot: Any
) -> None:
    streamed.steps.release(3)
    streamed.calls(7)
    assert streamed.closed.wait(10)
    streamed.calls.cancel()
    qtbot.waitUntil(lambda: not streamed.calls.busy)
    assert streamed.events == [("stopped", 7)]


def test_a_later_argument_stops_the_stream(
    streamed: StreamRecorder, qtbot: Any
) -> None:
    streamed.calls(7)
    assert streamed.entered.wait(10)
    streamed.calls(8)
    streamed.steps.release(4)
    qtbot.waitUntil(lambda: not streamed.calls.busy)
    assert [event[1] for event in streamed.events] == [8, 8, 8, 8]
    assert streamed.events[-1] == ("deliver", 8, "done with 8")


def test_errors_of_a_stream_are_delivered(streamed: StreamRecorder, qtbot: Any) -> None:
    streamed.steps.release()
    streamed.calls(-1)
    qtbot.waitUntil(lambda: bool(streamed.events))
    assert streamed.events == [("fail", -1, "-1 is negative")]
    assert not streamed.calls.busy


def test_nothing_arrives_from_a_closed_stream(
    streamed: StreamRecorder, qtbot: Any
) -> None:
    streamed.calls(7)
    assert streamed.entered.wait(10)
    streamed.calls.close()
    streamed.steps.release(3)
    assert streamed.closed.wait(10)
    qtbot.wait(50)
    assert streamed.events == []


def test_errors_for_people_are_their_sentence_only(notices: list[str]) -> None:
    show_problem(ValueError("no such thing: choose another"))
    show_problem(OSError("disk full"))
    assert notices == ["no such thing: choose another", "disk full"]


def test_other_errors_offer_their_traceback(
    notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_problem(RuntimeError("out of memory"))
    assert notices == ["out of memory"]
