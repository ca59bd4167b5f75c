import torch
from torch import nn

from napari_edgeflow.engine.training.step_memory import step_memory


def network() -> nn.Module:
    """Keeps its input and what is after the activation: 3 + 8 values of a pixel."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 1, 3, padding=1, bias=False),
    )


def needed(model: nn.Module, crops: int, side: int) -> int:
    return step_memory(model, lambda s: model(torch.zeros(1, 3, s, s)), crops, side)


def test_it_is_what_the_forward_pass_keeps_and_what_comes_with_weights() -> None:
    weights = 3 * 8 * 9 + 8 * 9
    kept = 4 * (3 + 8) * 320**2 * 16
    assert needed(network(), 16, 320) == 3 * 4 * weights + 1.5 * kept


def test_statistics_and_modes_are_as_before() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert needed(model, 1, 64) > 0
    assert [module.training for module in model] == [True, False, True]
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
