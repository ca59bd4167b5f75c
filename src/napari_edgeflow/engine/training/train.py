"""One training loop for every model: it yields reports, the caller shows them."""

from collections.abc import Iterator
from pathlib import Path

import torch
from lightning_fabric import Fabric

from napari_edgeflow.engine.runtime.clicks import choose_device
from napari_edgeflow.engine.system.memory import is_out_of_memory
from napari_edgeflow.engine.training.folder import STATE_FILE
from napari_edgeflow.engine.training.memory import fit, go_on_smaller
from napari_edgeflow.engine.training.parallel import make_fabric
from napari_edgeflow.engine.training.reports import TrainEvent, TrainMessage
from napari_edgeflow.engine.training.run import TrainingRun
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.stop import StopRequest, clear_old_stop, clear_stop
from napari_edgeflow.engine.training.task import Task

_DRAWN = " in DataLoader worker process "
"""What is in torch's errors of processes that draw samples, before a traceback."""


def train(
    task: Task,
    settings: LoopSettings,
    output: Path,
    *,
    resume: bool = False,
    fabric: Fabric | None = None,
    stop: StopRequest | None = None,
) -> Iterator[TrainEvent]:
    """Train until the settings say so, or it is asked to stop.

    It is asked by ``stop``, or by a file named :data:`train_stop.STOP_FILE` in
    ``output``; closing the generator stops it as well.

    Parameters
    ----------
    task : Task
        Model, data and loss.
    settings : LoopSettings
        How long and how fast.
    output : Path
        Folder of the checkpoint, written every few minutes and at the end, also
        when the caller stops early. Where there is a validation, it holds the model
        that was best.
    resume : bool
        Go on from the checkpoint in ``output`` if there is one.
    fabric : Fabric, optional
        The processes and device to train on; default: this process.
    stop : StopRequest, optional
        Looked at after every step.

    Yields
    ------
    TrainEvent
        Every ``settings.report_steps`` steps, after each epoch, when something
        happens that a person should know, and at last a :class:`TrainEnd`.

    Raises
    ------
    ValueError
        If the folder holds a training that is not to be resumed, the loss is no
        longer finite, or memory does not do for the smallest batch; the last
        checkpoint is kept.
    OSError
        If a checkpoint cannot be written; the last one is kept.
    """
    check_output(output, resume=resume)
    device = next(task.model.parameters()).device.type
    run = TrainingRun(task, settings, output, fabric or make_fabric(device), stop)
    checkpoint = output / STATE_FILE
    if checkpoint.is_file():
        run.load(checkpoint)
    run.begin()
    try:
        if not run.stopped:
            yield from map(TrainMessage, fit(run))
            yield from _reports(run)
    finally:
        task.close()
        # Without a step there is nothing to keep that was not there before.
        if run.intact and run.step:
            run.save()
    clear_stop(output)
    yield run.ending()


def begin(output: Path, device: str, seed: int, *, resume: bool) -> Fabric:
    """Check the folder and get a process ready to train, before a model is built.

    Raises
    ------
    ValueError
        If it may not and does, or the device is unknown.
    """
    check_output(output, resume=resume)
    clear_old_stop(output)
    # Denormal numbers, common in tiny gradients, slow a CPU down many times.
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    return make_fabric(choose_device(device))


def check_output(output: Path, *, resume: bool) -> None:
    """Check that a training may write to a folder.

    Raises
    ------
    ValueError
        If it holds a training that is not to be resumed.
    """
    if (output / STATE_FILE).is_file() and not resume:
        raise ValueError(
            f"{output} holds a training already: resume it, or choose another folder"
        )


def _reports(run: TrainingRun) -> Iterator[TrainEvent]:
    if run.settings.validate_first and not run.step:
        start = run.end_epoch()
        if start is not None:
            yield start
    while not run.is_over:
        message = _step(run)
        if message is not None:
            yield message
            continue
        if run.step % run.settings.report_steps == 0 or run.is_over:
            yield run.report()
        epoch = run.end_epoch() if run.epoch_is_over else None
        if epoch is not None:
            yield epoch
        if run.save_is_due:
            run.save()


def _step(run: TrainingRun) -> TrainMessage | None:
    """Do one step, with less at a time if memory runs out, which is then told."""
    try:
        run.advance()
        return None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    except (ValueError, OSError) as error:
        _, found, said = str(error).partition(_DRAWN)
        if not found:
            raise
        # Nothing was drawn, so that no weight has changed.
        run.intact = True
        kind, _, sentence = said.strip().splitlines()[-1].partition(": ")
        raise type(error)(sentence or kind) from error
    # Not in the handler, which holds on to the tensors of the failed step.
    return TrainMessage(go_on_smaller(run))
