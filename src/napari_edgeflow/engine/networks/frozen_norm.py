"""Training with frozen batch statistics in less time."""

import copy
from itertools import pairwise

import torch
from timm.layers.conv2d_same import Conv2dSame, conv2d_same
from torch import Tensor, nn
from torch.nn import functional

_TOLERANCE = 1e-3


class _FoldedConvolution(nn.Module):
    """A convolution and the normalisation after it, in one pass over the pixels.

    With frozen statistics the normalisation only scales and shifts each channel, so
    the (small) kernels are scaled instead of the (large) feature maps. Gradients
    reach the parameters of both modules as before.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = norm

    def forward(self, inputs: Tensor) -> Tensor:
        convolution, norm = self.convolution, self.norm
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            raise ValueError("a normalisation without statistics cannot be frozen")
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        weight = convolution.weight * scale[:, None, None, None]
        bias = norm.bias - mean * scale
        stride, dilation = _pair(convolution.stride), _pair(convolution.dilation)
        if isinstance(convolution, Conv2dSame):
            same: Tensor = conv2d_same(
                inputs, weight, bias, stride, (0, 0), dilation, convolution.groups
            )
            return same
        result: Tensor = functional.conv2d(
            inputs,
            weight,
            bias,
            stride,
            convolution.padding,
            dilation,
            convolution.groups,
        )
        return result


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def sharing_twin(model: nn.Module) -> nn.Module:
    """Return a copy of a network with the same parameters and buffers, not others."""
    shared = {id(t): t for t in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)


def with_folded_norms(model: nn.Module, frozen: nn.Module) -> nn.Module:
    """Return a twin of ``model`` that shares its parameters and runs faster.

    Wherever in ``frozen`` a normalisation directly follows a convolution, the twin
    does both in one pass, with the statistics there are now and later on. About a
    third of the time of a training step on a CPU was spent on these passes.

    Returns
    -------
    nn.Module
        Of the same class. Training it trains ``model``.
    """
    twin = sharing_twin(model)
    prefix = next(name for name, module in model.named_modules() if module is frozen)
    part = twin.get_submodule(prefix)
    for parent in list(part.modules()):
        _fold_children(parent)
    return twin


def _fold_children(parent: nn.Module) -> None:
    children = list(parent.named_children())
    for (name, first), (next_name, second) in pairwise(children):
        if not isinstance(first, nn.Conv2d) or not isinstance(second, nn.BatchNorm2d):
            continue
        if not _can_fold(first, second):
            continue
        setattr(parent, name, _FoldedConvolution(first, second))
        # timm's normalisation has the activation in it.
        rest = [getattr(second, key, nn.Identity()) for key in ("drop", "act")]
        setattr(parent, next_name, nn.Sequential(*rest))


def _can_fold(first: nn.Conv2d, second: nn.BatchNorm2d) -> bool:
    return (
        # Others may do more than convolve: those of smp's EfficientNets pad by tables.
        type(first) in (nn.Conv2d, Conv2dSame)
        and first.bias is None
        and first.padding_mode == "zeros"
        and first.out_channels == second.num_features
        and second.affine
        and second.track_running_stats
    )


def folds_exactly(model: nn.Module, twin: nn.Module, *examples: Tensor) -> bool:
    """Return whether both give the same result in evaluation mode.

    Children that follow each other in a module need not do so in its ``forward``;
    this tells. Both are left in evaluation mode.
    """
    with torch.inference_mode():
        pair = [network.eval()(*examples) for network in (model, twin)]
    expected, result = (out if isinstance(out, tuple) else (out,) for out in pair)
    return all(
        bool(torch.allclose(a, b, atol=_TOLERANCE, rtol=_TOLERANCE))
        for a, b in zip(expected, result, strict=True)
    )


def folded_if_exact(
    model: nn.Module, frozen: nn.Module, *examples: Tensor
) -> nn.Module:
    """Return the twin of :func:`with_folded_norms`, or ``model`` if it does not fit.

    Both are left in evaluation mode.
    """
    twin = with_folded_norms(model, frozen)
    return twin if folds_exactly(model, twin, *examples) else model


def train_except(model: nn.Module, frozen: str | None) -> None:
    """Put a network into training, but for the submodule of a name, if one is given."""
    model.train()
    if frozen is not None:
        model.get_submodule(frozen).eval()
