"""The state of one training: what a step changes and a checkpoint holds."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import psutil
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_edgeflow.engine.checkpoints.checkpoint import score_of
from napari_edgeflow.engine.checkpoints.starters import unpickled
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.curves import draw_curves
from napari_edgeflow.engine.training.folder import (
    STATE_FILE,
    metrics_row,
    write_metrics,
)
from napari_edgeflow.engine.training.reports import (
    EpochReport,
    Meter,
    TrainEnd,
    TrainReport,
    Validation,
)
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.stop import StopRequest
from napari_edgeflow.engine.training.task import Task

Tensors = tuple[Tensor, ...] | list[Tensor]


class TrainingRun:
    """One training: optimiser, averaged weights, and how far it is."""

    def __init__(
        self,
        task: Task,
        settings: LoopSettings,
        output: Path,
        fabric: Fabric,
        stop: StopRequest | None = None,
    ) -> None:
        self.task, self.settings = task, settings
        self.output, self.fabric = output, fabric
        self.request = stop or StopRequest()
        groups = task.parameter_groups(settings.rate)
        self.optimizer = AdamW(
            groups, lr=settings.rate, weight_decay=settings.weight_decay
        )
        self.peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.average = AveragedModel(
            task.model, multi_avg_fn=self._average, use_buffers=True
        )
        self._blend = StartBlend(task.model, settings.blends)
        self.step = self.samples = self.epoch = self.stale = 0
        self.seconds = self.saved = 0.0
        self.best: float | None = None
        self.history: list[dict[str, float | None]] = []
        self.stopped = False
        """Whether it was asked to stop."""
        self.intact = True
        """False while weights or files are being changed: not to be saved then."""
        self._since_report, self._since_epoch = Meter(), Meter()
        self._best_model: nn.Module | None = None

    def begin(self) -> None:
        """Set model and optimiser up for the processes that take part."""
        self._look_for_stop()
        self.task.train_mode(self.fabric)
        stepper = self.fabric.setup_optimizers(self.optimizer)
        self._stepper = cast("Optimizer", stepper)
        self.saved = self.seconds

    @property
    def progress(self) -> float:
        """How far the run is, 0..1."""
        return self.settings.progress(self.step, self.seconds)

    @property
    def is_stale(self) -> bool:
        """Whether the validation has not become better for too long."""
        patience = self.settings.patience
        return patience is not None and self.stale >= patience

    @property
    def is_over(self) -> bool:
        """Whether there is no further step."""
        return self.progress >= 1 or self.is_stale or self.stopped

    @property
    def save_is_due(self) -> bool:
        """Whether the last checkpoint is old, or there is a first model to keep."""
        if self.epoch == 1 and self._best_model is not None:
            return True
        return self.seconds - self.saved >= 60 * self.settings.save_minutes

    @property
    def epoch_is_over(self) -> bool:
        """Whether it is time to validate; the last epoch may be shorter."""
        steps = self.settings.epoch_steps
        if steps is None or not self._since_epoch.steps:
            return False
        return self.step % steps == 0 or self.progress >= 1

    def advance(self) -> None:
        """Do one optimiser step.

        Raises
        ------
        ValueError
            If the loss or its gradient is no longer finite; the weights are kept.
        """
        started = time.perf_counter()
        self.intact = False
        factor = self.settings.rate_factor(self.step, self.progress)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        loss, parts, samples = self.task.step(self.progress)
        (value,) = self._agreed(float(loss.detach()))
        self._check(value, "loss")
        self._stepper.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            self.task.model,
            self._stepper,
            max_norm=self.settings.gradient_norm,
            error_if_nonfinite=False,
        )
        # Gradients in float16 are scaled, and a step that overflowed is left out.
        if norm is not None and self.fabric.strategy.precision.precision != "16-mixed":
            self._check(float(norm), "gradient of the loss")
        self._stepper.step()
        self.average.update_parameters(self.task.model)
        self._count({"loss": value, **parts}, samples, started)
        self.intact = True

    def _count(self, losses: dict[str, float], samples: int, started: float) -> None:
        samples *= self.fabric.world_size
        spent = self._spend(started)
        self.step += 1
        self.samples += samples
        for meter in (self._since_report, self._since_epoch):
            meter.add(losses, samples, spent)

    def _check(self, value: float, name: str) -> None:
        if not math.isfinite(value):
            self.keep_best()
            raise ValueError(
                f"the {name} became {value} at step {self.step}: lower the rate; "
                "the last checkpoint is kept"
            )

    def _spend(self, started: float) -> float:
        """Add the time since ``started``, alike in all processes, and return it."""
        spent = self._look_for_stop(time.perf_counter() - started)
        self.seconds += spent
        return spent

    def _look_for_stop(self, spent: float = 0.0) -> float:
        """Find out whether to stop, which some of the processes may learn too late.

        Returns
        -------
        float
            The mean of ``spent`` over all processes.
        """
        asked = self.request.reached(self.output)
        mean, stops = self._agreed(spent, float(asked))
        self.stopped = self.stopped or stops > 0
        return mean

    def _agreed(self, *values: float) -> list[float]:
        """Return means over all processes: they must decide alike when to stop."""
        if self.fabric.world_size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.fabric.device)
        means: list[float] = self.fabric.all_reduce(tensor).tolist()  # type: ignore[union-attr]
        return means

    def _average(self, averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        """Move the averaged weights; early on faster, or they would lag behind."""
        done = float(count)
        decay = min(self.settings.ema, (1 + done) / (10 + done))
        get_ema_multi_avg_fn(decay)(averages, values, count)  # type: ignore[no-untyped-call]

    def _result(self, share: float) -> nn.Module:
        """Return the averaged weights, mixed with those of the start."""
        return self._blend(self.average.module, share)

    def ending(self) -> TrainEnd:
        """Return how the run ended, for a person and for another program."""
        best = "" if self.best is None else f", the best had score {self.best:.4f}"
        if self.is_stale:
            text = f"stopped: no better validation for {self.stale} epochs{best}"
            return TrainEnd("stale", text)
        if self.stopped and self.progress < 1:
            text = f"stopped as asked at step {self.step}{best}"
            return TrainEnd("stopped", text, has_model=self.step > 0)
        return TrainEnd()

    def report(self) -> TrainReport:
        """Return where the run is, with means since the last report."""
        speed, losses = self._since_report.take()
        return TrainReport(samples_per_second=speed, losses=losses, **self._position())

    def _position(self) -> dict[str, Any]:
        progress = self.progress
        return {
            "step": self.step,
            "samples": self.samples,
            "seconds": self.seconds,
            "progress": progress,
            "rate": float(self.optimizer.param_groups[0]["lr"]),
            "seconds_left": self.seconds * (1 - progress) / max(progress, 1e-9),
            "memory": memory_in_use(self.fabric.device),
        }

    def end_epoch(self) -> EpochReport | None:
        """Validate the result so far and keep it if it is the best.

        Before the first step that is the epoch 0.
        """
        started = time.perf_counter()
        validated = self._validated()
        self._spend(started)
        speed, losses = self._since_epoch.take()
        best_epoch = self.epoch - self.stale
        self.epoch += self.step > 0
        if validated is None:
            return None
        model, validation = validated
        better = self._is_better(validation.score, best_epoch)
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = validation.score
            self._best_model = copy.deepcopy(model)
        report = EpochReport(
            epoch=self.epoch,
            samples_per_second=speed,
            losses=losses,
            validation=validation,
            best=better,
            **self._position(),
        )
        self.history.append(metrics_row(report))
        self._note()
        return report

    def _is_better(self, score: float, best_epoch: int) -> bool:
        """Return whether a score is better than that of the best epoch so far.

        In the last one, when the rate has come down, it need not quite be so; but
        the start is kept as long as nothing is better.
        """
        if self.best is None:
            return True
        is_last = self.progress >= 1 and best_epoch > 0
        return score > self.best - (self.settings.chance if is_last else 0)

    def _validated(self) -> tuple[nn.Module, Validation] | None:
        """Return the mixture of weights that does best, and how good it is.

        Of several that are about as good, it is the first.
        """
        found: list[tuple[nn.Module, Validation]] = []
        # Before the first step all mixtures are one.
        for share in self.settings.blends[: None if self.step else 1]:
            model = self._result(share)
            validation = self.task.validate(model, self.fabric)
            if validation is None:
                return None
            found.append((model, validation))
        enough = max(validation.score for _, validation in found) - self.settings.chance
        return next(one for one in found if one[1].score >= enough)

    def _note(self) -> None:
        """Write the figures and curves of the epochs so far."""
        if self.fabric.is_global_zero:
            with self._explaining():
                write_metrics(self.output, self.history)
                draw_curves(self.output, self.history)

    def save(self) -> None:
        """Write the state and the best or the last model, all or nothing.

        Raises
        ------
        OSError
            If it cannot be written; what was written before is kept.
        """
        self.saved = self.seconds
        if not self.fabric.is_global_zero:
            return
        self.intact = False
        with self._explaining():
            self._write()
        self.intact = True

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(
                f"cannot write the training to {self.output}: {error}; the last "
                "checkpoint is kept: make room on the disk, then resume"
            ) from error

    def _write(self) -> None:
        # The model first: a run that is killed in between is resumed from the state
        # before, and does not take a model for written that is not.
        first = self.settings.blends[0]
        self._publish(self._result(first) if self.best is None else self._best_model)
        with replacing(self.output / STATE_FILE) as partial:
            try:
                torch.save(self._state(), partial)
            # What torch raises where the disk is full, in words for its makers.
            except RuntimeError as error:
                raise OSError(f"is the disk full? ({error})") from error

    def keep_best(self) -> None:
        """Write the best model if it is not yet, where the state is to stay as it is.

        Raises
        ------
        OSError
            If it cannot be written; what was written before is kept.
        """
        if self.fabric.is_global_zero:
            with self._explaining():
                self._publish(self._best_model)

    def _publish(self, model: nn.Module | None) -> None:
        if model is not None:
            self.task.publish(model, self.output, self._facts())
            self._best_model = None

    def _facts(self) -> dict[str, str]:
        facts = {
            "steps": str(self.step),
            "samples": str(self.samples),
            "minutes": f"{self.seconds / 60:.1f}",
        }
        return facts if self.best is None else {**facts, "score": f"{self.best:.4f}"}

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.task.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "settings": asdict(self.settings),
            "task": self.task.state(),
            **{name: getattr(self, name) for name in _COUNTED},
        }

    def load(self, path: Path) -> None:
        """Go on from what :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, could run code, or is of another network.
        """
        state = unpickled(path)
        try:
            self.task.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            for name in _COUNTED:
                setattr(self, name, state.get(name, getattr(self, name)))
            self.task.load_state(state["task"])
        except (
            RuntimeError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            raise ValueError(
                f"{path} is of another network or other classes: resume with the "
                "options that it was started with, or choose another folder"
            ) from error
        # A model may have been written after the state, and is not to get worse.
        written = score_of(self.output)
        if self.best is not None and written is not None:
            self.best = max(self.best, written)


_COUNTED = ("step", "samples", "seconds", "epoch", "stale", "best", "history")
"""What a run counts, by attribute; a state from before one of them goes without."""


def memory_in_use(device: torch.device) -> int:
    """Return bytes: the peak on CUDA, elsewhere what the process holds now."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


class StartBlend:
    """Mixes what was learned with what was known before.

    A network that is fine-tuned on little data forgets some of the rest; one whose
    weights lie between the old and the new ones is often better than both, on the
    new data too. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.

    Parameters
    ----------
    start : nn.Module
        The network before its training; its weights are copied if need be.
    shares : sequence of float
        Those that will be asked for.
    """

    def __init__(self, start: nn.Module, shares: Sequence[float]) -> None:
        self._start: dict[str, Tensor] = {}
        if min(shares) < 1:
            state = start.state_dict()
            self._start = {name: value.clone() for name, value in state.items()}

    def __call__(self, trained: nn.Module, share: float) -> nn.Module:
        """Return a mixture: ``trained`` itself with a share of 1, else a copy.

        Parameters
        ----------
        trained : nn.Module
            The network after its training; not changed.
        share : float
            How far the result is from the start, 0..1; one of those named before.
        """
        if share == 1:
            return trained
        result = copy.deepcopy(trained)
        with torch.no_grad():
            for name, value in result.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(self._start[name].to(value), 1 - share)
        return result
