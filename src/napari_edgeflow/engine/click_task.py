"""The task of learning EdgeFlow from simulated clicks, for :func:`train.train`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from napari_edgeflow.engine.click_validation import validate_clicks
from napari_edgeflow.engine.clicks import Click, disk_maps, next_click, random_click
from napari_edgeflow.engine.datasets import (
    ClickSample,
    ClickSamples,
    ClickSource,
    SampleSettings,
)
from napari_edgeflow.engine.evaluate import ClickTarget
from napari_edgeflow.engine.frozen_norm import folded_if_exact, train_except
from napari_edgeflow.engine.losses import balanced_region_loss, normalized_focal_loss
from napari_edgeflow.engine.masks import signed_edge
from napari_edgeflow.engine.metrics import iou
from napari_edgeflow.engine.models.edgeflow import EdgeFlow, EdgeFlowOutput
from napari_edgeflow.engine.outline_level import agreeing_level
from napari_edgeflow.engine.parallel import set_up, share_of_batch
from napari_edgeflow.engine.prediction import THRESHOLD
from napari_edgeflow.engine.step_memory import step_memory
from napari_edgeflow.engine.torch_runtime import write_model
from napari_edgeflow.engine.train_reports import Validation
from napari_edgeflow.engine.train_settings import FEW_IMAGES
from napari_edgeflow.engine.train_stop import leave_interrupts
from napari_edgeflow.engine.train_task import TaskSettings, slower_groups
from napari_edgeflow.engine.weights import MODEL_FILE


@dataclass(frozen=True, slots=True)
class ClickTaskSettings(TaskSettings):
    """How EdgeFlow learns.

    Parameters
    ----------
    carry, carry_found : float
        Probability that a sample comes back in the next step with its result's
        edge and one more click: of an object that is not found yet, and of one that
        is. Those that take many clicks are learnt from with many clicks.
    found : float
        IoU from which an object is found.
    no_click : float
        Probability that such a sample comes back with the edge alone, so that feeding a
        result back does no harm.
    frozen_decoder : bool
        Whether the rest keeps its batch statistics too, if the encoder does: those of
        a few images are not those of the images to come.
    relit : bool
        Whether images of a microscope are lit in other ways too, as those of other
        microscopes are.
    """

    sizes: tuple[tuple[float, int], ...] = ((0.45, 160), (0.75, 192), (1.0, 256))
    encoder_rate: float = 0.3
    carry: float = 0.75
    carry_found: float = 0.35
    found: float = 0.93
    no_click: float = 0.15
    frozen_decoder: bool = False
    relit: bool = True

    @classmethod
    def suited(cls, images: int, *, adapting: bool) -> "ClickTaskSettings":
        """Return settings for so many images, and for a network that knows objects.

        A few images shall not take it far from what it knows: they are shown as large
        as they will be and in their own light, and late clicks, which are forgotten
        first, often.
        """
        if not adapting or images > FEW_IMAGES:
            return cls()
        return cls(
            sizes=((1.0, 256),),
            carry=0.88,
            carry_found=0.5,
            found=0.95,
            frozen_decoder=True,
            relit=False,
        )

    def __post_init__(self) -> None:
        """Check the values once."""
        # Without arguments, super() knows another class: slots make a new one.
        super(ClickTaskSettings, self).__post_init__()
        for name in ("carry", "carry_found", "found", "no_click"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} {value}: use a probability from 0 to 1")


@dataclass
class ClickTask:
    """EdgeFlow, its samples and its loss.

    Iterative training without forward passes to spare: a sample's prediction in one
    step gives its next click and its edge for the following step, so that every
    forward pass also carries a gradient.

    Parameters
    ----------
    model : EdgeFlow
        The network to train.
    sources : sequence of ClickSource
        Where objects come from.
    settings : ClickTaskSettings
        How it learns.
    targets : tuple of ClickTarget
        Objects that are clicked on after each epoch.
    microscopy : bool
        Whether the images are those of a microscope.
    """

    model: EdgeFlow
    sources: Sequence[ClickSource]
    settings: ClickTaskSettings = field(default_factory=ClickTaskSettings)
    targets: tuple[ClickTarget, ...] = ()
    microscopy: bool = False

    def __post_init__(self) -> None:
        """Start with nothing drawn."""
        self._rng = np.random.default_rng(self.settings.seed)
        self._size = self._drawn = 0
        self._samples: Iterator[ClickSample] = iter(())
        self._carried: list[ClickSample] = []
        self._running: nn.Module = self.model
        self._single: nn.Module = self.model
        self._share = self.settings.batch

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's groups: the backbone learns more slowly."""
        stem = [
            p for n, p in self.model.backbone.named_parameters() if ".interaction." in n
        ]
        fresh = {id(p) for p in stem}
        encoder = [p for p in self.model.backbone.parameters() if id(p) not in fresh]
        return slower_groups(self.model, encoder, rate, self.settings.encoder_rate)

    def train_mode(self, fabric: Fabric | None = None) -> None:
        """Put the model into training; see ``frozen_statistics``.

        Parameters
        ----------
        fabric : Fabric, optional
            What the forward pass is set up by; default: a single process as it is.
        """
        self._running = self._single = self._prepared()
        for model in (self.model, self._running):
            train_except(model, self._frozen)
        if fabric is not None:
            self._share = share_of_batch(self.settings.batch, fabric)
            # Every process draws samples of its own, and a resumed one new ones.
            origin = [self.settings.seed, fabric.global_rank, self._drawn]
            self._rng = np.random.default_rng(origin)
            self._running = set_up(self._running, fabric)

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return the loss of one batch, its parts and the number of samples."""
        samples = self._draw(progress)
        device = next(self.model.parameters()).device
        image, interaction, truth, valid = (
            t.to(device, memory_format=torch.channels_last) for t in collate(samples)
        )
        output = EdgeFlowOutput(*(t.float() for t in self._running(image, interaction)))
        fine = normalized_focal_loss(output.fine, truth, valid)
        small_truth = functional.avg_pool2d(truth, 4).round()
        small_valid = (functional.avg_pool2d(valid, 4) > 0.5).float()
        coarse = normalized_focal_loss(output.coarse, small_truth, small_valid)
        regions = balanced_region_loss(output.regions, small_truth, small_valid)
        loss = fine + 0.5 * coarse + 0.2 * regions
        results = output.fine[:, 0].detach().sigmoid().cpu().numpy()
        ious = [
            iou(result >= THRESHOLD, sample.truth, sample.valid)
            for sample, result in zip(samples, results, strict=True)
        ]
        parts = {"fine": float(fine.detach()), "iou": fmean(ious)}
        carried = map(self._carry, samples, results, ious)
        self._carried = [sample for sample in carried if sample is not None]
        return loss, parts, len(samples)

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        """Return how well ``model`` finds what is held back, if anything is."""
        if not self.targets:
            return None
        return validate_clicks(_edgeflow(model), self.targets, fabric)

    def memory_needed(self) -> int:
        """Return about how many bytes the largest step takes in this process."""
        return step_memory(
            self._single,
            lambda side: self._single(*self._blank(side)),
            self._share,
            self.settings.largest,
        )

    def shrink(self) -> str | None:
        """Go on with fewer or smaller crops and say which; None if too few."""
        processes = self.settings.batch // self._share
        smaller = self.settings.smaller(processes)
        if smaller is None:
            return None
        self.settings, self._share = smaller, smaller.batch // processes
        self._carried = self._carried[: self._share]
        return smaller.describe()

    def state(self) -> dict[str, int]:
        """Return how training began, and how many samples it has drawn."""
        return {
            "frozen_statistics": self.settings.frozen_statistics,
            "drawn": self._drawn,
        }

    def load_state(self, state: dict[str, int]) -> None:
        """Take over what :meth:`state` returned."""
        frozen = bool(state["frozen_statistics"])
        self.settings = replace(self.settings, frozen_statistics=frozen)
        self._drawn = state.get("drawn", 0)

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write ``model`` as safetensors and, of the same weights, as ONNX."""
        write_model(_edgeflow(model), output / MODEL_FILE, facts)

    def _prepared(self) -> nn.Module:
        """Return a twin that shares the parameters and runs faster, if there is one."""
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
        """Name of the part with frozen statistics: "" is all of it, None is none."""
        if not self.settings.frozen_statistics:
            return None
        return "" if self.settings.frozen_decoder else "backbone"

    def _draw(self, progress: float) -> list[ClickSample]:
        size = self.settings.size(progress)
        if size != self._size:
            self._size, self._carried = size, []
            self._samples = self._loader(size)
        missing = self._share - len(self._carried)
        self._drawn += missing
        return self._carried + [next(self._samples) for _ in range(missing)]

    def _loader(self, size: int) -> Iterator[ClickSample]:
        relit = self.settings.relit
        settings = SampleSettings(size=size, microscopy=self.microscopy, relit=relit)
        seed = int(self._rng.integers(2**31))
        samples = ClickSamples(self.sources, settings, seed)
        return iter(
            DataLoader(
                samples,
                batch_size=None,
                num_workers=self.settings.workers,
                prefetch_factor=48 if self.settings.workers else None,
                collate_fn=_unchanged,
                worker_init_fn=leave_interrupts,
            )
        )

    def _carry(
        self, sample: ClickSample, result: NDArray[np.float32], score: float
    ) -> ClickSample | None:
        """Return the sample as it goes on after this result, or None if it ends.

        ``result`` are probabilities (H, W), ``score`` is their IoU.
        """
        found = score >= self.settings.found
        carry = self.settings.carry_found if found else self.settings.carry
        if self._rng.random() >= carry or len(sample.clicks) >= 20:
            return None
        clicks, level = sample.clicks, THRESHOLD
        if self._rng.random() >= self.settings.no_click:
            click = self._correction(sample, result >= THRESHOLD)
            if click is None:
                return None
            answer = float(result[round(click.y), round(click.x)])
            clicks, level = [*clicks, click], agreeing_level([(answer, click.positive)])
        edge = signed_edge(result >= level)
        return replace(sample, clicks=clicks, edge=edge)

    def _correction(self, sample: ClickSample, mask: NDArray[np.bool_]) -> Click | None:
        """Return a click on what is wrong: mostly in the middle, as people do."""
        click = next_click(mask, sample.truth, sample.valid, sample.clicks)
        if click is None or self._rng.random() >= 0.4:
            return click
        wrong = (mask != sample.truth) & sample.valid
        wrong &= sample.truth == click.positive
        return random_click(wrong, self._rng, positive=click.positive) or click


def _edgeflow(model: nn.Module) -> EdgeFlow:
    if not isinstance(model, EdgeFlow):
        raise TypeError(f"{type(model).__name__} is not an EdgeFlow network")
    return model


def _unchanged(sample: Any) -> Any:
    """Keep the loader from turning a sample into tensors."""
    return sample


def collate(samples: Sequence[ClickSample]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a batch's image, interaction, truth and valid tensors.

    Returns
    -------
    tuple of Tensor
        (N, 3, H, W) in 0..1, (N, 3, H, W) interaction maps, (N, 1, H, W) truth and
        (N, 1, H, W) valid, all float32.
    """
    images = torch.from_numpy(np.stack([s.image for s in samples]))
    maps = np.stack(
        [
            np.concatenate([disk_maps(s.clicks, s.truth.shape), s.edge[None]])
            for s in samples
        ]
    )
    truth = torch.from_numpy(np.stack([s.truth for s in samples])[:, None])
    valid = torch.from_numpy(np.stack([s.valid for s in samples])[:, None])
    return (
        images.permute(0, 3, 1, 2).float() / 255,
        torch.from_numpy(maps),
        truth.float(),
        valid.float(),
    )
