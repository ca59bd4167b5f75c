import pytest
import torch
from torch import nn

from napari_edgeflow.engine.training.run import StartBlend


def network(weight: float, mean: float) -> nn.Module:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.fill_(mean if name.endswith("running_mean") else weight)
    return model


def test_a_blend_lies_between_start_and_result() -> None:
    start, trained = network(1.0, 10.0), network(2.0, 20.0)
    blend = StartBlend(start, [0.25])
    # It is what the start was, not what it becomes.
    with torch.no_grad():
        start[0].weight.fill_(-5)
    state = blend(trained, 0.25).state_dict()
    assert state["0.weight"].item() == pytest.approx(1.25)
    assert state["1.running_mean"].item() == pytest.approx(12.5)
    assert trained[0].weight.item() == 2


def test_without_a_blend_it_is_the_network_itself() -> None:
    trained = network(2.0, 20.0)
    assert StartBlend(network(1.0, 10.0), [1])(trained, 1) is trained
