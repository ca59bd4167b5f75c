import json
from dataclasses import asdict
from pathlib import Path

import pytest

from napari_edgeflow.cli.reports import Reporter, reporting
from napari_edgeflow.engine.training.reports import (
    EpochReport,
    TrainEnd,
    TrainMessage,
    TrainReport,
    Validation,
)

STEP = TrainReport(
    step=5, samples=40, seconds=12.0, progress=0.25, rate=1e-3, samples_per_second=3.5,
    losses={"loss": 0.5}, seconds_left=36.0, memory=2_000_000_000,
)  # fmt: skip
EPOCH = EpochReport(
    epoch=2,
    validation=Validation(0.75, {"background": 0.9, "cat": 0.6, "dog": None}),
    best=True,
    **asdict(STEP),
)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_json_has_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("jsonl", Path("out")) as reporter:
        for report in (STEP, EPOCH, TrainMessage("well")):
            reporter.show(report)
    step, epoch, message, done = (json.loads(line) for line in lines(capsys))
    assert step == {
        "event": "step", "step": 5, "samples": 40, "seconds": 12.0,
        "progress": 0.25, "rate": 1e-3, "samples_per_second": 3.5,
        "losses": {"loss": 0.5}, "seconds_left": 36.0, "memory": 2_000_000_000,
    }  # fmt: skip
    assert epoch["event"] == "epoch"
    assert epoch["best"]
    assert epoch["validation"] == {
        "score": 0.75,
        "classes": {"background": 0.9, "cat": 0.6, "dog": None},
        "loss": None,
    }
    assert message == {"event": "message", "text": "well"}
    assert done == {
        "event": "done", "output": "out", "score": 0.75,
        "reason": "finished", "text": "",
    }  # fmt: skip


def test_a_training_that_was_stopped_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for form in ("jsonl", "text"):
        with reporting(form, Path("out")) as reporter:
            reporter.show(TrainEnd("stopped", "stopped as asked"))
    done, line = lines(capsys)
    assert json.loads(done)["reason"] == "stopped"
    assert json.loads(done)["text"] == "stopped as asked"
    assert line == "stopped as asked: the model is in out"


def test_a_training_that_was_stopped_at_once_lists_no_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for form in ("jsonl", "text"):
        with reporting(form, Path("out")) as reporter:
            reporter.show(TrainEnd("stopped", "stopped at step 0", has_model=False))
    printed = capsys.readouterr()
    done, line = printed.out.splitlines()
    assert json.loads(done)["reason"] == "stopped"
    assert line == "stopped at step 0: there is no model yet"
    assert printed.err == ""


def test_an_error_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="full"), reporting("jsonl", Path("out")):
        raise OSError("the disk is full")
    assert [json.loads(line) for line in lines(capsys)] == [
        {"event": "error", "text": "the disk is full"}
    ]
    with pytest.raises(OSError, match="full"), reporting("text", Path("out")):
        raise OSError("the disk is full")
    assert lines(capsys) == []


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_memory_that_runs_out_is_told(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="smaller --batch"), \
            reporting("jsonl", Path("out")):  # fmt: skip
        raise error
    (line,) = lines(capsys)
    assert json.loads(line)["text"].startswith("there is not enough memory: use a")
    with pytest.raises(RuntimeError, match="other"), reporting("text", Path("out")):
        raise RuntimeError("something other")


def test_text_is_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("text", Path("out")) as reporter:
        for report in (STEP, EPOCH, TrainMessage("well")):
            reporter.show(report)
    assert lines(capsys) == [
        " 25.0% · step 5 · loss 0.5000 · 3.5 samples/s · 1 min left · 2.0 GB",
        "epoch 2 · mean IoU 0.7500 (best) · lowest: cat 0.60, background 0.90",
        "well",
        "done: the model is in out",
    ]


def test_of_several_processes_only_the_first_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    Reporter("text").show(STEP)
    monkeypatch.setenv("RANK", "0")
    Reporter("text").show(TrainMessage("well"))
    assert lines(capsys) == ["well"]
