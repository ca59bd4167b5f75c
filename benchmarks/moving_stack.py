"""Stacks in which a real object moves over a real background, with the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import SimilarityTransform, warp


@dataclass(frozen=True, slots=True)
class Motion:
    """How the object changes from slice to slice.

    Parameters
    ----------
    slices : int
        Slices with the object, after the first.
    after : int
        Slices after the object vanished.
    speed : tuple of float
        Fewest and most pixels that it moves per slice.
    turn, growth, gain : float
        Most that it turns per slice, in degrees; that its size changes, as a share;
        and that the brightness of the whole slice differs, as a share.
    noise : float
        Standard deviation, in grey levels.
    """

    slices: int = 10
    after: int = 4
    speed: tuple[float, float] = (3.0, 10.0)
    turn: float = 3.0
    growth: float = 0.03
    gain: float = 0.08
    noise: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class MovingStack:
    """A stack and where the object is in it.

    Parameters
    ----------
    images : ndarray
        (N, H, W, 3) uint8.
    masks : ndarray
        (N, H, W) bool.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]


def moving_stack(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    background: NDArray[np.uint8],
    rng: np.random.Generator,
    motion: Motion | None = None,
    scale: float = 1.0,
) -> MovingStack:
    """Paste the object of an image on a background, slice by slice.

    Parameters
    ----------
    image : ndarray
        (h, w, 3) uint8.
    mask : ndarray
        (h, w) bool, the object.
    background : ndarray
        (H, W, 3) uint8.
    rng : Generator
        Where the motion, the noise and the brightness come from.
    motion : Motion, optional
        How it moves.
    scale : float
        Size of the object in the first slice, relative to the image.
    """
    motion = motion or Motion()
    ys, xs = np.nonzero(mask)
    centre = np.array((xs.mean(), ys.mean()))
    radius = scale * float(np.hypot(ys - centre[1], xs - centre[0]).max())
    path = _path(background.shape[:2], radius, motion, rng)
    angle, size = 0.0, scale
    images, masks = [], []
    for k in range(motion.slices + 1 + motion.after):
        slice_, truth = background.astype(np.float64), np.zeros(background.shape[:2])
        if k <= motion.slices:
            placed = SimilarityTransform(translation=-centre) + SimilarityTransform(
                scale=size, rotation=np.deg2rad(angle), translation=path[k]
            )
            slice_, truth = _pasted(slice_, image, mask, placed)
        images.append(_seen(slice_, motion, rng))
        masks.append(truth >= 0.5)
        angle += rng.uniform(-motion.turn, motion.turn)
        size *= 1 + rng.uniform(-motion.growth, motion.growth)
    return MovingStack(np.stack(images), np.stack(masks))


def _path(
    shape: tuple[int, ...], radius: float, motion: Motion, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (x, y) of the object in each slice; it turns back at the borders."""
    sides = np.array(shape[1::-1], float)
    low = np.minimum(radius * 0.8, sides / 2 - 1)
    at = rng.uniform(low, sides - low)
    heading = rng.uniform(0, 2 * np.pi)
    path = [at]
    for _ in range(motion.slices):
        heading += rng.uniform(-0.4, 0.4)
        step = rng.uniform(*motion.speed) * np.array((np.cos(heading), np.sin(heading)))
        beyond = (at + step < low) | (at + step > sides - low)
        step = np.where(beyond, -step, step)
        heading = float(np.arctan2(step[1], step[0]))
        at = at + step
        path.append(at)
    return np.array(path)


def _pasted(
    background: NDArray[np.float64],
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    placed: SimilarityTransform,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = background.shape[:2]
    inverse = placed.inverse
    cut = warp(image, inverse, output_shape=shape, order=1, preserve_range=True)
    soft = ndimage.gaussian_filter(mask.astype(np.float64), 0.7)
    alpha = warp(soft, inverse, output_shape=shape, order=1)[..., None]
    truth = warp(mask.astype(np.float64), inverse, output_shape=shape, order=1)
    return cut * alpha + background * (1 - alpha), truth


def _seen(
    slice_: NDArray[np.float64], motion: Motion, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a slice with another brightness and with noise."""
    lit = slice_ * (1 + rng.uniform(-motion.gain, motion.gain))
    noisy = lit + rng.normal(0, motion.noise, slice_.shape[:2])[..., None]
    return noisy.clip(0, 255).astype(np.uint8)
