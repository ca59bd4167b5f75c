import copy

import pytest
import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.base import SegmentationModel
from torch import Tensor, nn

from napari_edgeflow.engine.networks.frozen_norm import (
    _FoldedConvolution,
    folds_exactly,
    with_folded_norms,
)

PIXELS = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))


@pytest.fixture(params=["lite", "tiny", "resnet"])
def model(
    request: pytest.FixtureRequest,
    lite_semantic: SegmentationModel,
    tiny_semantic: SegmentationModel,
) -> SegmentationModel:
    """Convolutions padded as TensorFlow does, plain ones, and those with shortcuts."""
    if request.param == "resnet":
        torch.manual_seed(0)
        channels = (8, 8, 8, 8, 8)
        return smp.Unet(
            "tu-test_resnet",
            encoder_weights=None,
            decoder_channels=channels,
            classes=4,
        )
    return copy.deepcopy({"lite": lite_semantic, "tiny": tiny_semantic}[request.param])


def folded(module: nn.Module) -> int:
    return sum(isinstance(m, _FoldedConvolution) for m in module.modules())


def frozen(model: nn.Module) -> None:
    """Put a network into training with frozen statistics of its encoder."""
    model.train()
    model.get_submodule("encoder").eval()


def test_it_gives_the_same_in_evaluation(model: SegmentationModel) -> None:
    twin = with_folded_norms(model, model.encoder)
    assert type(twin) is type(model)
    assert folded(model) == folded(twin.get_submodule("decoder")) == 0
    assert folded(twin.get_submodule("encoder")) >= 8
    with torch.inference_mode():
        expected, found = model.eval()(PIXELS), twin.eval()(PIXELS)
    assert expected.std() > 1e-3
    assert (expected - found).abs().max() < 1e-4 * expected.abs().max()
    assert folds_exactly(model, twin, PIXELS)


class Padded(nn.Conv2d):
    """Pads by itself, as the convolutions of smp's EfficientNets do."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(inputs, (1, 1, 1, 1)))


def test_convolutions_that_do_more_are_left_as_they_are() -> None:
    model = nn.Sequential(
        nn.Sequential(Padded(3, 4, 3, bias=False), nn.BatchNorm2d(4)),
        nn.Conv2d(4, 4, 3, bias=False),
        nn.BatchNorm2d(4),
    )
    twin = with_folded_norms(model, model)
    assert folded(twin[0]) == 0
    assert folded(twin) == 1
    assert folds_exactly(model, twin, PIXELS)


def test_it_shares_parameters_and_statistics(model: SegmentationModel) -> None:
    before = {name: t.clone() for name, t in model.state_dict().items()}
    twin = with_folded_norms(model, model.encoder)
    assert {id(p) for p in twin.parameters()} == {id(p) for p in model.parameters()}
    assert {id(b) for b in twin.buffers()} == {id(b) for b in model.buffers()}
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(model.state_dict()[name], t) for name, t in before.items())
    with torch.no_grad():
        next(twin.parameters()).add_(1)
    assert not torch.equal(next(model.parameters()), next(iter(before.values())))


def test_gradients_are_those_of_the_network(model: SegmentationModel) -> None:
    # In double precision: rounding would turn activations on and off.
    model.double()
    twin = with_folded_norms(model, model.encoder)
    gradients = []
    for network in (model, twin):
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        frozen(network)
        model.zero_grad()
        network(PIXELS.double()).square().sum().backward()
        gradients.append({n: p.grad for n, p in model.named_parameters()})
    for name, expected in gradients[0].items():
        found = gradients[1][name]
        assert expected is not None
        assert found is not None
        assert found is not expected
        assert torch.allclose(expected, found, rtol=1e-6, atol=1e-9), name
    assert any(gradient.any() for gradient in gradients[0].values())


def test_training_the_twin_trains_the_network(model: SegmentationModel) -> None:
    twin = with_folded_norms(model, model.encoder)
    kept = copy.deepcopy(model)
    statistics = {
        name: buffer.clone() for name, buffer in model.encoder.named_buffers()
    }
    frozen(model)
    frozen(twin)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    twin(PIXELS).square().mean().backward()
    optimizer.step()
    changed = [
        name
        for name, parameter in model.named_parameters()
        if not torch.equal(parameter, kept.get_parameter(name))
    ]
    assert any(name.startswith("encoder") for name in changed)
    assert any(name.startswith("decoder") for name in changed)
    assert all(
        torch.equal(buffer, statistics[name])
        for name, buffer in model.encoder.named_buffers()
    )
    # The decoder goes on gathering its statistics, in the network too.
    assert any(
        not torch.equal(buffer, kept.get_buffer(name))
        for name, buffer in model.named_buffers()
        if name.startswith("decoder")
    )
    assert folds_exactly(model, twin, PIXELS)


def test_a_copy_of_the_network_is_its_own(model: SegmentationModel) -> None:
    twin = with_folded_norms(model, model.encoder)
    duplicate = copy.deepcopy(model)
    before = {name: t.clone() for name, t in duplicate.state_dict().items()}
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert all(torch.equal(duplicate.state_dict()[n], t) for n, t in before.items())


class OtherOrder(nn.Module):
    """Uses its normalisation first, though it comes second."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, bias=False)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.convolution(self.norm(inputs))


class WithEncoder(nn.Module):
    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, inputs: Tensor) -> Tensor:
        return self.encoder(inputs)


def shifted(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """Give a normalisation statistics that make a difference."""
    assert norm.running_mean is not None
    norm.running_mean += 3
    return norm


def test_children_in_another_order_are_told() -> None:
    encoder = OtherOrder()
    shifted(encoder.norm)
    model = WithEncoder(encoder)
    twin = with_folded_norms(model, encoder)
    assert folded(twin) == 1
    assert not folds_exactly(model, twin, PIXELS)
    assert folds_exactly(model, copy.deepcopy(model), PIXELS)


def test_every_result_of_several_is_compared() -> None:
    class Two(WithEncoder):
        def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return first, self.encoder(second)

    right = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), shifted(nn.BatchNorm2d(4)))
    for encoder, same in ((right, True), (OtherOrder(), False)):
        if isinstance(encoder, OtherOrder):
            shifted(encoder.norm)
        model = Two(encoder)
        twin = with_folded_norms(model, encoder)
        assert folded(twin) == 1
        assert folds_exactly(model, twin, PIXELS, PIXELS) is same


@pytest.mark.parametrize(
    "pair",
    [
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
        (nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False)),
        (nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, track_running_stats=False)),
        (
            nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect", bias=False),
            nn.BatchNorm2d(4),
        ),
        (nn.Conv2d(3, 4, 3, bias=False), nn.ReLU()),
    ],
)
def test_pairs_that_cannot_be_folded_are_left(pair: tuple[nn.Module, ...]) -> None:
    encoder = nn.Sequential(*pair)
    model = WithEncoder(encoder)
    twin = with_folded_norms(model, encoder)
    assert folded(twin) == 0
    assert folds_exactly(model, twin, PIXELS)


def test_strides_groups_and_dilation_are_kept() -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False),
        shifted(nn.BatchNorm2d(6)),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3, bias=False),
        shifted(nn.BatchNorm2d(6)),
        nn.Conv2d(6, 2, 1, padding="same", bias=False),
        shifted(nn.BatchNorm2d(2)),
    )
    model = WithEncoder(encoder)
    twin = with_folded_norms(model, encoder)
    assert folded(twin) == 3
    assert folds_exactly(model, twin, PIXELS)


def test_only_what_is_frozen_is_folded(tiny_semantic: SegmentationModel) -> None:
    twin = with_folded_norms(tiny_semantic, tiny_semantic.decoder)
    assert folded(twin.get_submodule("encoder")) == 0
    assert folded(twin.get_submodule("decoder")) > 0
