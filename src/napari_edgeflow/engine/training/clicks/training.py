"""Training EdgeFlow from folders of labelled images, start to finish."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from napari_edgeflow.engine.checkpoints.checkpoint import find_checkpoint, load_edgeflow
from napari_edgeflow.engine.checkpoints.imagenet import copy_in_order, read_state
from napari_edgeflow.engine.data.microscopy import judged
from napari_edgeflow.engine.networks.edgeflow import CONFIGS, EdgeFlow
from napari_edgeflow.engine.training.clicks.holdout import (
    ClickHoldout,
    hold_back_objects,
)
from napari_edgeflow.engine.training.clicks.samples import ClickSource
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.task import ClickTask
from napari_edgeflow.engine.training.folder import note_command
from napari_edgeflow.engine.training.reports import Report, TrainMessage
from napari_edgeflow.engine.training.settings import TrainSettings, check_epochs
from napari_edgeflow.engine.training.stop import StopRequest
from napari_edgeflow.engine.training.train import begin, train

SHORTEST_EPOCH = 50
"""Steps of an epoch at least: few images have many objects, and clicking on those
that are held back takes time."""


@dataclass(frozen=True, slots=True)
class ClickTraining:
    """One training of EdgeFlow.

    Parameters
    ----------
    sources : sequence of ClickSource
        Labelled images.
    output : Path
        Folder for the model and the state to resume from.
    config : str
        Name of a configuration: "edgeflow-lite" or "edgeflow-hrnet18".
    init : str or None
        Model to start from, by name or path; its configuration is taken.
    imagenet : Path or None
        Weights file of an EfficientNet-Lite0 for a new lite backbone.
    device : str
        "auto", "cuda", "mps" or "cpu".
    task, loop : ClickTaskSettings, TrainSettings
        How it learns, and for how long.
    epochs : int or None
        Epochs to train for, in place of the steps of ``loop``: an epoch is one
        object for each image, and ``SHORTEST_EPOCH`` steps at least.
    validation : float
        Share of the images, or of the blocks of one or two, whose objects are held
        back to see how many clicks they take; 0 for none. The best weights are kept.
    microscopy : bool or None
        Whether the images are those of a microscope: they are turned and lit in all
        ways then. None to judge by the images.
    command : str
        What is noted in the folder as having started this.
    """

    sources: Sequence[ClickSource]
    output: Path
    config: str = "edgeflow-lite"
    init: str | None = None
    imagenet: Path | None = None
    device: str = "auto"
    task: ClickTaskSettings = field(default_factory=ClickTaskSettings)
    loop: TrainSettings = field(default_factory=TrainSettings)
    epochs: int | None = None
    validation: float = 0.0
    microscopy: bool | None = None
    command: str = ""

    def __post_init__(self) -> None:
        """Check the settings once."""
        check_epochs(self.epochs, self.validation)


def train_clicks(
    training: ClickTraining, *, resume: bool = False, stop: StopRequest | None = None
) -> Iterator[Report]:
    """Train EdgeFlow; the model is in the output folder after every checkpoint.

    Parameters
    ----------
    training : ClickTraining
        What to train, on what, for how long.
    resume : bool
        Go on from the state in the output folder.
    stop : StopRequest, optional
        Looked at after every step; see :func:`train.train`.

    Yields
    ------
    Report
        Every few steps, after each epoch, and messages.

    Raises
    ------
    ValueError
        If a name is unknown, a file does not fit, or the loss is no longer finite.
    """
    seed = training.task.seed
    fabric = begin(training.output, training.device, seed, resume=resume)
    model = build_model(training).to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    pretrained = training.init is not None or training.imagenet is not None
    settings = replace(training.task, frozen_statistics=pretrained)
    holdout = hold_back_objects(training.sources, training.validation, seed)
    pairs = [pair for source in training.sources for pair in source.pairs]
    microscopy, kind = judged(pairs, training.microscopy)
    task = ClickTask(model, holdout.sources, settings, holdout.targets, microscopy)
    # Every process has its own dropout.
    torch.manual_seed(seed + fabric.global_rank)
    if fabric.is_global_zero and training.command:
        note_command(training.output, training.command)
    yield from (TrainMessage(text) for text in (kind, holdout.describe()) if text)
    yield from train(
        task,
        _loop(training, holdout),
        training.output,
        resume=resume,
        fabric=fabric,
        stop=stop,
    )


def _loop(training: ClickTraining, holdout: ClickHoldout) -> TrainSettings:
    """Return the settings of the loop, epochs counted in steps."""
    images = sum(len(source.pairs) for source in holdout.sources)
    epoch = max(-(-images // training.task.batch), SHORTEST_EPOCH)
    validated = bool(holdout.targets)
    loop = training.loop.in_epochs(training.epochs, epoch, validated=validated)
    return replace(loop, validate_first=validated and training.init is not None)


def build_model(training: ClickTraining) -> EdgeFlow:
    """Return the network that training starts from."""
    if training.init is not None:
        return load_edgeflow(find_checkpoint(training.init))
    if training.config not in CONFIGS:
        raise ValueError(
            f"unknown configuration {training.config!r}: choose {' or '.join(CONFIGS)}"
        )
    model = EdgeFlow(CONFIGS[training.config])
    if training.imagenet is not None:
        load_imagenet(model, read_state(training.imagenet))
    return model


def load_imagenet(model: EdgeFlow, state: Mapping[str, Tensor]) -> None:
    """Copy ImageNet weights into the backbone; see :func:`imagenet.copy_in_order`."""
    target = {
        name: tensor
        for name, tensor in model.backbone.state_dict().items()
        if ".interaction." not in name
    }
    copy_in_order(target, state, model.config.backbone)
