"""Networks between the one that a training starts from and the one it ends with."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class StartBlend:
    """Mixes what was learned with what was known before.

    A network that is fine-tuned on little data forgets some of the rest; one whose
    weights lie between the old and the new ones is often better than both, on the
    new data too. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.

    Parameters
    ----------
    start : nn.Module
        The network before its training; its weights are copied if need be.
    shares : sequence of float
        Those that will be asked for.
    """

    def __init__(self, start: nn.Module, shares: Sequence[float]) -> None:
        self._start: dict[str, Tensor] = {}
        if min(shares) < 1:
            state = start.state_dict()
            self._start = {name: value.clone() for name, value in state.items()}

    def __call__(self, trained: nn.Module, share: float) -> nn.Module:
        """Return a mixture: ``trained`` itself with a share of 1, else a copy.

        Parameters
        ----------
        trained : nn.Module
            The network after its training; not changed.
        share : float
            How far the result is from the start, 0..1; one of those named before.
        """
        if share == 1:
            return trained
        result = copy.deepcopy(trained)
        with torch.no_grad():
            for name, value in result.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(self._start[name].to(value), 1 - share)
        return result
