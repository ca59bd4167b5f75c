import pytest
import torch
from torch import Tensor
from torch.nn import functional

from napari_edgeflow.engine.networks.depthwise import convolve

CHANNELS = 6


def gradients(
    convolution: object, shape: tuple[int, int], bias: bool, *where: object
) -> tuple[Tensor, list[Tensor]]:
    """The result, and what reaches input, kernel and bias."""
    random = torch.Generator().manual_seed(0)

    def drawn(*size: int) -> Tensor:
        values = torch.randn(*size, generator=random, dtype=torch.float64)
        return values.requires_grad_()

    given = [drawn(2, CHANNELS, 11, 14), drawn(CHANNELS, 1, *shape)]
    if bias:
        given.append(drawn(CHANNELS))
    image, kernel, *offset = given
    result = convolution(image, kernel, offset[0] if bias else None, *where)  # type: ignore[operator]
    result.square().sum().backward()
    return result, [value.grad for value in given if value.grad is not None]


def is_ours(result: Tensor) -> bool:
    assert result.grad_fn is not None
    return "DilatedDepthwise" in result.grad_fn.name()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("shape", "padding", "dilation"),
    [((5, 5), (4, 4), (2, 2)), ((3, 3), (6, 6), (6, 6)), ((3, 5), (2, 6), (2, 3))],
)
def test_results_and_gradients_are_those_of_torch(
    shape: tuple[int, int], padding: object, dilation: object, bias: bool
) -> None:
    where = ((1, 1), padding, dilation, CHANNELS)
    expected, slow = gradients(functional.conv2d, shape, bias, *where)
    result, quick = gradients(convolve, shape, bias, *where)
    assert is_ours(result)
    assert torch.allclose(result, expected)
    assert len(quick) == len(slow) == 2 + bias
    for one, other in zip(quick, slow, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize(
    ("shape", "where"),
    [
        ((3, 3), ((1, 1), (1, 1), (1, 1), CHANNELS)),
        ((3, 3), ((2, 2), (2, 2), (2, 2), CHANNELS)),
        ((3, 3), ((1, 1), (1, 1), (2, 2), CHANNELS)),
        ((4, 4), ((1, 1), (3, 3), (2, 2), CHANNELS)),
        ((3, 3), ((1, 1), "same", (2, 2), CHANNELS)),
    ],
)
def test_others_are_left_to_torch(
    shape: tuple[int, int], where: tuple[object, ...]
) -> None:
    result, _ = gradients(convolve, shape, True, *where)
    assert not is_ours(result)
    expected, _ = gradients(functional.conv2d, shape, True, *where)
    assert torch.equal(result, expected)
