"""Changes of colour, light and angle that training makes to its crops."""

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision import tv_tensors
from torchvision.transforms import v2

from napari_edgeflow.engine.data.pairs import VOID

GREY = 127
"""Of what lies off an image."""

_TILT = v2.RandomApply(
    [
        v2.RandomRotation(
            10,
            interpolation=v2.InterpolationMode.BILINEAR,
            fill={tv_tensors.Image: GREY, tv_tensors.Mask: VOID},
        )
    ],
    p=0.3,
)
_COLOUR = v2.RandomApply(
    [v2.ColorJitter(brightness=0.35, contrast=0.35, saturation=0.35)], p=0.7
)
_RARE = v2.Compose(
    [
        v2.RandomApply([v2.ColorJitter(hue=0.05)], p=0.2),
        v2.RandomGrayscale(p=0.08),
        v2.RandomInvert(p=0.03),
        v2.RandomApply([v2.GaussianBlur(5, sigma=(0.3, 1.5))], p=0.1),
    ]
)


def recoloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) uint8 in other colours, sometimes grey or blurred.

    The changes are drawn from torch's global generator.
    """
    # A copy: torch warns of arrays that it may not write to.
    tensor = torch.from_numpy(image.copy()).permute(2, 0, 1)
    coloured: NDArray[np.uint8] = (
        _RARE(_COLOUR(tensor)).permute(1, 2, 0).contiguous().numpy()
    )
    return coloured


def tilted(
    image: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an image (H, W, 3) and its classes (H, W), sometimes a little turned.

    As a camera that is not held straight; grey and void where nothing is known. The
    angle is drawn from torch's global generator.
    """
    turned: tuple[tv_tensors.Image, tv_tensors.Mask] = _TILT(
        tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1)),
        tv_tensors.Mask(torch.from_numpy(target.copy())),
    )
    return turned[0].permute(1, 2, 0).contiguous().numpy(), turned[1].numpy()


def relit(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) uint8 as another exposure would have given it.

    Microscopes vary more than cameras do: one image may be ten times as bright as
    the next one of the same thing.
    """
    gain, gamma = np.exp(rng.uniform((-0.9, -0.3), (0.5, 0.3)))
    light = gain * np.linspace(0, 1, 256) ** gamma
    values = np.round(255 * np.minimum(light, 1)).astype(np.uint8)
    changed: NDArray[np.uint8] = values[image]
    return changed


def noisy(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) uint8 with grain, alike in all channels.

    Microscopes are short of light; without grain in training, a network finds
    objects in that of the dark background.
    """
    grain = rng.standard_normal(image.shape[:2], np.float32)
    grain *= np.exp(rng.uniform(np.log(2), np.log(20)))
    return (image + grain[..., None]).round().clip(0, 255).astype(np.uint8)


def exposed_again(
    image: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return what a microscope might have made of the same (H, W, 3) uint8."""
    if rng.random() < 0.5:
        image = relit(image, rng)
    return noisy(image, rng) if rng.random() < 0.3 else image
