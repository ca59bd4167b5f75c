import csv
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tests.engine.training.line_task import SHORT, LineTask, ScoredTask
from torch import Tensor, nn

from napari_edgeflow.engine.checkpoints.checkpoint import (
    FORMAT,
    MODEL_FILE,
    find_checkpoint,
    load_edgeflow,
)
from napari_edgeflow.engine.data.pairs import folder_pairs, read_pair
from napari_edgeflow.engine.interaction.clicks import next_click
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.networks.edgeflow import CONFIGS, EdgeFlow
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.engine.runtime.clicks import load_network
from napari_edgeflow.engine.training import memory as train_memory
from napari_edgeflow.engine.training.clicks.samples import ClickSource
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.training import (
    ClickTraining,
    build_model,
    load_imagenet,
)
from napari_edgeflow.engine.training.folder import METRICS_FILE, STATE_FILE
from napari_edgeflow.engine.training.reports import (
    EpochReport,
    TrainEnd,
    TrainEvent,
    TrainMessage,
    TrainReport,
)
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.train import train
from napari_edgeflow.engine.training.training import start


def test_the_loop_learns_and_reports(tmp_path: Path) -> None:
    task = LineTask()
    *reports, end = train(task, SHORT, tmp_path)
    assert end == TrainEnd("finished")
    assert [r.step for r in reports] == [20, 40, 60]
    assert [r.samples for r in reports] == [40, 80, 120]
    assert reports[-1].progress == 1
    assert reports[-1].losses["loss"] < reports[0].losses["loss"]
    assert reports[-1].rate < 0.02 * 0.2 * 1.5
    assert abs(task.published[-1] - 3) < 0.3
    assert (tmp_path / STATE_FILE).is_file()


def test_a_stopped_run_resumes_where_it_was(tmp_path: Path) -> None:
    straight = LineTask()
    list(train(straight, SHORT, tmp_path / "straight"))
    stopped = LineTask()
    reports = train(stopped, SHORT, tmp_path / "stopped")
    assert next(reports).step == 20
    reports.close()
    assert len(stopped.published) == 1
    resumed = LineTask()
    *rest, _ = train(resumed, SHORT, tmp_path / "stopped", resume=True)
    assert [r.step for r in rest] == [40, 60]
    assert resumed.model.value.item() == straight.model.value.item()
    assert resumed.published[-1] == straight.published[-1]


def test_a_training_is_not_overwritten(tmp_path: Path) -> None:
    list(train(LineTask(), SHORT, tmp_path))
    with pytest.raises(ValueError, match="holds a training already"):
        list(train(LineTask(), SHORT, tmp_path))


def test_a_state_that_cannot_be_read_safely_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_bytes(b"not a state")
    with pytest.raises(ValueError, match="read safely"):
        list(train(LineTask(), SHORT, tmp_path, resume=True))


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_checkpoint(
    tmp_path: Path,
) -> None:
    task = LineTask()
    reports = train(task, SHORT, tmp_path)
    next(reports)
    reports.close()
    kept = (tmp_path / STATE_FILE).read_bytes()
    broken = LineTask()
    broken.step = lambda progress: (broken.model.value * math.nan, {}, 1)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="loss became nan at step 20"):
        list(train(broken, SHORT, tmp_path, resume=True))
    assert (tmp_path / STATE_FILE).read_bytes() == kept


def epochs(reports: Iterable[TrainEvent]) -> list[EpochReport]:
    return [r for r in reports if isinstance(r, EpochReport)]


def test_epochs_are_validated_and_the_best_is_kept(tmp_path: Path) -> None:
    task = ScoredTask([0.2, 0.5, 0.4])
    settings = replace(SHORT, epoch_steps=25)
    reports = epochs(train(task, settings, tmp_path))
    assert [(r.epoch, r.step, r.best) for r in reports] == [
        (1, 25, True),
        (2, 50, True),
        (3, 60, False),
    ]
    assert reports[0].losses["loss"] > reports[1].losses["loss"]
    assert reports[-1].progress == 1
    assert reports[0].seconds_left > reports[1].seconds_left > 0
    assert reports[0].memory > 1e6
    # The first too, so that there soon is something to keep.
    assert task.published == task.validated[:2]
    with (tmp_path / METRICS_FILE).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["25", "50", "60"]
    assert [row["score"] for row in rows] == ["0.2", "0.5", "0.4"]
    assert rows[0]["iou four"] == ""
    assert float(rows[0]["train loss"]) == pytest.approx(reports[0].losses["loss"])


def test_a_resumed_run_knows_the_best(tmp_path: Path) -> None:
    settings = replace(SHORT, epoch_steps=20)
    first = ScoredTask([0.9])
    reports = train(first, settings, tmp_path)
    next(r for r in reports if isinstance(r, EpochReport))
    reports.close()
    second = ScoredTask([0.5, 0.6])
    rest = epochs(train(second, settings, tmp_path, resume=True))
    assert [(r.epoch, r.best) for r in rest] == [(2, False), (3, False)]
    assert (len(first.published), len(second.published)) == (1, 0)
    assert len((tmp_path / METRICS_FILE).read_text().splitlines()) == 4


def test_a_run_killed_while_it_saves_does_not_take_its_best_for_written(
    tmp_path: Path,
) -> None:
    task, settings = ScoredTask([0.9]), replace(SHORT, epoch_steps=20)

    def killed(*_: object) -> None:
        raise InterruptedError

    task.publish = killed  # type: ignore[method-assign]
    with pytest.raises(OSError, match="cannot write"):
        list(train(task, settings, tmp_path))
    assert not (tmp_path / STATE_FILE).exists()


def test_the_best_so_far_outlives_a_loss_that_is_no_number(tmp_path: Path) -> None:
    task, step = ScoredTask([0.2, 0.5]), LineTask.step
    settings = replace(SHORT, epoch_steps=20)

    def diverge(progress: float) -> tuple[Tensor, dict[str, float], int]:
        loss, parts, samples = step(task, progress)
        return loss * (math.nan if progress > 0.8 else 1), parts, samples

    task.step = diverge  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="loss became nan"):
        list(train(task, settings, tmp_path))
    assert len(task.validated) == 2
    assert task.published == task.validated


def test_a_better_model_than_the_state_knows_of_is_kept(tmp_path: Path) -> None:
    settings = replace(SHORT, epoch_steps=20)
    reports = train(ScoredTask([0.2]), settings, tmp_path)
    next(r for r in reports if isinstance(r, EpochReport))
    reports.close()
    facts = {"format": FORMAT, "config": "{}", "score": "0.7000"}
    save_file({"w": np.zeros(1)}, tmp_path / MODEL_FILE, facts)
    task = ScoredTask([0.6, 0.8])
    rest = epochs(train(task, settings, tmp_path, resume=True))
    assert [r.best for r in rest] == [False, True]


def test_training_stops_when_it_no_longer_gets_better(tmp_path: Path) -> None:
    task = ScoredTask([0.5, 0.4, 0.6, 0.6, 0.1, 0.9])
    settings = replace(SHORT, epoch_steps=5, patience=2)
    reports = list(train(task, settings, tmp_path))
    assert len(epochs(reports)) == 5
    assert isinstance(reports[-1], TrainEnd)
    assert reports[-1].reason == "stale"
    assert "no better validation for 2 epochs" in reports[-1].text
    assert task.published == [task.validated[0], task.validated[2]]


def test_less_is_learnt_from_at_a_time_where_memory_runs_out(tmp_path: Path) -> None:
    task = LineTask()
    step, batch = task.step, [8]

    def scarce(progress: float) -> tuple[Tensor, dict[str, float], int]:
        if batch[0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return step(progress)

    def shrink() -> str | None:
        batch[0] //= 2
        return f"{batch[0]} crops" if batch[0] else None

    task.step, task.shrink = scarce, shrink  # type: ignore[method-assign]
    *reports, _ = train(task, SHORT, tmp_path)
    told = [r.text for r in reports if isinstance(r, TrainMessage)]
    assert told == [f"out of memory: going on with {n} crops" for n in (4, 2)]
    assert reports[-1].step == 60  # type: ignore[union-attr]


def test_a_step_is_made_to_fit_before_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_memory, "free_memory", lambda device: 10)
    task, needed = LineTask(), [32]

    def shrink() -> str | None:
        needed[0] //= 2
        return f"{needed[0]} bytes"

    task.memory_needed, task.shrink = lambda: needed[0], shrink  # type: ignore[method-assign]
    first, *reports = train(task, SHORT, tmp_path)
    assert isinstance(first, TrainMessage)
    assert first.text.endswith("going on with 8 bytes")
    assert not any(isinstance(r, TrainMessage) for r in reports)


def test_too_little_memory_for_any_batch_is_told(tmp_path: Path) -> None:
    task = LineTask()

    def fail(progress: float) -> tuple[Tensor, dict[str, float], int]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    task.step = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="not enough memory for this batch"):
        list(train(task, SHORT, tmp_path))
    task.step = lambda progress: 1 / 0  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        list(train(task, SHORT, tmp_path))


def test_a_file_that_cannot_be_drawn_from_is_one_sentence(tmp_path: Path) -> None:
    task, step = LineTask(), LineTask.step

    def torn(progress: float) -> tuple[Tensor, dict[str, float], int]:
        if progress > 0.5:
            raise OSError(
                "Caught OSError in DataLoader worker process 0.\n"
                "Original Traceback (most recent call last):\n  File 1, in read\n"
                "OSError: cannot read the image a: b.png: it is torn\n"
            )
        return step(task, progress)

    task.step = torn  # type: ignore[method-assign]
    with pytest.raises(OSError, match=r"^cannot read the image a: b\.png: it is torn$"):
        list(train(task, SHORT, tmp_path))
    assert len(task.published) == 1


def test_a_gradient_that_is_no_number_changes_no_weight(tmp_path: Path) -> None:
    task = LineTask()
    # The root of nothing has a value but no slope.
    task.step = lambda progress: (task.model.value.abs().sqrt().sum(), {}, 1)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="gradient of the loss became"):
        list(train(task, SHORT, tmp_path))
    assert task.model.value.item() == 0
    assert not (tmp_path / STATE_FILE).exists()


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), RuntimeError("file write failed")],
)
def test_a_full_disk_is_told_and_keeps_the_checkpoint(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = LineTask()
    reports = train(task, SHORT, tmp_path)
    next(reports)
    reports.close()
    kept = (tmp_path / STATE_FILE).read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"(?i)space|full.*make room on the disk, then"):
        list(train(LineTask(), SHORT, tmp_path, resume=True))
    assert (tmp_path / STATE_FILE).read_bytes() == kept
    assert [p.name for p in tmp_path.iterdir()] == [STATE_FILE]


def test_a_state_of_another_network_is_told(tmp_path: Path) -> None:
    list(train(LineTask(), SHORT, tmp_path))
    other = LineTask()
    other.model.more = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="of another network or other classes"):
        list(train(other, SHORT, tmp_path, resume=True))


def test_the_schedule_follows_steps_or_minutes() -> None:
    settings = LoopSettings(steps=100, minutes=2, warmup=10)
    assert settings.progress(50, 0) == 0.5
    assert settings.progress(10, 90) == 0.75
    assert settings.progress(10, 900) == 1
    assert settings.rate_factor(0, 0) == 0.1
    assert settings.rate_factor(50, 0.5) == pytest.approx(0.51)
    assert settings.rate_factor(99, 1) == pytest.approx(0.02)
    hurried = LoopSettings(steps=20_000, minutes=2, warmup=100)
    assert hurried.rate_factor(4, 0.05) == pytest.approx(0.5, abs=0.01)
    assert hurried.rate_factor(9, 0.1) == pytest.approx(0.98, abs=0.01)
    for bad in ({"steps": 0}, {"rate": 0}, {"minutes": -1}, {"patience": 0}):
        with pytest.raises(ValueError, match="0"):
            LoopSettings(**bad)  # type: ignore[arg-type]


def test_the_result_lies_between_the_start_and_what_was_learned(
    tmp_path: Path,
) -> None:
    whole, half = LineTask(), LineTask()
    list(train(whole, SHORT, tmp_path / "whole"))
    blended = replace(SHORT, blends=(0.5, 1.0))
    list(train(LineTask(), replace(blended, steps=30), tmp_path / "half"))
    # What is resumed is built from the same start, which is 0.
    list(train(half, blended, tmp_path / "half", resume=True))
    assert half.published[-1] == pytest.approx(whole.published[-1] / 2, rel=0.1)
    for bad in ((), (0,), (0.5, 1.5)):
        with pytest.raises(ValueError, match="use shares over 0, up to 1"):
            LoopSettings(blends=bad)


@pytest.mark.parametrize(
    ("scores", "whole"), [([0.6, 0.62], True), ([0.6, 0.605], False), ([], True)]
)
def test_the_validation_chooses_how_far_the_result_is_from_the_start(
    tmp_path: Path, scores: list[float], whole: bool
) -> None:
    task = ScoredTask([0.5, *scores])
    settings = replace(
        SHORT, blends=(0.5, 1.0), chance=0.01, epoch_steps=60, validate_first=True
    )
    start, end = epochs(train(task, settings, tmp_path))
    # The start is the same however it is mixed.
    assert len(task.validated) == 3
    assert task.validated[0] == 0
    half, learned = task.validated[1:]
    assert half == pytest.approx(learned / 2)
    assert task.published[-1] == (learned if whole else half)
    assert end.best
    assert end.validation.score > start.validation.score


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        # The last one counts as the best if it is about as good …
        ([0.5, 0.7, 0.695, 0.698], [True, True, False, True]),
        ([0.5, 0.7, 0.695, 0.68], [True, True, False, False]),
        # … but the start only gives way to something better.
        ([0.7, 0.5, 0.695, 0.698], [True, False, False, False]),
    ],
)
def test_the_last_epoch_is_kept_if_it_is_about_as_good(
    tmp_path: Path, scores: list[float], best: list[bool]
) -> None:
    settings = replace(SHORT, chance=0.01, epoch_steps=20, validate_first=True)
    task = ScoredTask(list(scores))
    assert [r.best for r in epochs(train(task, settings, tmp_path))] == best
    kept = max(number for number, is_best in enumerate(best) if is_best)
    assert task.published[-1] == task.validated[kept]


def train_short(folder: Path, output: Path, **changes: object) -> list[TrainReport]:
    source = ClickSource(folder_pairs(folder / "images", folder / "labels"))
    loop = LoopSettings(steps=100, rate=8e-3, warmup=5, report_steps=10, ema=0.8)
    task = ClickTaskSettings(batch=4, sizes=((1.0, 64),), workers=0)
    training = ClickTraining(
        sources=[source],
        output=output,
        task=task,
        loop=loop,
        **changes,  # type: ignore[arg-type]
    )
    return [r for r in start(training) if isinstance(r, TrainReport)]


def test_two_images_are_learnt_and_the_result_segments_them(
    labelled_folder: Path,
    tiny_model: EdgeFlow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CONFIGS, "tiny", tiny_model.config)
    output = tmp_path / "trained"
    reports = train_short(labelled_folder, output, network="tiny", device="cpu")
    assert reports[-1].losses["iou"] > reports[0].losses["iou"] + 0.1
    assert find_checkpoint(output).metadata["steps"] == "100"
    pairs = folder_pairs(labelled_folder / "images", labelled_folder / "labels")
    segmenter = ClickSegmenter(load_network(output, "cpu"), ZoomSettings(side=64))
    reached = []
    for image, labels in map(read_pair, pairs):
        segmenter.set_image(image)
        for number in (1, 2):
            segmenter.clear()
            for _ in range(3):
                click = next_click(segmenter.mask(), labels == number)
                assert click is not None
                segmenter.add_click((click.y, click.x), click.positive)
            reached.append(iou(segmenter.mask(), labels == number))
    assert np.mean(reached) > 0.6, reached


def test_training_can_start_from_a_model(
    labelled_folder: Path, tiny_model: EdgeFlow, tmp_path: Path
) -> None:
    from napari_edgeflow.engine.checkpoints.checkpoint import save_edgeflow

    path = tmp_path / "start.safetensors"
    save_edgeflow(tiny_model, path, {})
    training = ClickTraining(sources=[], output=tmp_path, init=str(path))
    start = load_edgeflow(find_checkpoint(path))
    for name, tensor in build_model(training).state_dict().items():
        assert torch.equal(tensor, start.state_dict()[name])


def test_an_unknown_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown configuration 'edgeflow-xl'"):
        build_model(ClickTraining(sources=[], output=tmp_path, network="edgeflow-xl"))


def test_imagenet_weights_are_mapped_in_order(tiny_model: EdgeFlow) -> None:
    names = [n for n in tiny_model.backbone.state_dict() if ".interaction." not in n]
    state = tiny_model.backbone.state_dict()
    other = {f"other_{i}": torch.full_like(state[n], 7) for i, n in enumerate(names)}
    load_imagenet(tiny_model, {**other, "classifier": torch.zeros(3)})
    assert all(torch.all(tiny_model.backbone.state_dict()[n] == 7) for n in names)
    with pytest.raises(ValueError, match="do not fit"):
        load_imagenet(tiny_model, {n: torch.zeros(1, 2) for n in other})
    with pytest.raises(ValueError, match="of another network"):
        load_imagenet(tiny_model, {"a": torch.zeros(1)})
