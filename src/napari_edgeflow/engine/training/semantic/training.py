"""Training a semantic network on labelled images."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

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
from napari_edgeflow.engine.checkpoints.transfer import with_other_classes
from napari_edgeflow.engine.data.microscopy import judged
from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.networks.semantic import SemanticConfig
from napari_edgeflow.engine.training.folder import PREDICTIONS_FOLDER
from napari_edgeflow.engine.training.semantic.holdout import Holdout, hold_back
from napari_edgeflow.engine.training.semantic.samples import SemanticSampleSettings
from napari_edgeflow.engine.training.semantic.source import (
    SemanticSource,
    check_size,
    survey,
    unknown_values,
)
from napari_edgeflow.engine.training.semantic.task import (
    SemanticTask,
    SemanticTaskSettings,
)
from napari_edgeflow.engine.training.training import Lesson, Training, readable

MICROSCOPY_SIDE = 512
"""Side to which images of a microscope are enlarged at least for a network that takes
all in one size: crops of 256 pixels show them at about that scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticTraining(Training):
    """One training of a semantic network; see :class:`Training` for what is not here.

    Of a model to start from network and input stay, and what it knows of classes of
    the same name.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        Labelled images.
    classes : ClassTable or None
        The classes that their labels hold, beside the background; None for those
        of the model to start from, or PASCAL VOC's.
    network : str
        Name of a new network; see :data:`starters.STARTERS`.
    imagenet : bool
        Whether a new network's encoder starts from ImageNet weights.
    longest_side : int or None
        Side to which images are resized before they are segmented; None for pixels
        as they are. A model to start from brings its own.
    unlabelled : bool
        Whether pixels labelled 0 have no label yet, instead of being background.
    microscopy : bool or None
        Of such images, what the encoder learned of photographs is given up sooner.
    predictions : bool
        Whether to write what the network makes of some of the images held back.
    """

    shortest_epoch: ClassVar[int] = 20
    """Few images are each seen several times in an epoch."""

    pairs: tuple[LabelledImage, ...]
    classes: ClassTable | None
    network: str = "deeplabv3plus-lite0"
    imagenet: bool = True
    longest_side: int | None = None
    task: SemanticTaskSettings = field(default_factory=SemanticTaskSettings)
    unlabelled: bool = False
    predictions: bool = False

    def prepare(self, device: torch.device) -> Lesson:
        """Build the model, look at all labels and hold some back."""
        model, facts = build_semantic(self)
        pairs, unread = readable(self.pairs)
        microscopy, kind = judged(pairs, self.microscopy)
        if microscopy:
            facts = _of_microscopy(facts)
        source = SemanticSource(pairs, facts.class_ids, stretched=facts.stretched)
        found = survey(source)
        check_size(found, min(side for _, side in self.task.sizes))
        holdout = hold_back(source, found.presence, self.validation, self.task.seed)
        model = model.to(device, memory_format=torch.channels_last)
        return Lesson(
            _task(replace(self, microscopy=microscopy), model, facts, holdout),
            len(holdout.source.pairs),
            bool(holdout.validation),
            messages=(unread, unknown_values(found.unknown), kind, holdout.describe()),
        )


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
    config = SemanticConfig.from_text(checkpoint.metadata["config"])
    if config.outputs == len(ids) and wanted.names == facts.names:
        return model, wanted
    return with_other_classes(model, config, facts, wanted), wanted


def _outputs(classes: ClassTable, unlabelled: bool) -> tuple[int, ...]:
    """Return the ids of a network's outputs: the background first, if it is one."""
    ids = tuple(entry.id for entry in classes)
    return ids if unlabelled else (0, *ids)
