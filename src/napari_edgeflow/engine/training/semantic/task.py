"""The task of learning a class for every pixel, for :func:`train.train`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from segmentation_models_pytorch.base import SegmentationModel
from torch import Tensor, nn

from napari_edgeflow.engine.checkpoints.semantic import Normalisation
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.networks.frozen_norm import folded_if_exact, sharing_twin
from napari_edgeflow.engine.networks.semantic import head_upsampling
from napari_edgeflow.engine.raster.metrics import confusion_matrix, mean_iou
from napari_edgeflow.engine.runtime.semantic_torch import publish_semantic
from napari_edgeflow.engine.training.parallel import weight_of
from napari_edgeflow.engine.training.reports import Validation
from napari_edgeflow.engine.training.semantic.holdout import HeldBack
from napari_edgeflow.engine.training.semantic.losses import SemanticLoss, parse_loss
from napari_edgeflow.engine.training.semantic.samples import (
    Order,
    SemanticSamples,
    SemanticSampleSettings,
    class_chances,
    collate,
)
from napari_edgeflow.engine.training.semantic.source import SemanticSource
from napari_edgeflow.engine.training.semantic.validation import validate_semantic
from napari_edgeflow.engine.training.settings import FEW_IMAGES
from napari_edgeflow.engine.training.task import Task, TaskSettings


@dataclass(frozen=True, slots=True)
class SemanticTaskSettings(TaskSettings):
    """How a semantic network learns.

    Parameters
    ----------
    loss : str
        A sum of losses by name; see :func:`semantic_losses.parse_loss`.
    """

    sizes: tuple[tuple[float, int], ...] = ((0.3, 192), (0.8, 256), (1.0, 320))
    loss: str = "ce+0.5*dice"

    @classmethod
    def suited(cls, images: int) -> "SemanticTaskSettings":
        """Return settings for so many images: of few, more and smaller steps."""
        if images > FEW_IMAGES:
            return cls()
        return cls(batch=8, sizes=((0.6, 192), (1.0, 256)))

    def __post_init__(self) -> None:
        """Check the values once."""
        # Without arguments, super() knows another class: slots make a new one.
        super(SemanticTaskSettings, self).__post_init__()
        parse_loss(self.loss)


@dataclass
class SemanticTask(Task):
    """A semantic network, its samples and its loss.

    Parameters
    ----------
    model : SegmentationModel
        The network to train, with as many classes as the source.
    source : SemanticSource
        Labelled images.
    facts : SemanticFacts
        What the checkpoint says of classes and input.
    settings : SemanticTaskSettings
        How it learns.
    samples : SemanticSampleSettings
        How crops are drawn; their size is that of ``settings``.
    validation : tuple of HeldBack
        What is segmented after each epoch.
    presence : ndarray, optional
        Which image of the source has which class, if it is known.
    predictions : Path, optional
        Folder for what the network makes of some of them, after each epoch.
    """

    model: SegmentationModel
    source: SemanticSource
    facts: SemanticFacts
    settings: SemanticTaskSettings = field(default_factory=SemanticTaskSettings)
    samples: SemanticSampleSettings = field(default_factory=SemanticSampleSettings)
    validation: tuple[HeldBack, ...] = ()
    presence: NDArray[np.bool_] | None = None
    predictions: Path | None = None

    def __post_init__(self) -> None:
        """Read which image has which class; draw nothing yet."""
        super().__post_init__()
        known = self.presence
        self._presence = self.source.presence() if known is None else known
        # Errors of the processes that draw crops are hard to read.
        background = self.source.has_background
        class_chances(self._presence, self.samples.balance, background=background)
        self._loss = SemanticLoss(self.settings.loss)
        self._normalisation = Normalisation(self.facts)

    @property
    def _pretrained(self) -> Iterator[nn.Parameter]:
        parameters: Iterator[nn.Parameter] = self.model.encoder.parameters()
        return parameters

    @property
    def _frozen(self) -> str | None:
        return "encoder" if self.settings.frozen_statistics else None

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return the loss of one batch, its parts and the number of crops."""
        images, targets = self._draw(progress)
        if self.facts.channels == 1:
            images = images.mean(1, keepdim=True)
        device = next(self.model.parameters()).device
        pixels = self._normalisation(images).to(
            device, memory_format=torch.channels_last
        )
        logits = self._running(pixels).float()
        target = at_corners(targets.to(device), logits.shape[-2:])
        loss, parts = self._loss(logits, target)
        loss = loss * weight_of((target != VOID).sum(), self._fabric)
        parts["iou"] = _mean_iou(logits, target)
        self._drawn += len(images) * self._processes
        return loss, parts, len(images)

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        """Return how well ``model`` segments what is held back, if anything is."""
        if not self.validation:
            return None
        return validate_semantic(
            _of_smp(model), self.facts, self.validation, fabric, self.predictions
        )

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write ``model`` as a folder that smp and the docks load."""
        publish_semantic(_of_smp(model), self.facts, output, facts)

    def _prepared(self) -> nn.Module:
        """Return a twin that shares the parameters and does not waste time.

        The final upsampling is left out, since the loss is taken before it, and
        frozen normalisations are folded away.
        """
        twin: nn.Module = self.model
        if self.settings.frozen_statistics:
            twin = folded_if_exact(self.model, self.model.encoder, *self._blank(64))
        upsampling = head_upsampling(self.model)
        if upsampling is not None:
            if twin is self.model:
                twin = sharing_twin(self.model)
            twin.set_submodule(upsampling[0], nn.Identity())
        return twin

    def _blank(self, side: int) -> tuple[Tensor]:
        device = next(self.model.parameters()).device
        return (torch.zeros(1, self.facts.channels, side, side, device=device),)

    def _draw(self, progress: float) -> tuple[Tensor, Tensor]:
        batch: tuple[Tensor, Tensor] = next(self._stream(progress))
        return batch

    def _loader(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        crops = SemanticSamples(
            self.source,
            self._presence,
            replace(self.samples, size=size),
            self.settings.seed,
            Order(self._drawn, self._share, self._rank, self._processes),
        )
        return self._drawing(crops, 6, batch_size=self._share, collate_fn=collate)


def _of_smp(model: nn.Module) -> SegmentationModel:
    if not isinstance(model, SegmentationModel):
        raise TypeError(f"{type(model).__name__} is not a network of smp")
    return model


def _mean_iou(logits: Tensor, target: Tensor) -> float:
    """Return the mean IoU of a batch (N, C, h, w); pixels marked VOID do not count."""
    found, truth = logits.detach().argmax(1).cpu().numpy(), target.cpu().numpy()
    return mean_iou(confusion_matrix(found, truth, range(logits.shape[1])))


def at_corners(target: Tensor, shape: torch.Size) -> Tensor:
    """Return the targets (N, H, W) at the places of a coarser grid of logits.

    smp stretches logits so that their corners lie on the image's corners.
    """
    if target.shape[-2:] == shape:
        return target
    rows, columns = (
        torch.linspace(0, have - 1, want, device=target.device).round().long()
        for have, want in zip(target.shape[-2:], shape, strict=True)
    )
    return target[:, rows][:, :, columns]
