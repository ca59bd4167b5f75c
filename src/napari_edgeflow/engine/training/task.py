"""What a model and its data have to offer for :func:`train.train`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lightning_fabric import Fabric
from torch import Tensor, nn

from napari_edgeflow.engine.segmentation.tiles import STEP
from napari_edgeflow.engine.training.reports import Validation

Settings = TypeVar("Settings", bound="TaskSettings")

_SMALLER = ((4, 128), (2, 64))
"""Where memory is short: crops of a process and their side that are gone down to, in
turn. Normalisations learn little from fewer crops, a network little from smaller."""


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

    def smaller(self: Settings, processes: int = 1) -> Settings | None:
        """Return settings that need at most half the memory, None if there are none.

        Parameters
        ----------
        processes : int
            Among which the batch is shared out.
        """
        batch = self.batch // 2 // processes * processes
        side = self.largest // 2 // STEP * STEP
        for fewest, smallest in _SMALLER:
            if batch >= fewest * processes:
                return replace(self, batch=batch)
            if side >= smallest:
                sizes = tuple((end, min(size, side)) for end, size in self.sizes)
                return replace(self, sizes=sizes)
        return None


class Task(Protocol):
    """What the loop needs to know of a model and its data."""

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's parameter groups for a peak learning rate."""

    def train_mode(self, fabric: Fabric) -> None:
        """Put the model into training; what runs forward is set up by ``fabric``."""

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        """Return loss, its parts by name, and the number of samples of one batch.

        In several processes each has its share of the batch.
        """

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        """Return how good the averaged ``model`` is, None if nothing is held back."""

    def memory_needed(self) -> int:
        """Return about how many bytes the largest step takes in this process.

        What is there before it, such as weights, does not count. In training mode.
        """

    def shrink(self) -> str | None:
        """Go on with fewer or smaller crops and say which; None if too few."""

    def state(self) -> dict[str, int]:
        """Return what of the task a resumed run must have as it was."""

    def load_state(self, state: dict[str, int]) -> None:
        """Take over what :meth:`state` returned."""

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write the averaged ``model`` in the form that others load."""


def slower_groups(
    model: nn.Module, slow: Iterable[nn.Parameter], rate: float, share: float
) -> list[dict[str, Any]]:
    """Return an optimiser's groups; ``slow`` learns at ``share`` of the rate."""
    encoder = list(slow)
    known = {id(p) for p in encoder}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [
        {"params": rest, "lr": rate},
        {"params": encoder, "lr": rate * share},
    ]
