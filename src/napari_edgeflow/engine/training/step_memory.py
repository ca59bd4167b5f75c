"""How much memory a training step takes, before there is one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_WORKING = 1.5
"""Memory of a step relative to what its forward pass keeps: gradients, workspace."""

_PER_PARAMETER = 3
"""Numbers that come with a parameter in its first step: gradient and two of AdamW."""

_SIDES = (64, 128)
"""Crops that are tried, in pixels; what is kept of them grows with their area."""


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
