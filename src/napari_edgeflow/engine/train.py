"""One training loop for every model: it yields reports, the caller shows them."""

import math
import pickle
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_edgeflow.engine.files import replacing

STATE_FILE = "training-state.pt"

Tensors = tuple[Tensor, ...] | list[Tensor]


class Task(Protocol):
    """What the loop needs to know of a model and its data."""

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's parameter groups for a peak learning rate."""

    def train_mode(self) -> None:
        """Put the model into training mode."""

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return loss, its parts by name, and the number of samples of one batch."""

    def state(self) -> dict[str, bool]:
        """Return what of the task a resumed run must have as it was."""

    def load_state(self, state: dict[str, bool]) -> None:
        """Take over what :meth:`state` returned."""

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write the averaged ``model`` in the form that others load."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How long and how fast to train.

    Parameters
    ----------
    steps : int
        Optimiser steps at most.
    minutes : float or None
        Wall-clock limit in minutes over all runs. The schedule follows whichever
        of the two is nearer its end, so that the rate has always come down.
    rate : float
        Peak learning rate.
    weight_decay : float
        Of AdamW.
    warmup : int
        Steps over which the rate rises.
    final_rate : float
        Share of the peak rate that is left at the end of the cosine.
    gradient_norm : float
        Gradients are clipped to this norm.
    ema : float
        Decay of the averaged weights per step.
    save_minutes : float
        Minutes between two checkpoints.
    report_steps : int
        Steps between two reports.
    """

    steps: int = 20_000
    minutes: float | None = None
    rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: int = 100
    final_rate: float = 0.02
    gradient_norm: float = 5.0
    ema: float = 0.999
    save_minutes: float = 3.0
    report_steps: int = 50

    def __post_init__(self) -> None:
        """Check the settings once."""
        if self.steps < 1 or self.rate <= 0:
            raise ValueError(
                f"steps {self.steps} and rate {self.rate}: both must be over 0"
            )
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError(f"minutes {self.minutes}: give more than 0, or none")

    def progress(self, step: int, seconds: float) -> float:
        """Return how far training is, 0..1."""
        spent = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(max(step / self.steps, spent), 1.0)

    def rate_factor(self, step: int, progress: float) -> float:
        """Return the share of the peak rate: linear warm-up, then a cosine."""
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        warm = min((step + 1) / max(self.warmup, 1), 1.0)
        return warm * (self.final_rate + (1 - self.final_rate) * cosine)


@dataclass(frozen=True, slots=True)
class TrainReport:
    """Where training is.

    Parameters
    ----------
    step, samples : int
        Done so far.
    seconds : float
        Spent so far, all runs together.
    progress : float
        0..1.
    rate : float
        Learning rate now.
    samples_per_second : float
        Since the last report.
    losses : mapping
        Means since the last report, by name.
    """

    step: int
    samples: int
    seconds: float
    progress: float
    rate: float
    samples_per_second: float
    losses: Mapping[str, float]


class _Run:
    """The state of one training: everything that a checkpoint holds."""

    def __init__(self, task: Task, settings: TrainSettings) -> None:
        self.task = task
        self.settings = settings
        groups = task.parameter_groups(settings.rate)
        self.optimizer = AdamW(
            groups, lr=settings.rate, weight_decay=settings.weight_decay
        )
        self.peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.average = AveragedModel(
            task.model, multi_avg_fn=self._average, use_buffers=True
        )
        self.step = 0
        self.samples = 0
        self.seconds = 0.0

    @property
    def progress(self) -> float:
        """How far the run is, 0..1."""
        return self.settings.progress(self.step, self.seconds)

    def advance(self) -> tuple[dict[str, float], int]:
        """Do one optimiser step and return its losses and number of samples."""
        started = time.perf_counter()
        factor = self.settings.rate_factor(self.step, self.progress)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        loss, parts, samples = self.task.step(self.progress)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ValueError(
                f"the loss became {value} at step {self.step}: lower the rate; "
                "the last checkpoint is kept"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(
            self.task.model.parameters(), self.settings.gradient_norm
        )
        self.optimizer.step()
        self.average.update_parameters(self.task.model)
        self.step += 1
        self.samples += samples
        self.seconds += time.perf_counter() - started
        return {"loss": value, **parts}, samples

    def _average(self, averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        """Move the averaged weights; early on faster, or they would lag behind."""
        done = float(count)
        decay = min(self.settings.ema, (1 + done) / (10 + done))
        get_ema_multi_avg_fn(decay)(averages, values, count)  # type: ignore[no-untyped-call]

    def save(self, output: Path) -> None:
        """Write the state and the averaged model to ``output``, all or nothing."""
        path = output / STATE_FILE
        state = {
            "model": self.task.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "samples": self.samples,
            "seconds": self.seconds,
            "settings": asdict(self.settings),
            "task": self.task.state(),
        }
        with replacing(path) as partial:
            torch.save(state, partial)
        facts = {
            "steps": str(self.step),
            "samples": str(self.samples),
            "minutes": f"{self.seconds / 60:.1f}",
        }
        self.task.publish(self.average.module, output, facts)

    def load(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise ValueError(
                f"{path} is not a training state that can be read safely: "
                "delete it, or start without resuming"
            ) from error
        self.task.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.samples = state["step"], state["samples"]
        self.seconds = state["seconds"]
        self.task.load_state(state["task"])


def train(
    task: Task, settings: TrainSettings, output: Path, *, resume: bool = False
) -> Iterator[TrainReport]:
    """Train until the settings say so; close the generator to stop early.

    Parameters
    ----------
    task : Task
        Model, data and loss.
    settings : TrainSettings
        How long and how fast.
    output : Path
        Folder of the checkpoint, written every few minutes and at the end, also
        when the caller stops early.
    resume : bool
        Go on from the checkpoint in ``output`` if there is one.

    Yields
    ------
    TrainReport
        Every ``settings.report_steps`` steps and at the end.

    Raises
    ------
    ValueError
        If the folder holds a training that is not to be resumed, or the loss is no
        longer finite; the last checkpoint is kept.
    """
    run = _Run(task, settings)
    checkpoint = output / STATE_FILE
    if checkpoint.is_file() and not resume:
        raise ValueError(
            f"{output} holds a training already: resume it, or choose another folder"
        )
    if checkpoint.is_file():
        run.load(checkpoint)
    task.train_mode()
    saved = run.seconds
    window: list[tuple[dict[str, float], int]] = []
    began = run.seconds
    finite = True
    try:
        while run.progress < 1:
            finite = False
            window.append(run.advance())
            finite = True
            if run.seconds - saved >= 60 * settings.save_minutes:
                run.save(output)
                saved = run.seconds
            if run.step % settings.report_steps == 0 or run.progress >= 1:
                yield _report(run, window, run.seconds - began)
                window, began = [], run.seconds
    finally:
        if finite:
            run.save(output)


def _report(
    run: _Run, window: list[tuple[dict[str, float], int]], seconds: float
) -> TrainReport:
    names = window[-1][0]
    means = {
        name: sum(losses[name] for losses, _ in window) / len(window) for name in names
    }
    return TrainReport(
        step=run.step,
        samples=run.samples,
        seconds=run.seconds,
        progress=run.progress,
        rate=float(run.optimizer.param_groups[0]["lr"]),
        samples_per_second=sum(count for _, count in window) / max(seconds, 1e-9),
        losses=means,
    )
