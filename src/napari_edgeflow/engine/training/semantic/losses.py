"""Losses of semantic networks, put together by name, such as "ce+0.5*dice"."""

import re

import torch
from segmentation_models_pytorch.losses import (
    DiceLoss,
    FocalLoss,
    JaccardLoss,
    LovaszLoss,
)
from torch import Tensor, nn

from napari_edgeflow.engine.data.pairs import VOID

LOSSES = ("ce", "focal", "dice", "jaccard", "lovasz")
"""Cross-entropy, focal, Dice, Jaccard and Lovász-softmax loss."""

_TERM = re.compile(r"(?:(?P<weight>[0-9.]+(?:e-?[0-9]+)?)\*)?(?P<name>[a-z]+)")


def parse_loss(spec: str) -> dict[str, float]:
    """Return the weights of a sum of losses by their names.

    Parameters
    ----------
    spec : str
        Names of :data:`LOSSES` joined by "+", each with a weight and "*" before it
        or none for 1; for instance "ce+0.5*dice".

    Raises
    ------
    ValueError
        If it cannot be understood, a name is unknown or occurs twice, or a weight
        is not over 0.
    """
    weights: dict[str, float] = {}
    for part in spec.lower().split("+"):
        name, weight = _term(part.strip(), spec)
        if name in weights:
            raise ValueError(
                f"loss {spec!r}: {name!r} occurs twice, give it one weight"
            )
        weights[name] = weight
    return weights


def _term(text: str, spec: str) -> tuple[str, float]:
    match = _TERM.fullmatch(text.replace(" ", ""))
    if match is None or match["name"] not in LOSSES:
        raise ValueError(
            f"loss {spec!r}: {text!r} is none of {', '.join(LOSSES)}; write a sum "
            "such as ce+0.5*dice"
        )
    try:
        weight = float(match["weight"] or 1)
    except ValueError:
        weight = 0.0
    if not weight > 0:
        raise ValueError(f"loss {spec!r}: the weight in {text!r} must be over 0")
    return match["name"], weight


class SemanticLoss(nn.Module):
    """A weighted sum of losses, see :func:`parse_loss`, over the pixels that count."""

    def __init__(self, spec: str) -> None:
        super().__init__()
        self.weights = parse_loss(spec)
        self.losses = nn.ModuleDict({name: _build(name) for name in self.weights})

    def forward(
        self, logits: Tensor, target: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the sum and the value of each loss by name.

        Parameters
        ----------
        logits : Tensor
            (N, C, H, W) float.
        target : Tensor
            (N, H, W) class indices, ``VOID`` where pixels do not count.
        """
        counted = target != VOID
        # Losses differ in how, and whether, they leave pixels out: none sees them.
        pixels = logits.movedim(1, -1)[counted]
        if not len(pixels):
            nothing = 0.0 * logits.sum()
            return nothing, dict.fromkeys(self.weights, 0.0)
        pixels = pixels.T[None, :, :, None]
        classes = target[counted][None, :, None]
        values = {name: loss(pixels, classes) for name, loss in self.losses.items()}
        total = sum(
            (weight * values[name] for name, weight in self.weights.items()),
            torch.zeros((), device=logits.device),
        )
        return total, {name: float(value.detach()) for name, value in values.items()}


def _build(name: str) -> nn.Module:
    """Return the loss of (1, C, P, 1) logits and (1, P, 1) classes."""
    if name == "ce":
        return nn.CrossEntropyLoss()
    if name == "focal":
        focal: nn.Module = FocalLoss("multiclass")
        return focal
    if name == "lovasz":
        lovasz: nn.Module = LovaszLoss("multiclass")
        return lovasz
    overlap: nn.Module = {"dice": DiceLoss, "jaccard": JaccardLoss}[name]("multiclass")
    return overlap
