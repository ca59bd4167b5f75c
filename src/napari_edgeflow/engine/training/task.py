"""What a training learns: its settings, and a model with its data and its loss."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from napari_edgeflow.engine.networks.frozen_norm import train_except
from napari_edgeflow.engine.segmentation.tiles import STEP
from napari_edgeflow.engine.training.parallel import set_up, share_of_batch
from napari_edgeflow.engine.training.reports import Validation
from napari_edgeflow.engine.training.stop import obey_training_alone

_Settings = TypeVar("_Settings", bound="TaskSettings")

_SMALLER = ((4, 128), (2, 64))
"""Where memory is short: crops of a process and their side that are gone down to, in
turn. Normalisations learn little from fewer crops, a network little from smaller."""

_WORKING = 1.5
"""Memory of a step relative to what its forward pass keeps: gradients, workspace."""

_PER_PARAMETER = 3
"""Numbers that come with a parameter in its first step: gradient and two of AdamW."""

_SIDES = (64, 128)
"""Crops that are tried, in pixels; what is kept of them grows with their area."""


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """How a network learns, whichever it is.

    Parameters
    ----------
    batch : int
        Samples in a step, of all processes together.
    sizes : tuple of (float, int)
        Until which share of the training crops have which side, in pixels. Small
        crops first: more samples in the same time.
    encoder_rate : float
        Learning rate of the pretrained encoder relative to the rest.
    frozen_statistics : bool
        Whether the encoder keeps the batch statistics it came with: quicker, and
        right for a pretrained one; a new one has to gather its own.
    workers : int
        Processes that draw samples.
    seed : int
        Of all randomness.

    Raises
    ------
    ValueError
        If a value is out of bounds.
    """

    batch: int = 16
    sizes: tuple[tuple[float, int], ...] = ((1.0, 256),)
    encoder_rate: float = 0.25
    frozen_statistics: bool = True
    workers: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values once."""
        if self.batch < 2:
            raise ValueError(
                f"batch {self.batch}: use 2 or more, normalisations compare crops"
            )
        sides = [side for _, side in self.sizes]
        if not sides or any(side < STEP or side % STEP for side in sides):
            raise ValueError(f"crops of {sides} pixels: use multiples of {STEP}")

    def size(self, progress: float) -> int:
        """Return the side of crops, in pixels, at ``progress`` in 0..1."""
        ends = (side for end, side in self.sizes if progress < end)
        return next(ends, self.sizes[-1][1])

    @property
    def largest(self) -> int:
        """The side of the largest crops, in pixels."""
        return max(side for _, side in self.sizes)

    def describe(self) -> str:
        """Return what a step learns from, in words."""
        return f"{self.batch} crops of up to {self.largest} pixels"

    def smaller(self: _Settings, processes: int = 1) -> _Settings | None:
        """Return settings for half the memory or less, None if there are none."""
        batch = self.batch // 2 // processes * processes
        side = self.largest // 2 // STEP * STEP
        for fewest, smallest in _SMALLER:
            if batch >= fewest * processes:
                return replace(self, batch=batch)
            if side >= smallest:
                sizes = tuple((end, min(size, side)) for end, size in self.sizes)
                return replace(self, sizes=sizes)
        return None


class Task(ABC):
    """A model with its data and its loss: all that the loop knows of what it trains.

    Each process of a training has one, and draws its share of the batch. Subclasses
    are dataclasses with the two attributes among their fields.

    Attributes
    ----------
    model : nn.Module
        The network that is trained.
    settings : TaskSettings
        How it learns.
    """

    model: nn.Module
    settings: TaskSettings

    def __post_init__(self) -> None:
        """Begin in a single process, with nothing drawn."""
        self._rank, self._processes, self._share = 0, 1, self.settings.batch
        self._size = self._drawn = 0
        self._samples: Iterator[Any] = iter(())
        self._running: nn.Module = self.model
        self._single: nn.Module = self.model
        self._fabric: Fabric | None = None

    # ---- what differs

    @property
    @abstractmethod
    def _pretrained(self) -> Iterable[nn.Parameter]:
        """What learns more slowly, see ``encoder_rate``."""

    @property
    @abstractmethod
    def _frozen(self) -> str | None:
        """The part with frozen statistics: "" is all of it, None is none."""

    @abstractmethod
    def _prepared(self) -> nn.Module:
        """Return a twin that shares the parameters and runs faster, if there is one."""

    @abstractmethod
    def _blank(self, side: int) -> tuple[Tensor, ...]:
        """Return what the network takes, of one square image of zeros."""

    @abstractmethod
    def _loader(self, size: int) -> Iterator[Any]:
        """Return an endless stream of samples whose sides are ``size`` pixels."""

    @abstractmethod
    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return loss, its parts by name, and the number of samples of one batch."""

    @abstractmethod
    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        """Return how good the averaged ``model`` is, None if nothing is held back."""

    @abstractmethod
    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write the averaged ``model`` in the form that others load."""

    # ---- what all tasks share

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's parameter groups for a peak learning rate."""
        slow = list(self._pretrained)
        known = {id(p) for p in slow}
        rest = [p for p in self.model.parameters() if id(p) not in known]
        return [
            {"params": rest, "lr": rate},
            {"params": slow, "lr": rate * self.settings.encoder_rate},
        ]

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
        self._fabric = fabric
        if fabric is not None:
            self._share = share_of_batch(self.settings.batch, fabric)
            self._rank, self._processes = fabric.global_rank, fabric.world_size
            self._running = set_up(self._running, fabric)

    def _stream(self, progress: float) -> Iterator[Any]:
        """Return samples of the size that is due."""
        size = self.settings.size(progress)
        if size != self._size:
            self._size, self._samples = size, self._loader(size)
        return self._samples

    def _drawing(
        self, samples: IterableDataset[Any], prefetch: int, **how: Any
    ) -> Iterator[Any]:
        """Return what the workers draw, so many of them ahead."""
        workers = self.settings.workers
        loader: DataLoader[Any] = DataLoader(
            samples,
            num_workers=workers,
            prefetch_factor=prefetch if workers else None,
            worker_init_fn=obey_training_alone,
            **how,
        )
        return iter(loader)

    def close(self) -> None:
        """End what draws samples at once: torch gives it 5 s to finish some more."""
        for process in getattr(self._samples, "_workers", ()):
            process.terminate()
        self._size, self._samples = 0, iter(())

    def memory_needed(self) -> int:
        """Return about how many bytes the largest step takes in this process.

        What is there before it, such as weights, does not count. In training mode.
        """
        return step_memory(
            self._single,
            lambda side: self._single(*self._blank(side)),
            self._share,
            self.settings.largest,
        )

    def shrink(self) -> str | None:
        """Go on with fewer or smaller crops and say which; None if too few."""
        smaller = self.settings.smaller(self._processes)
        if smaller is None:
            return None
        self.settings, self._share = smaller, smaller.batch // self._processes
        self._size = 0
        return smaller.describe()

    def state(self) -> dict[str, int]:
        """Return what a resumed run must have as it was, and how much was drawn."""
        return {
            "frozen_statistics": self.settings.frozen_statistics,
            "drawn": self._drawn,
        }

    def load_state(self, state: dict[str, int]) -> None:
        """Go on from what :meth:`state` returned."""
        frozen = bool(state["frozen_statistics"])
        self.settings = replace(self.settings, frozen_statistics=frozen)
        self._drawn = state.get("drawn", 0)


def step_memory(
    model: nn.Module, forward: Callable[[int], object], crops: int, side: int
) -> int:
    """Return the bytes that a training step takes, about.

    What its forward pass keeps for the backward pass is measured on two small crops.
    In evaluation mode: no statistics are changed.

    Parameters
    ----------
    model : nn.Module
        The network that is trained.
    forward : callable
        Runs it forward on one square crop of a side in pixels.
    crops, side : int
        How many crops the step has, and their side in pixels.
    """
    with _evaluating(model):
        small, large = (_kept(forward, tried) for tried in _SIDES)
    per_pixel = max(large - small, 0) / (_SIDES[1] ** 2 - _SIDES[0] ** 2)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return int(_PER_PARAMETER * weights + _WORKING * per_pixel * crops * side**2)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for a while, each part back afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    yield
    for module in training:
        module.training = True


def _kept(forward: Callable[[int], object], side: int) -> int:
    """Return the bytes that a forward pass keeps for the backward pass."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        # Held until all is counted: what is freed gives its place to others.
        result = forward(side)
    del result
    return sum(storages.values())
