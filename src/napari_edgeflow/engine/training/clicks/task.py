"""The task of learning EdgeFlow from simulated clicks, for :func:`train.train`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from napari_edgeflow.engine.checkpoints.checkpoint import MODEL_FILE
from napari_edgeflow.engine.evaluation.clicks import MAX_CLICKS, ClickTarget
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow, EdgeFlowOutput
from napari_edgeflow.engine.networks.frozen_norm import folded_if_exact
from napari_edgeflow.engine.raster.image import resize_image, resize_mask
from napari_edgeflow.engine.runtime.clicks_torch import write_model
from napari_edgeflow.engine.training.clicks.episode import Episode
from napari_edgeflow.engine.training.clicks.holdout import validate_clicks
from napari_edgeflow.engine.training.clicks.losses import (
    balanced_region_loss,
    normalized_focal_loss,
)
from napari_edgeflow.engine.training.clicks.samples import (
    ClickSample,
    ClickSamples,
    ClickSource,
    SampleSettings,
)
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.reports import Validation
from napari_edgeflow.engine.training.task import Task

_CAREFUL = 0.7
"""Probability that a click goes to the middle of an error, as people mostly do."""


@dataclass
class ClickTask(Task):
    """EdgeFlow, its samples and its loss.

    Iterative training without forward passes to spare: a sample's result in one step
    decides what is clicked on and looked at in the following step, as it does in use,
    so that every forward pass also carries a gradient.
    """

    model: EdgeFlow
    sources: Sequence[ClickSource]
    settings: ClickTaskSettings = field(default_factory=ClickTaskSettings)
    targets: tuple[ClickTarget, ...] = ()
    microscopy: bool = False

    def __post_init__(self) -> None:
        """Start with nothing drawn."""
        super().__post_init__()
        self._rng = np.random.default_rng(self.settings.seed)
        self._carried: list[Episode] = []

    @property
    def _pretrained(self) -> Iterator[nn.Parameter]:
        backbone = self.model.backbone.named_parameters()
        return (p for name, p in backbone if ".interaction." not in name)

    def train_mode(self, fabric: Fabric | None = None) -> None:
        """Put the model into training; see :meth:`Task.train_mode`."""
        super().train_mode(fabric)
        if fabric is not None:
            # Every process draws samples of its own, and a resumed one new ones.
            origin = [self.settings.seed, fabric.global_rank, self._drawn]
            self._rng = np.random.default_rng(origin)

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return the loss of one batch, its parts and the number of samples."""
        episodes = self._draw(progress)
        device = next(self.model.parameters()).device
        image, interaction, truth, valid = (
            t.to(device, memory_format=torch.channels_last)
            for t in stack_looks(episodes)
        )
        output = EdgeFlowOutput(*(t.float() for t in self._running(image, interaction)))
        fine = normalized_focal_loss(output.fine, truth, valid)
        small_truth = functional.avg_pool2d(truth, 4).round()
        small_valid = (functional.avg_pool2d(valid, 4) > 0.5).float()
        coarse = normalized_focal_loss(output.coarse, small_truth, small_valid)
        regions = balanced_region_loss(output.regions, small_truth, small_valid)
        loss = fine + 0.5 * coarse + 0.2 * regions
        for episode, result in zip(
            episodes, output.fine[:, 0].detach().sigmoid().cpu().numpy(), strict=True
        ):
            episode.take(result)
        parts = {
            "fine": float(fine.detach()),
            "iou": fmean(episode.iou for episode in episodes),
        }
        self._carried = [episode for episode in episodes if self._goes_on(episode)]
        return loss, parts, len(episodes)

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        """Return how well ``model`` finds what is held back, if anything is."""
        if not self.targets:
            return None
        return validate_clicks(_edgeflow(model), self.targets, fabric)

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write ``model`` as safetensors and, of the same weights, as ONNX."""
        write_model(_edgeflow(model), output / MODEL_FILE, facts)

    def _prepared(self) -> nn.Module:
        if self._frozen is None:
            return self.model
        frozen = self.model.get_submodule(self._frozen)
        return folded_if_exact(self.model, frozen, *self._blank(64))

    def _blank(self, side: int) -> tuple[Tensor, Tensor]:
        """Return image and interaction maps of zeros, each (1, 3, side, side)."""
        parameter = next(self.model.parameters())
        blank = torch.zeros(1, 3, side, side, device=parameter.device)
        return blank, blank

    @property
    def _frozen(self) -> str | None:
        if not self.settings.frozen_statistics:
            return None
        return "" if self.settings.frozen_decoder else "backbone"

    def _draw(self, progress: float) -> list[Episode]:
        samples, size = self._stream(progress), self._size
        missing = self._share - len(self._carried)
        self._drawn += missing
        guide = Guide(ZoomSettings(), lambda _: (size, size))
        new = [Episode(next(samples), guide) for _ in range(missing)]
        return self._carried + new

    def _loader(self, size: int) -> Iterator[ClickSample]:
        # Those that were to go on have another size.
        self._carried = []
        relit = self.settings.relit
        settings = SampleSettings(size=size, microscopy=self.microscopy, relit=relit)
        seed = int(self._rng.integers(2**31))
        samples = ClickSamples(self.sources, settings, seed)
        return self._drawing(samples, 12, batch_size=None, collate_fn=_unchanged)

    def _goes_on(self, episode: Episode) -> bool:
        """Return whether there is more to look at, after another click perhaps."""
        if episode.look is None and len(episode.prompts) < MAX_CLICKS:
            found = episode.iou >= self.settings.found
            carry = self.settings.carry_found if found else self.settings.carry
            if self._rng.random() < carry:
                episode.correct(self._rng, _CAREFUL)
        return episode.look is not None


def _edgeflow(model: nn.Module) -> EdgeFlow:
    if not isinstance(model, EdgeFlow):
        raise TypeError(f"{type(model).__name__} is not an EdgeFlow network")
    return model


def _unchanged(sample: Any) -> Any:
    """Keep the loader from turning a sample into tensors."""
    return sample


def stack_looks(episodes: Sequence[Episode]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return image, interaction, truth and valid tensors of what is looked at.

    Returns
    -------
    tuple of Tensor
        (N, 3, H, W) in 0..1, (N, 3, H, W) interaction maps, (N, 1, H, W) truth and
        (N, 1, H, W) valid, all float32.
    """
    looks = [(e.sample, e.look) for e in episodes if e.look is not None]
    images = np.stack([resize_image(s.image, k.window, k.shape) for s, k in looks])
    truth = np.stack([resize_mask(s.truth, k.window, k.shape) for s, k in looks])
    valid = np.stack([resize_mask(s.valid, k.window, k.shape) for s, k in looks])
    return (
        torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255,
        torch.from_numpy(np.stack([look.maps() for _, look in looks])),
        torch.from_numpy(truth[:, None]).float(),
        torch.from_numpy(valid[:, None]).float(),
    )
