"""Training a semantic network on labelled images, start to finish."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from segmentation_models_pytorch.base import SegmentationModel

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.engine.pairs import LabelledImage
from napari_edgeflow.engine.runtime import choose_device
from napari_edgeflow.engine.semantic_checkpoint import (
    encoder_statistics,
    load_semantic,
    semantic_facts,
)
from napari_edgeflow.engine.semantic_facts import SemanticFacts
from napari_edgeflow.engine.semantic_samples import SemanticSource
from napari_edgeflow.engine.semantic_task import SemanticTask, SemanticTaskSettings
from napari_edgeflow.engine.starters import build_starter, starter
from napari_edgeflow.engine.train import TrainReport, TrainSettings, train
from napari_edgeflow.engine.weights import SEMANTIC_TASK, find_checkpoint


@dataclass(frozen=True, slots=True)
class SemanticTraining:
    """One training of a semantic network.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        Labelled images.
    classes : ClassTable
        The classes that their labels hold, beside the background.
    output : Path
        Folder for the model and the state to resume from.
    network : str
        Name of a new network; see :data:`starters.STARTERS`.
    init : str or None
        Model to start from, by name or path; its network, classes and input are
        taken over.
    imagenet : bool
        Whether a new network's encoder starts from ImageNet weights.
    longest_side : int or None
        Side to which images are resized before they are segmented; None for pixels
        as they are.
    device : str
        "auto", "cuda", "mps" or "cpu".
    task, loop : SemanticTaskSettings, TrainSettings
        How it learns, and for how long.
    """

    pairs: tuple[LabelledImage, ...]
    classes: ClassTable
    output: Path
    network: str = "deeplabv3plus-lite0"
    init: str | None = None
    imagenet: bool = True
    longest_side: int | None = None
    device: str = "auto"
    task: SemanticTaskSettings = field(default_factory=SemanticTaskSettings)
    loop: TrainSettings = field(default_factory=TrainSettings)


def train_semantic(
    training: SemanticTraining, *, resume: bool = False
) -> Iterator[TrainReport]:
    """Train a network; the model is in the output folder after every checkpoint.

    Parameters
    ----------
    training : SemanticTraining
        What to train, on what, for how long.
    resume : bool
        Go on from the state in the output folder.

    Yields
    ------
    TrainReport
        Every few steps.

    Raises
    ------
    ValueError
        If a name is unknown, a file does not fit, or the loss is no longer finite.
    """
    # Denormal numbers, common in tiny gradients, slow a CPU down many times.
    torch.set_flush_denormal(True)
    torch.manual_seed(training.task.seed)
    model, facts = build_semantic(training)
    model = model.to(choose_device(training.device), memory_format=torch.channels_last)
    pretrained = training.init is not None or training.imagenet
    settings = replace(training.task, frozen_statistics=pretrained)
    source = SemanticSource(training.pairs, facts.class_ids)
    task = SemanticTask(model, source, facts, settings)
    yield from train(task, training.loop, training.output, resume=resume)


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
        checkpoint = find_checkpoint(training.init, SEMANTIC_TASK)
        model = load_semantic(checkpoint)
        if int(model.config.get("classes", 1)) < 2:
            raise ValueError(
                f"{training.init} has a single output, training needs one for each "
                "class and the background: start from another model"
            )
        return model, semantic_facts(checkpoint)
    ids = (0, *(entry.id for entry in training.classes))
    config = starter(training.network, len(ids))
    model = build_starter(config) if training.imagenet else config.build()
    mean, std = encoder_statistics(config.encoder, 3)
    longest = training.longest_side
    return model, SemanticFacts(training.classes, ids, mean, std, longest_side=longest)
