import pytest
import torch
from torch import nn

from napari_edgeflow.engine.networks.edgeflow import (
    CONFIGS,
    EdgeFlow,
    EdgeFlowConfig,
    InteractiveStem,
)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_named_networks_give_logits_of_the_inputs_size(name: str) -> None:
    model = EdgeFlow(CONFIGS[name]).eval()
    with torch.inference_mode():
        output = model(torch.rand(1, 3, 64, 96), torch.zeros(1, 3, 64, 96))
    assert output.fine.shape == (1, 1, 64, 96)
    assert output.coarse.shape == (1, 1, 16, 24)
    assert output.regions.shape == (1, 2, 16, 24)


def test_the_lite_network_is_small() -> None:
    model = EdgeFlow(CONFIGS["edgeflow-lite"])
    assert 2.5e6 < sum(p.numel() for p in model.parameters()) < 3.5e6


@pytest.mark.parametrize("backbone", ["resnet10t", "mobilenetv3_small_050"])
def test_other_timm_backbones_work(backbone: str) -> None:
    model = EdgeFlow(EdgeFlowConfig(backbone, 8, 4, 4, 4)).eval()
    output = model(torch.rand(2, 3, 32, 32), torch.zeros(2, 3, 32, 32))
    assert output.fine.shape == (2, 1, 32, 32)


@pytest.mark.parametrize("backbone", ["no_such_net", "convnext_atto"])
def test_a_backbone_that_does_not_fit_is_refused(backbone: str) -> None:
    with pytest.raises(ValueError, match=backbone):
        EdgeFlow(EdgeFlowConfig(backbone))


def test_early_fusion_starts_as_the_plain_backbone() -> None:
    convolution = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    stem = InteractiveStem(convolution)
    image, clicks = torch.rand(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    assert torch.equal(stem(torch.cat([image, clicks], 1)), convolution(image))


def test_every_part_of_the_interaction_reaches_the_result(tiny_model: EdgeFlow) -> None:
    image = torch.rand(1, 3, 64, 64)
    interaction = torch.zeros(1, 3, 64, 64, requires_grad=True)
    output = tiny_model(image, interaction)
    for logits in output:
        (gradient,) = torch.autograd.grad(logits.sum(), interaction, retain_graph=True)
        assert torch.all(gradient.abs().sum(dim=(0, 2, 3)) > 0)


def test_every_parameter_learns(tiny_model: EdgeFlow) -> None:
    tiny_model.train()
    output = tiny_model(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64))
    sum(logits.square().sum() for logits in output).backward()
    unused = [n for n, p in tiny_model.named_parameters() if p.grad is None]
    assert unused == []
