"""EdgeFlow rearranged for ONNX Runtime: the same function, in less time.

ONNX Runtime keeps feature maps in blocks of 8 or 16 channels; maps of other numbers of
channels are rearranged before and after each convolution, which costs more than the
convolution itself.
"""

import copy
from typing import Any

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from napari_edgeflow.engine.networks.edgeflow import (
    INTERACTION_CHANNELS,
    EdgeFlow,
    FineNet,
    InteractiveStem,
    resize_to,
)


class ExportedFineNet(nn.Module):
    """The fine net with its first convolution taken apart.

    A convolution of concatenated maps is the sum of convolutions of each; here of the
    projected features, which fill whole blocks, and of the few maps beside them.
    """

    def __init__(self, fine: FineNet) -> None:
        super().__init__()
        self.project = fine.project
        first: Any = fine.blocks[0]
        convolution, norm = first[0], first[1]
        weight, bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        projected = convolution.in_channels - (1 + 3 + INTERACTION_CHANNELS)
        self.of_features = _convolution(weight[:, :projected], None)
        self.of_maps = _convolution(weight[:, projected:], bias)
        self.rest = fine.blocks[1:]
        self.correction = fine.correction

    def forward(self, coarse: Tensor, features: Tensor, inputs: Tensor) -> Tensor:
        """Return what :meth:`FineNet.forward` returns."""
        enlarged = resize_to(coarse, features)
        # Halving bilinearly is the mean of four pixels.
        maps = [enlarged.clamp(-8.0, 8.0) / 4.0, functional.avg_pool2d(inputs, 2)]
        first = self.of_features(self.project(features))
        first = functional.relu(first + self.of_maps(torch.cat(maps, dim=1)))
        return enlarged + self.correction(self.rest(first))  # type: ignore[no-any-return]


def _convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return a convolution that keeps height and width, with these weights."""
    outputs, inputs, size, _ = weight.shape
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def for_export(model: EdgeFlow) -> EdgeFlow:
    """Return a copy of a network in evaluation mode that exports better."""
    twin = copy.deepcopy(model).eval()
    twin.fine = ExportedFineNet(twin.fine)  # type: ignore[assignment]
    for name, module in list(twin.backbone.named_modules()):
        parent = twin.backbone.get_submodule(name.rpartition(".")[0])
        norm = getattr(parent, "bn1", None)
        if isinstance(module, InteractiveStem) and isinstance(norm, BatchNormAct2d):
            _fold_into_stem(module, norm)
            parent.bn1 = norm.act
    return twin


@torch.no_grad()
def _fold_into_stem(stem: InteractiveStem, norm: Any) -> None:
    """Scale and shift the stem's convolutions as the normalisation after it does."""
    image: Any = stem.image
    last: Any = stem.interaction[-1]
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    image.weight *= scale[:, None, None, None]
    last.weight *= scale[:, None, None, None]
    last.bias.copy_((last.bias - norm.running_mean) * scale + norm.bias)
