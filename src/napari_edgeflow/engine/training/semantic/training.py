"""Training a semantic network on labelled images, start to finish."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from segmentation_models_pytorch.base import SegmentationModel

from napari_edgeflow.engine.checkpoints.checkpoint import SEMANTIC_TASK, find_checkpoint
from napari_edgeflow.engine.checkpoints.semantic import (
    encoder_statistics,
    load_semantic,
    semantic_facts,
)
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.checkpoints.starters import build_starter, starter
from napari_edgeflow.engine.checkpoints.transfer import with_classes
from napari_edgeflow.engine.data.microscopy import judged
from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.networks.semantic import SemanticConfig
from napari_edgeflow.engine.training.files import PREDICTIONS_FOLDER
from napari_edgeflow.engine.training.folder import note_command
from napari_edgeflow.engine.training.reports import Report, TrainMessage
from napari_edgeflow.engine.training.semantic.holdout import Holdout, hold_back
from napari_edgeflow.engine.training.semantic.samples import SemanticSampleSettings
from napari_edgeflow.engine.training.semantic.source import SemanticSource
from napari_edgeflow.engine.training.semantic.survey import (
    check_size,
    survey,
    unknown_values,
)
from napari_edgeflow.engine.training.semantic.task import (
    SemanticTask,
    SemanticTaskSettings,
)
from napari_edgeflow.engine.training.settings import TrainSettings, check_epochs
from napari_edgeflow.engine.training.stop import StopRequest
from napari_edgeflow.engine.training.train import begin, train

SHORTEST_EPOCH = 20
"""Steps of an epoch at least: few images are each seen several times in one."""

MICROSCOPY_SIDE = 512
"""Side to which images of a microscope are enlarged at least for a network that takes
all in one size: crops of 256 pixels show them at about that scale."""


@dataclass(frozen=True, slots=True)
class SemanticTraining:
    """One training of a semantic network.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        Labelled images.
    classes : ClassTable or None
        The classes that their labels hold, beside the background; None for those
        of the model to start from, or PASCAL VOC's.
    output : Path
        Folder for the model and the state to resume from.
    network : str
        Name of a new network; see :data:`starters.STARTERS`.
    init : str or None
        Model to start from, by name or path; its network and input are taken over,
        and what it knows of classes of the same name.
    imagenet : bool
        Whether a new network's encoder starts from ImageNet weights.
    longest_side : int or None
        Side to which images are resized before they are segmented; None for pixels
        as they are. A model to start from brings its own.
    device : str
        "auto", "cuda", "mps" or "cpu".
    task, loop : SemanticTaskSettings, TrainSettings
        How it learns, and for how long.
    epochs : int or None
        Epochs to train for, in place of the steps of ``loop``: an epoch is one crop
        for each image, and ``SHORTEST_EPOCH`` steps at least.
    validation : float
        Share of the images, or of the blocks of one or two, that is held back to
        see how good the network is; 0 for none. The best weights are kept.
    unlabelled : bool
        Whether pixels labelled 0 have no label yet, instead of being background.
    microscopy : bool or None
        Whether the images are those of a microscope: they are turned and lit in all
        ways then, and what the encoder learned of photographs is given up sooner.
        None to judge by the images.
    command : str
        What is noted in the folder as having started this.
    predictions : bool
        Whether to write what the network makes of some of the images held back.
    """

    pairs: tuple[LabelledImage, ...]
    classes: ClassTable | None
    output: Path
    network: str = "deeplabv3plus-lite0"
    init: str | None = None
    imagenet: bool = True
    longest_side: int | None = None
    device: str = "auto"
    task: SemanticTaskSettings = field(default_factory=SemanticTaskSettings)
    loop: TrainSettings = field(default_factory=TrainSettings)
    epochs: int | None = None
    validation: float = 0.0
    unlabelled: bool = False
    microscopy: bool | None = None
    command: str = ""
    predictions: bool = False

    def __post_init__(self) -> None:
        """Check the settings once."""
        check_epochs(self.epochs, self.validation)


def train_semantic(
    training: SemanticTraining,
    *,
    resume: bool = False,
    stop: StopRequest | None = None,
) -> Iterator[Report]:
    """Train a network; the model is in the output folder after every checkpoint.

    Parameters
    ----------
    training : SemanticTraining
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
        If a name is unknown, a file or the labels do not fit, or the loss is no
        longer finite.
    OSError
        If a file cannot be read or a checkpoint not be written.
    """
    seed = training.task.seed
    fabric = begin(training.output, training.device, seed, resume=resume)
    model, facts = build_semantic(training)
    microscopy, kind = judged(training.pairs, training.microscopy)
    if microscopy:
        facts = _of_microscopy(facts)
    source = SemanticSource(training.pairs, facts.class_ids, stretched=facts.stretched)
    found = survey(source)
    check_size(found, min(side for _, side in training.task.sizes))
    holdout = hold_back(source, found.presence, training.validation, seed)
    messages = (unknown_values(found.unknown), kind, holdout.describe())
    model = model.to(fabric.device, memory_format=torch.channels_last)
    task = _task(replace(training, microscopy=microscopy), model, facts, holdout)
    # Every process has its own dropout.
    torch.manual_seed(seed + fabric.global_rank)
    reports = train(
        task,
        _loop(training, holdout),
        training.output,
        resume=resume,
        fabric=fabric,
        stop=stop,
    )
    if fabric.is_global_zero and training.command:
        note_command(training.output, training.command)
    yield from (TrainMessage(text) for text in messages if text)
    yield from reports


def _of_microscopy(facts: SemanticFacts) -> SemanticFacts:
    """Return how such images are looked at: stretched, and at the scale of crops."""
    longest = facts.longest_side
    if longest is not None:
        longest = max(longest, MICROSCOPY_SIDE)
    return replace(facts, stretched=True, longest_side=longest)


def _task(
    training: SemanticTraining,
    model: SegmentationModel,
    facts: SemanticFacts,
    holdout: Holdout,
) -> SemanticTask:
    pretrained = training.init is not None or training.imagenet
    microscopy = bool(training.microscopy)
    settings = replace(training.task, frozen_statistics=pretrained)
    if microscopy:
        settings = replace(settings, encoder_rate=1.0)
    # A network that sees pixels as they are learns from crops at about that scale.
    base = facts.window if facts.longest_side is None else None
    return SemanticTask(
        model,
        holdout.source,
        facts,
        settings,
        SemanticSampleSettings.suited(base, microscopy=microscopy),
        holdout.validation,
        holdout.presence,
        training.output / PREDICTIONS_FOLDER if training.predictions else None,
    )


def _loop(training: SemanticTraining, holdout: Holdout) -> TrainSettings:
    """Return the settings of the loop, epochs counted in steps."""
    images = len(holdout.source.pairs)
    epoch = max(-(-images // training.task.batch), SHORTEST_EPOCH)
    validated = bool(holdout.validation)
    return training.loop.in_epochs(training.epochs, epoch, validated=validated)


def build_semantic(
    training: SemanticTraining,
) -> tuple[SegmentationModel, SemanticFacts]:
    """Return the network that training starts from, and what it says of itself.

    Raises
    ------
    ValueError
        If a model cannot be loaded or ImageNet weights do not fit.
    """
    if training.init is not None:
        return _build_from(training, training.init)
    classes = ClassTable.voc() if training.classes is None else training.classes
    ids = _outputs(classes, training.unlabelled)
    config = starter(training.network, len(ids))
    model = build_starter(config) if training.imagenet else config.build()
    mean, std = encoder_statistics(config.encoder, 3)
    longest = training.longest_side
    return model, SemanticFacts(classes, ids, mean, std, longest_side=longest)


def _build_from(
    training: SemanticTraining, init: str
) -> tuple[SegmentationModel, SemanticFacts]:
    """Return a model with its outputs changed to the classes of the training."""
    checkpoint = find_checkpoint(init, SEMANTIC_TASK)
    model, facts = load_semantic(checkpoint), semantic_facts(checkpoint)
    classes = facts.classes if training.classes is None else training.classes
    ids = _outputs(classes, training.unlabelled)
    wanted = replace(facts, classes=classes, class_ids=ids)
    outputs = int(model.config.get("classes", 1))
    if outputs == len(ids) and wanted.names == facts.names:
        return model, wanted
    config = SemanticConfig.from_text(checkpoint.metadata["config"])
    return with_classes(model, config, facts, wanted), wanted


def _outputs(classes: ClassTable, unlabelled: bool) -> tuple[int, ...]:
    """Return the ids of a network's outputs: the background first, if it is one."""
    ids = tuple(entry.id for entry in classes)
    return ids if unlabelled else (0, *ids)
