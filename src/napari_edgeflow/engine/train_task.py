"""What a model and its data have to offer for :func:`train.train`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from lightning_fabric import Fabric
from torch import Tensor, nn

from napari_edgeflow.engine.train_reports import Validation


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

    def halve_batch(self) -> int | None:
        """Go on with half the batch and return its size; None if it is too small."""

    def state(self) -> dict[str, int]:
        """Return what of the task a resumed run must have as it was."""

    def load_state(self, state: dict[str, int]) -> None:
        """Take over what :meth:`state` returned."""

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        """Write the averaged ``model`` in the form that others load."""


def crop_side(sizes: Sequence[tuple[float, int]], progress: float) -> int:
    """Return the side of crops, in pixels, at ``progress`` in 0..1.

    ``sizes`` says until which share of the training crops have which side.
    """
    return next((side for end, side in sizes if progress < end), sizes[-1][1])


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
