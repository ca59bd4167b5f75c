import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from tests.engine.training.line_task import SHORT, LineTask, ScoredTask
from torch.utils.data import DataLoader, IterableDataset

from napari_edgeflow.engine.training.folder import STATE_FILE
from napari_edgeflow.engine.training.reports import TrainEnd
from napari_edgeflow.engine.training.stop import (
    STOP_FILE,
    StopRequest,
    obey_training_alone,
    stopping_on_signals,
)
from napari_edgeflow.engine.training.train import begin, train


def test_a_file_in_the_folder_stops_it_with_its_checkpoint(tmp_path: Path) -> None:
    task = LineTask()
    reports = train(task, replace(SHORT, report_steps=1), tmp_path)
    next(reports)
    (tmp_path / STOP_FILE).touch()
    step, end = reports
    assert step.step == 2  # type: ignore[union-attr]
    assert end == TrainEnd("stopped", "stopped as asked at step 2")
    assert len(task.published) == 1
    assert {p.name for p in tmp_path.iterdir()} == {STATE_FILE}
    *_, end = train(LineTask(), SHORT, tmp_path, resume=True)
    assert end == TrainEnd("finished")


def test_the_best_model_is_kept_when_it_is_stopped(tmp_path: Path) -> None:
    task, stop = ScoredTask([0.8, 0.3]), StopRequest()
    reports = train(task, replace(SHORT, epoch_steps=10), tmp_path, stop=stop)
    for _ in range(3):
        next(reports)
    stop.asked = True
    *_, end = reports
    assert end == TrainEnd(
        "stopped", "stopped as asked at step 21, the best had score 0.8000"
    )
    assert task.published == [task.validated[0]]


def test_a_file_that_a_killed_training_left_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / STOP_FILE).touch()
    begin(tmp_path, "cpu", 0, resume=True)
    assert (tmp_path / STOP_FILE).exists()
    os.utime(tmp_path / STOP_FILE, (0, 0))
    begin(tmp_path, "cpu", 0, resume=True)
    assert not (tmp_path / STOP_FILE).exists()


def test_nothing_is_written_when_it_is_stopped_at_once(tmp_path: Path) -> None:
    task, stop = ScoredTask(), StopRequest(asked=True)
    settings = replace(SHORT, epoch_steps=10, validate_first=True)
    (end,) = train(task, settings, tmp_path, stop=stop)
    assert end == TrainEnd("stopped", "stopped as asked at step 0", has_model=False)
    assert task.published == task.validated == []
    assert not list(tmp_path.iterdir())


class Endless(IterableDataset[int]):
    """Numbers that take a while, as samples do."""

    def __iter__(self) -> Iterator[int]:
        for number in count():
            time.sleep(0.01)
            yield number


@pytest.mark.skipif(
    not hasattr(signal, "sigwaitinfo"), reason="senders of signals are not told"
)
def test_what_draws_samples_obeys_the_training_alone() -> None:
    loader = DataLoader(
        Endless(), num_workers=1, worker_init_fn=obey_training_alone, batch_size=None
    )
    before = set(multiprocessing.active_children())
    samples = iter(loader)
    next(samples)
    (drawing,) = set(multiprocessing.active_children()) - before
    assert drawing.pid is not None
    # As a scheduler does, which is another process.
    for name in ("TERM", "INT"):
        subprocess.run(["kill", f"-{name}", str(drawing.pid)], check=True)
    assert [next(samples) for _ in range(20)] == list(range(1, 21))
    drawing.terminate()
    drawing.join(10)
    assert drawing.exitcode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_once_and_the_second_is_as_usual(
    number: signal.Signals, tmp_path: Path
) -> None:
    class Ended(Exception):
        pass

    def end(*_: object) -> None:
        raise Ended

    usual = signal.signal(number, end)
    try:
        with stopping_on_signals() as stop:
            reports = train(LineTask(), SHORT, tmp_path, stop=stop)
            next(reports)
            signal.raise_signal(number)
            assert stop.asked
            assert isinstance(list(reports)[-1], TrainEnd)
            with pytest.raises(Ended):
                signal.raise_signal(number)
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, usual)
