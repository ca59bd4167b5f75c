"""A training of either task, start to finish: what both are told, and do alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch

from napari_edgeflow.engine.data.pairs import LabelledImage, unreadable
from napari_edgeflow.engine.training.folder import started
from napari_edgeflow.engine.training.reports import TrainEvent, TrainMessage
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.stop import StopRequest
from napari_edgeflow.engine.training.task import Task, TaskSettings
from napari_edgeflow.engine.training.train import begin, train

_NAMED = 3
"""Images that are named, of those that cannot be read."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A task that is ready to be learnt.

    Parameters
    ----------
    task : Task
        Model, data and loss, on the device.
    images : int
        How many there are to learn from.
    validated : bool
        Whether something is held back.
    validate_first : bool
        Whether the model that training starts from is validated too.
    messages : tuple of str or None
        What a person should know of the data; None is nothing.
    """

    task: Task
    images: int
    validated: bool
    validate_first: bool = False
    messages: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(ABC):
    """One training.

    Parameters
    ----------
    output : Path
        Folder for the model and the state to resume from.
    network : str
        Name of a new network, if there is no model to start from.
    init : str or None
        Model to start from, by name or path.
    device : str
        "auto", "cuda", "mps" or "cpu".
    task, loop : TaskSettings, LoopSettings
        How it learns, and for how long.
    epochs : int or None
        Epochs to train for, in place of the steps of ``loop``: an epoch is one sample
        for each image, and ``shortest_epoch`` steps at least.
    validation : float
        Share of the images, or of the blocks of one or two, that is held back to see
        how good the network is; 0 for none. The best weights are kept.
    microscopy : bool or None
        Whether the images are those of a microscope: they are turned and lit in all
        ways then. None to judge by the images.
    command, plan : str
        What is noted in the folder as having started this, for a person and for a
        program; see :func:`folder.started`.
    notes : tuple of str
        What is said first, such as what was left out of the data.
    """

    shortest_epoch: ClassVar[int]

    output: Path
    network: str
    init: str | None = None
    device: str = "auto"
    task: TaskSettings = field(default_factory=TaskSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    epochs: int | None = None
    validation: float = 0.0
    microscopy: bool | None = None
    command: str = ""
    plan: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the settings once."""
        if self.epochs is not None and self.epochs < 1:
            raise ValueError(f"epochs {self.epochs}: use 1 or more")
        if not 0 <= self.validation <= 0.5:
            raise ValueError(f"validation {self.validation}: use a share from 0 to 0.5")

    @abstractmethod
    def prepare(self, device: torch.device) -> Lesson:
        """Build the model, look at the data and hold some back.

        Raises
        ------
        ValueError
            If a name is unknown, or a file or the labels do not fit.
        OSError
            If no image can be read.
        """


def start(
    training: Training, *, resume: bool = False, stop: StopRequest | None = None
) -> Iterator[TrainEvent]:
    """Train a network; the model is in the output folder after every checkpoint.

    Yields
    ------
    TrainEvent
        Every few steps, after each epoch, and messages.

    Raises
    ------
    ValueError
        If a name is unknown, a file or the labels do not fit, another training runs
        in the folder, or the loss is no longer finite.
    OSError
        If a file cannot be read or a checkpoint not be written.
    """
    seed = training.task.seed
    fabric = begin(training.output, training.device, seed, resume=resume)
    lesson = training.prepare(fabric.device)
    # Every process has its own dropout.
    torch.manual_seed(seed + fabric.global_rank)
    noted = fabric.is_global_zero and training.command
    with (
        started(training.output, training.command, training.plan)
        if noted
        else nullcontext()
    ):
        texts = (*training.notes, *lesson.messages)
        yield from (TrainMessage(text) for text in texts if text)
        yield from train(
            lesson.task,
            _loop(training, lesson),
            training.output,
            resume=resume,
            fabric=fabric,
            stop=stop,
        )


def _loop(training: Training, lesson: Lesson) -> LoopSettings:
    """Return the settings of the loop, epochs counted in steps."""
    epoch = max(-(-lesson.images // training.task.batch), training.shortest_epoch)
    return training.loop.in_epochs(
        training.epochs,
        epoch,
        validated=lesson.validated,
        validate_first=lesson.validate_first,
    )


def readable(
    pairs: Sequence[LabelledImage],
) -> tuple[tuple[LabelledImage, ...], str | None]:
    """Return the images that can be read, with what to say of the others.

    All files are read once: better than a training that ends at one of them.

    Raises
    ------
    OSError
        If none can be read.
    """
    bad = unreadable(pairs)
    if not bad:
        return tuple(pairs), None
    kept = tuple(pair for pair in pairs if pair not in bad)
    if not kept:
        raise next(iter(bad.values()))
    told = [str(error) for error in bad.values()]
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return kept, (
        f"left out {len(bad)} of {len(pairs)} images that cannot be read: "
        f"{'; '.join(told[:_NAMED])}{more}"
    )
