"""Checkpoints of semantic networks: folders that smp loads too."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from segmentation_models_pytorch.base import SegmentationModel
from segmentation_models_pytorch.encoders import get_encoder_names
from timm.data.constants import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_DPN_MEAN,
    IMAGENET_DPN_STD,
    IMAGENET_INCEPTION_MEAN,
    IMAGENET_INCEPTION_STD,
)
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

from napari_edgeflow.engine.checkpoints.checkpoint import (
    CONFIG_FILE,
    FORMAT,
    MODEL_FILE,
    SEMANTIC_TASK,
    Checkpoint,
    with_weights,
    write_weights,
)
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.networks.semantic import SemanticConfig
from napari_edgeflow.engine.system.files import replacing

Statistics = tuple[tuple[float, ...], tuple[float, ...]]

_INCEPTION: Statistics = IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
_UNUSUAL = {
    "dpn": (IMAGENET_DPN_MEAN, IMAGENET_DPN_STD),
    "inception": _INCEPTION,
    "timm-tf_efficientnet_lite": _INCEPTION,
    "xception": _INCEPTION,
}
"""Mean and deviation of those of smp's encoders that differ from the rest.

smp asks a server for them, which is nothing to do when a file is opened.
"""


class Normalisation(nn.Module):
    """Takes images (N, 3, H, W) in 0..1 to what an encoder was pretrained on."""

    mean: Tensor
    std: Tensor

    def __init__(self, facts: SemanticFacts) -> None:
        super().__init__()
        for name, values in (("mean", facts.mean), ("std", facts.std)):
            self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1))
        self.grey = facts.channels == 1

    def forward(self, images: Tensor) -> Tensor:
        """Return the images less the mean, in units of the deviation."""
        if self.grey:
            images = images.mean(1, keepdim=True)
        return (images - self.mean) / self.std


def encoder_statistics(encoder: str, channels: int) -> Statistics:
    """Return mean and standard deviation that an encoder's ImageNet weights expect.

    Raises
    ------
    ValueError
        If smp does not know the encoder.
    """
    mean, std = _timm_statistics(encoder) or _smp_statistics(encoder)
    if channels == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * channels, (sum(std) / len(std),) * channels


def _timm_statistics(encoder: str) -> Statistics | None:
    """Return mean and deviation of an encoder of timm, None for one of smp."""
    if not encoder.startswith("tu-"):
        return None
    try:
        found = get_pretrained_cfg(encoder[3:])
    except RuntimeError as error:
        raise ValueError(f"unknown encoder {encoder!r}: {error}") from error
    if found is None:
        raise ValueError(f"unknown encoder {encoder!r}: timm has no such network")
    return tuple(found.mean), tuple(found.std)


def _smp_statistics(encoder: str) -> Statistics:
    if encoder not in get_encoder_names():
        raise ValueError(
            f"unknown encoder {encoder!r}: smp has {', '.join(get_encoder_names())}, "
            'and those of timm with "tu-" before their name'
        )
    unusual = (found for start, found in _UNUSUAL.items() if encoder.startswith(start))
    return next(unusual, (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))


def semantic_facts(checkpoint: Checkpoint) -> SemanticFacts:
    """Return what a checkpoint says, or for one of smp what can be told of it.

    Raises
    ------
    ValueError
        If something is missing or does not fit together.
    """
    if checkpoint.metadata.get("format") == FORMAT:
        return SemanticFacts.of(checkpoint)
    try:
        config = SemanticConfig.from_text(checkpoint.metadata["config"])
        mean, std = encoder_statistics(config.encoder, config.channels)
        return SemanticFacts.unnamed(config.outputs, mean, std)
    except ValueError as error:
        raise ValueError(f"{checkpoint.weights} cannot be used: {error}") from error


def load_semantic(checkpoint: Checkpoint) -> SegmentationModel:
    """Build the semantic network of a checkpoint, in float32 on the CPU.

    Raises
    ------
    ValueError
        If the configuration, the classes or the tensors do not fit.
    """
    facts = semantic_facts(checkpoint)
    try:
        config = SemanticConfig.from_text(checkpoint.metadata["config"])
        if max(config.outputs, 2) != len(facts.class_ids):
            raise ValueError(
                f"it has a network of {config.outputs} classes and names "
                f"{len(facts.class_ids)}"
            )
        return with_weights(config.build, checkpoint.weights).eval()
    except ValueError as error:
        raise ValueError(
            f"{checkpoint.weights} does not hold the network that its configuration "
            f"names: {error}. Write or download it again"
        ) from error


def write_semantic(
    model: SegmentationModel,
    facts: SemanticFacts,
    output: Path,
    extra: Mapping[str, str],
) -> None:
    """Write a network as a folder that smp's ``from_pretrained`` loads too."""
    arguments = {k: v for k, v in model.config.items() if not k.startswith("_")}
    config = SemanticConfig(type(model).__name__, arguments).to_json()
    header = {"task": SEMANTIC_TASK, "config": json.dumps(config)}
    header = {**header, **facts.to_metadata(), **extra}
    write_weights(model, output / MODEL_FILE, header)
    with replacing(output / CONFIG_FILE) as partial:
        partial.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
