"""Losses: pure functions of logits and targets."""

import torch
from torch import Tensor
from torch.nn import functional


def normalized_focal_loss(
    logits: Tensor,
    target: Tensor,
    valid: Tensor,
    *,
    alpha: float = 0.5,
    gamma: float = 2.0,
) -> Tensor:
    """Focal loss divided by each image's sum of focal weights.

    The division keeps the gradient from fading as the mask gets good; Sofiiuk et
    al., "AdaptIS", ICCV 2019, and the loss of EdgeFlow.

    Parameters
    ----------
    logits : Tensor
        (N, 1, H, W) float.
    target : Tensor
        (N, 1, H, W) float, 0 or 1.
    valid : Tensor
        (N, 1, H, W) float, 0 where the pixel is ignored.
    alpha : float
        Weight of the object; the background has ``1 - alpha``.
    gamma : float
        How strongly easy pixels are played down.

    Returns
    -------
    Tensor
        Scalar: the mean over the images.
    """
    cross_entropy = functional.binary_cross_entropy_with_logits(
        logits, target, reduction="none"
    )
    balance = alpha * target + (1 - alpha) * (1 - target)
    with torch.no_grad():
        wrong = 1 - torch.exp(-cross_entropy)
        weight = wrong.pow(gamma) * valid
        dims = (1, 2, 3)
        pixels = valid.sum(dims, keepdim=True)
        scale = pixels / weight.sum(dims, keepdim=True).clamp_min(1e-6)
        # A mask that is already right everywhere would be blown up without limit.
        weight = weight * scale.clamp_max(1e4)
    per_image = (weight * balance * cross_entropy).sum(
        dims
    ) / pixels.flatten().clamp_min(1)
    return per_image.mean()


def balanced_region_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of the two OCR regions (object first) against the mask.

    Parameters
    ----------
    logits : Tensor
        (N, 2, h, w): object and background region.
    target, valid : Tensor
        (N, 1, h, w) as in :func:`normalized_focal_loss`.

    Returns
    -------
    Tensor
        Scalar mean over the valid pixels.
    """
    both = torch.cat([target, 1 - target], dim=1)
    loss = functional.binary_cross_entropy_with_logits(logits, both, reduction="none")
    return (loss * valid).sum() / (2 * valid.sum()).clamp_min(1)
