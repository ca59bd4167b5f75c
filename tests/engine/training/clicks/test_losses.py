import torch
from torch import Tensor

from napari_edgeflow.engine.training.clicks.losses import (
    balanced_region_loss,
    normalized_focal_loss,
)


def batch(values: list[float]) -> Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def test_focal_loss_by_hand() -> None:
    logits, target = batch([2.0, -1.0]), batch([1.0, 0.0])
    valid = torch.ones_like(target)
    losses = [-torch.tensor(p).log() for p in (0.880797, 0.731059)]
    weights = [(1 - 0.880797) ** 2, (1 - 0.731059) ** 2]
    scale = 2 / sum(weights)
    expected = (
        sum(0.5 * scale * w * x for w, x in zip(weights, losses, strict=True)) / 2
    )
    result = normalized_focal_loss(logits, target, valid)
    assert torch.isclose(result, torch.as_tensor(expected), rtol=1e-4)


def test_ignored_pixels_do_not_count() -> None:
    logits, target = batch([2.0, -1.0, 5.0]), batch([1.0, 0.0, 0.0])
    valid = batch([1.0, 1.0, 0.0])
    logits.requires_grad_()
    loss = normalized_focal_loss(logits, target, valid)
    short = normalized_focal_loss(logits[..., :2], target[..., :2], valid[..., :2])
    assert torch.isclose(loss, short)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[..., 2] == 0


def test_the_gradient_does_not_fade_as_the_mask_gets_good() -> None:
    gradients = []
    for confidence in (1.0, 4.0):
        logits = batch([confidence, -confidence]).requires_grad_()
        target = batch([1.0, 0.0])
        normalized_focal_loss(logits, target, torch.ones_like(target)).backward()
        assert logits.grad is not None
        probability = logits.detach().sigmoid()
        gradients.append(
            float(logits.grad.abs().sum()) / (1 - float(probability[..., 0]))
        )
    assert 0.5 < gradients[0] / gradients[1] < 2


def test_nothing_valid_gives_zero() -> None:
    zero = torch.zeros(2, 1, 3, 3)
    assert normalized_focal_loss(zero, zero, zero) == 0
    assert balanced_region_loss(torch.zeros(2, 2, 3, 3), zero, zero) == 0


def test_region_loss_wants_object_first() -> None:
    target = torch.ones(1, 1, 2, 2)
    right = torch.tensor([8.0, -8.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    assert balanced_region_loss(right, target, target) < 0.01
    assert balanced_region_loss(-right, target, target) > 5
