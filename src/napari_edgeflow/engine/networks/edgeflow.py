"""EdgeFlow: interactive segmentation guided by the edge of its own last result.

Hao et al., "EdgeFlow: Achieving Practical Interactive Segmentation with Edge-Guided
Flow", ICCV 2021 workshop ILDAV, arXiv 2109.09406. Written from the paper's
description; where this network departs from it, the comment says so.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

INTERACTION_CHANNELS = 3
"""Positive clicks, negative clicks and the edge of the last result."""


@dataclass(frozen=True, slots=True)
class EdgeFlowConfig:
    """What an EdgeFlow network is built from.

    Parameters
    ----------
    backbone : str
        Name of a timm backbone that can return features and names its first
        convolution.
    channels : int
        Channels of the fused stride-4 features.
    edge_channels : int
        Channels of the edge features that the flow aligns.
    ocr_channels : int
        Channels of the object-contextual representation (key and value).
    fine_channels : int
        Channels of the fine net.

    Raises
    ------
    ValueError
        If a value is not of its type, or a number of channels is none.
    """

    backbone: str = "tf_efficientnet_lite0"
    channels: int = 64
    edge_channels: int = 16
    ocr_channels: int = 32
    fine_channels: int = 16

    def __post_init__(self) -> None:
        """Check the values once: they come from files."""
        for name, value in asdict(self).items():
            if name == "backbone":
                good, wanted = isinstance(value, str), "the name of a network of timm"
            else:
                good = isinstance(value, int) and value > 0
                wanted = "a whole number over 0"
            if not good:
                raise ValueError(f"{name} is {value!r:.50}: use {wanted}")


CONFIGS = {
    "edgeflow-lite": EdgeFlowConfig(),
    "edgeflow-hrnet18": EdgeFlowConfig(
        backbone="hrnet_w18",
        channels=128,
        edge_channels=32,
        ocr_channels=64,
        fine_channels=32,
    ),
}


class EdgeFlowOutput(NamedTuple):
    """Logits of one forward pass; all three are trained, only ``fine`` is used."""

    fine: Tensor
    coarse: Tensor
    regions: Tensor


def conv_block(
    in_channels: int, out_channels: int, kernel: int = 3, dilation: int = 1
) -> nn.Sequential:
    """Return convolution, batch norm and ReLU that keep height and width."""
    return nn.Sequential(
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=False,
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def resize_to(features: Tensor, like: Tensor) -> Tensor:
    """Resize ``features`` bilinearly to the height and width of ``like``."""
    return functional.interpolate(
        features, size=like.shape[-2:], mode="bilinear", align_corners=False
    )


def _start_at_zero(layer: nn.Module) -> None:
    """Set a layer's weights to zero, so that its branch begins by adding nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class InteractiveStem(nn.Module):
    """Early fusion: the backbone's first convolution plus a branch for the clicks.

    Takes the image and the interaction maps as one tensor (N, 3 + 3, H, W). The
    branch ends in zeros, so that training starts from the backbone as it was.
    """

    def __init__(self, stem: nn.Conv2d) -> None:
        super().__init__()
        self.image = stem
        self.interaction = nn.Sequential(
            nn.Conv2d(
                INTERACTION_CHANNELS, 16, 3, stride=int(stem.stride[0]), padding=1
            ),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, stem.out_channels, 1),
        )
        _start_at_zero(self.interaction[-1])

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the sum of both branches at the stem's stride."""
        image, interaction = inputs[:, :3], inputs[:, 3:]
        return self.image(image) + self.interaction(interaction)  # type: ignore[no-any-return]


class Neck(nn.Module):
    """Projects the backbone's features of strides 4 to 32 and sums them at stride 4."""

    def __init__(self, in_channels: list[int], channels: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels)
            )
            for width in in_channels
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return (N, channels, H / 4, W / 4) of a list from fine to coarse."""
        # From the coarsest up, one octave at a time: smoother than one big
        # enlargement, and the same cost.
        total = self.projections[-1](features[-1])
        pairs = zip(
            reversed(list(self.projections)[:-1]), reversed(features[:-1]), strict=True
        )
        for project, feature in pairs:
            total = project(feature) + resize_to(total, feature)
        return functional.relu(total)


class EdgeFlowAlignment(nn.Module):
    """Warps edge features onto the image features by a flow predicted from both.

    The flow is in pixels of the feature map. Same idea as the semantic flow of
    Li et al., "Semantic Flow for Fast and Accurate Scene Parsing", ECCV 2020.
    """

    def __init__(self, channels: int, edge_channels: int) -> None:
        super().__init__()
        self.edge = nn.Sequential(
            conv_block(1, edge_channels), conv_block(edge_channels, edge_channels)
        )
        self.flow = nn.Sequential(
            conv_block(channels + edge_channels, edge_channels),
            nn.Conv2d(edge_channels, 2, 3, padding=1),
        )
        self.expand = nn.Conv2d(edge_channels, channels, 1)
        _start_at_zero(self.flow[-1])

    def forward(self, features: Tensor, edge: Tensor) -> Tensor:
        """Return ``features`` (N, C, h, w) plus the aligned features of ``edge``."""
        edge_features = self.edge(edge)
        flow = self.flow(torch.cat([features, edge_features], dim=1))
        warped = functional.grid_sample(
            edge_features,
            _sampling_grid(flow),
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        return features + self.expand(warped)  # type: ignore[no-any-return]


def _sampling_grid(flow: Tensor) -> Tensor:
    """Return where to sample, in -1..1, for a flow (N, 2, h, w) in pixels (x, y)."""
    height, width = flow.shape[-2:]
    ys = (torch.arange(height, device=flow.device, dtype=flow.dtype) + 0.5) / height
    xs = (torch.arange(width, device=flow.device, dtype=flow.dtype) + 0.5) / width
    x = 2 * (xs[None, None, :] + flow[:, 0] / width) - 1
    y = 2 * (ys[None, :, None] + flow[:, 1] / height) - 1
    return torch.stack([x, y], dim=-1)


class ObjectContext(nn.Module):
    """OCR head with two soft regions, object and background.

    Yuan et al., "Object-Contextual Representations for Semantic Segmentation",
    ECCV 2020: each pixel is described by the regions that it is like.
    """

    def __init__(self, channels: int, ocr_channels: int) -> None:
        super().__init__()
        self.regions = nn.Conv2d(channels, 2, 1)
        self.pixels = conv_block(channels, ocr_channels, kernel=1)
        self.query = nn.Conv2d(ocr_channels, ocr_channels, 1)
        self.key = nn.Conv1d(channels, ocr_channels, 1)
        self.value = nn.Conv1d(channels, ocr_channels, 1)
        self.merge = conv_block(channels + ocr_channels, channels, kernel=1)
        self.scale = ocr_channels**-0.5

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the augmented features and the region logits (N, 2, h, w)."""
        logits = self.regions(features)
        flat = features.flatten(2)
        weights = logits.flatten(2).softmax(dim=2)
        regions = torch.bmm(flat, weights.transpose(1, 2))
        query = self.query(self.pixels(features))
        relation = torch.bmm(query.flatten(2).transpose(1, 2), self.key(regions))
        attention = (relation * self.scale).softmax(dim=2)
        context = torch.bmm(self.value(regions), attention.transpose(1, 2))
        context = context.view_as(query)
        return self.merge(torch.cat([features, context], dim=1)), logits


class FineNet(nn.Module):
    """Three atrous blocks at stride 2 that correct the coarse logits."""

    def __init__(self, feature_channels: int, channels: int) -> None:
        super().__init__()
        self.project = conv_block(feature_channels, channels, kernel=1)
        inputs = channels + 1 + 3 + INTERACTION_CHANNELS
        self.blocks = nn.Sequential(
            conv_block(inputs, channels, dilation=1),
            conv_block(channels, channels, dilation=2),
            conv_block(channels, channels, dilation=4),
        )
        self.correction = nn.Conv2d(channels, 1, 1)
        _start_at_zero(self.correction)

    def forward(self, coarse: Tensor, features: Tensor, inputs: Tensor) -> Tensor:
        """Return logits at the stride of ``features``."""
        enlarged = resize_to(coarse, features)
        parts = [
            self.project(features),
            enlarged.clamp(-8.0, 8.0) / 4.0,
            resize_to(inputs, features),
        ]
        return enlarged + self.correction(self.blocks(torch.cat(parts, dim=1)))  # type: ignore[no-any-return]


class EdgeFlow(nn.Module):
    """The whole network: coarse net with edge flow and OCR, then the fine net.

    Raises
    ------
    ValueError
        If timm does not know the backbone, or its first layer is no convolution.
    """

    backbone: Any  # timm's feature extractors share no public class
    mean: Tensor
    std: Tensor

    def __init__(self, config: EdgeFlowConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _interactive_backbone(config.backbone)
        widths = self.backbone.feature_info.channels()
        channels = config.channels
        normalisation = timm.get_pretrained_cfg(config.backbone)
        for key in ("mean", "std"):
            values = torch.tensor(getattr(normalisation, key)).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)
        self.neck = Neck(widths[1:], channels)
        self.late = nn.Sequential(
            conv_block(INTERACTION_CHANNELS, 16), nn.Conv2d(16, channels, 1)
        )
        self.alignment = EdgeFlowAlignment(channels, config.edge_channels)
        self.mix = conv_block(channels, channels)
        self.context = ObjectContext(channels, config.ocr_channels)
        self.coarse = nn.Conv2d(channels, 1, 1)
        self.fine = FineNet(widths[0], config.fine_channels)

    def forward(self, image: Tensor, interaction: Tensor) -> EdgeFlowOutput:
        """Segment one object in each image.

        Parameters
        ----------
        image : Tensor
            (N, 3, H, W) float32, RGB in 0..1; H and W multiples of 32.
        interaction : Tensor
            (N, 3, H, W) float32: disks of positive clicks, disks of negative clicks
            (both 0 or 1), edge of the last result (-1, 0 or 1).

        Returns
        -------
        EdgeFlowOutput
            Logits: fine (N, 1, H, W), coarse (N, 1, H / 4, W / 4) and the two OCR
            regions, object first (N, 2, H / 4, W / 4).
        """
        inputs = torch.cat([(image - self.mean) / self.std, interaction], dim=1)
        stride2, *pyramid = self.backbone(inputs)
        features = self.neck(pyramid)
        # Twice the mean: thin edges and small disks keep some of their strength.
        clicks = 2 * functional.avg_pool2d(interaction, 4)
        features = features + self.late(clicks)
        features = self.alignment(features, clicks[:, 2:])
        features, regions = self.context(self.mix(features))
        coarse = self.coarse(features)
        fine = self.fine(coarse, stride2, inputs)
        return EdgeFlowOutput(resize_to(fine, image), coarse, regions)


def _interactive_backbone(name: str) -> Any:
    """Return a timm feature extractor whose stem also takes the interaction maps."""
    # Names of folders and of servers are none of timm's either: nothing is fetched.
    if not timm.is_model(name):
        raise ValueError(
            f"unknown backbone {name!r:.100}: choose one of timm.list_models(), "
            "such as 'tf_efficientnet_lite0'"
        )
    backbone: Any = timm.create_model(name, features_only=True, pretrained=False)
    # timm replaces the dots where it flattens a model into a list of stages.
    first = str(getattr(timm.get_pretrained_cfg(name), "first_conv", ""))
    modules = dict(backbone.named_modules())
    path = first if first in modules else first.replace(".", "_")
    stem = modules.get(path)
    if not isinstance(stem, nn.Conv2d) or backbone.feature_info.reduction()[0] != 2:
        raise ValueError(
            f"backbone {name!r} does not start with a convolution of stride 2: "
            "choose another, such as 'resnet18'"
        )
    backbone.set_submodule(path, InteractiveStem(stem))
    return backbone
