"""What a model and its data have to offer for :func:`train.train`."""

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
