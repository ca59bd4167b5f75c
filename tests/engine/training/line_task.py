"""The smallest task for the training loop: find a number."""

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from napari_edgeflow.engine.training.reports import Validation
from napari_edgeflow.engine.training.settings import LoopSettings

SHORT = LoopSettings(steps=60, rate=0.2, warmup=5, report_steps=20, ema=0.9)


class Line(nn.Module):
    """A number."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))


class LineTask:
    """Pulls the number to 3; what it publishes is kept for the test."""

    def __init__(self) -> None:
        self.model = Line()
        self.published: list[float] = []

    def parameter_groups(self, rate: float) -> list[dict[str, object]]:
        return [{"params": list(self.model.parameters()), "lr": rate}]

    def train_mode(self, fabric: Fabric) -> None:
        self.model.train()

    def step(self, progress: float) -> tuple[Tensor, dict[str, float], int]:
        loss = (self.model.value - 3).square().sum()
        return loss, {"progress": progress}, 2

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation | None:
        return None

    def close(self) -> None:
        self.closed = True

    def memory_needed(self) -> int:
        return 0

    def shrink(self) -> str | None:
        return None

    def state(self) -> dict[str, int]:
        return {"kept": True}

    def load_state(self, state: dict[str, int]) -> None:
        assert state == {"kept": True}

    def publish(self, model: nn.Module, output: Path, facts: dict[str, str]) -> None:
        assert isinstance(model, Line)
        self.published.append(model.value.item())


class ScoredTask(LineTask):
    """Is validated: on how near the number is, or by scores that are given."""

    def __init__(self, scores: list[float] | None = None) -> None:
        super().__init__()
        self.scores = scores
        self.validated: list[float] = []

    def validate(self, model: nn.Module, fabric: Fabric) -> Validation:
        assert isinstance(model, Line)
        self.validated.append(model.value.item())
        near = 1 - abs(model.value.item() - 3) / 3
        score = self.scores.pop(0) if self.scores else near
        return Validation(score, {"three": score, "four": None})
