"""Training EdgeFlow from folders of labelled images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from napari_edgeflow.engine.checkpoints.checkpoint import find_checkpoint, load_edgeflow
from napari_edgeflow.engine.checkpoints.starters import copy_in_order, read_state
from napari_edgeflow.engine.data.microscopy import judged
from napari_edgeflow.engine.networks.edgeflow import CONFIGS, EdgeFlow
from napari_edgeflow.engine.training.clicks.holdout import hold_back_objects
from napari_edgeflow.engine.training.clicks.samples import ClickSource
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.task import ClickTask
from napari_edgeflow.engine.training.training import Lesson, Training, readable


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickTraining(Training):
    """One training of EdgeFlow; see :class:`Training` for what is not listed here.

    Parameters
    ----------
    sources : sequence of ClickSource
        Labelled images.
    imagenet : Path or None
        Weights file of an EfficientNet-Lite0 for a new lite backbone.
    """

    shortest_epoch: ClassVar[int] = 50
    """Few images have many objects, and clicking on those held back takes time."""

    sources: Sequence[ClickSource]
    network: str = "edgeflow-lite"
    imagenet: Path | None = None
    task: ClickTaskSettings = field(default_factory=ClickTaskSettings)

    def prepare(self, device: torch.device) -> Lesson:
        """Build the model, look at the images and hold objects back."""
        model = build_model(self).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        sources, unread = _readable_sources(self.sources)
        holdout = hold_back_objects(sources, self.validation, self.task.seed)
        pairs = [pair for source in sources for pair in source.pairs]
        microscopy, kind = judged(pairs, self.microscopy)
        pretrained = self.init is not None or self.imagenet is not None
        settings = replace(self.task, frozen_statistics=pretrained)
        validated = bool(holdout.targets)
        return Lesson(
            ClickTask(model, holdout.sources, settings, holdout.targets, microscopy),
            sum(len(source.pairs) for source in holdout.sources),
            validated,
            validated and self.init is not None,
            (unread, kind, holdout.describe()),
        )


def _readable_sources(
    sources: Sequence[ClickSource],
) -> tuple[list[ClickSource], str | None]:
    """Return the sources without images that cannot be read, and what to say of it."""
    kept, message = readable([pair for source in sources for pair in source.pairs])
    if message is None:
        return list(sources), None
    known = set(kept)
    left = [tuple(p for p in source.pairs if p in known) for source in sources]
    both = zip(sources, left, strict=True)
    return [replace(source, pairs=pairs) for source, pairs in both if pairs], message


def build_model(training: ClickTraining) -> EdgeFlow:
    """Return the network that training starts from."""
    if training.init is not None:
        return load_edgeflow(find_checkpoint(training.init))
    if training.network not in CONFIGS:
        raise ValueError(
            f"unknown configuration {training.network!r}: choose {' or '.join(CONFIGS)}"
        )
    model = EdgeFlow(CONFIGS[training.network])
    if training.imagenet is not None:
        load_imagenet(model, read_state(training.imagenet))
    return model


def load_imagenet(model: EdgeFlow, state: Mapping[str, Tensor]) -> None:
    """Copy ImageNet weights into the backbone; see :func:`starters.copy_in_order`."""
    target = {
        name: tensor
        for name, tensor in model.backbone.state_dict().items()
        if ".interaction." not in name
    }
    copy_in_order(target, state, model.config.backbone)
