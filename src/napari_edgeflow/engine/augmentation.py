"""Changes of colour and light that training makes to its crops."""

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

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
