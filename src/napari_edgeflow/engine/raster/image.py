"""Any image array -> what the networks see, one window at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

_HALVED_PIXELS = 64_000_000
"""Images of at most this many pixels get a level of half their size; of larger ones
the first level is a quarter, to bound the memory."""

_LEAST_STEP = 2
"""How many times smaller a level is than the one before, or than the image."""

_TOP_SIDE = 512
"""Levels are added until both sides are at most this many pixels."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of an image, in whole pixels, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; the last two excluded."""
        return self.top, self.left, self.bottom, self.right

    @property
    def slices(self) -> tuple[slice, slice]:
        """What indexes the window out of an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, whole: "Window") -> tuple[slice, slice]:
        """Return what indexes the window out of an array of a larger one."""
        top, left = self.top - whole.top, self.left - whole.left
        return slice(top, top + self.height), slice(left, left + self.width)

    def moved(self, y: int, x: int) -> "Window":
        """Return the window moved down by y and right by x."""
        return Window(self.top + y, self.left + x, self.bottom + y, self.right + x)

    def union(self, other: "Window") -> "Window":
        """Return the smallest window that holds both."""
        return Window(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def meets(self, other: "Window") -> bool:
        """Return whether both have a pixel in common."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )

    def intersection(self, other: "Window") -> "Window":
        """Return what both have in common, if they meet."""
        return Window(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


def resize_image(
    image: NDArray[np.uint8], window: Window, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut a window out of an image (H, W, 3) uint8 and resize it.

    It is averaged where it shrinks. ``shape`` is the height and width of the result.
    """
    part = Image.fromarray(np.ascontiguousarray(image[window.slices]))
    size = (shape[1], shape[0])
    return np.asarray(part.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def resize_mask(
    mask: NDArray[np.bool_], window: Window, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Cut a window out of a mask (H, W) bool and resize it.

    Pixels that are half covered count as inside.
    """
    part = Image.fromarray(mask[window.slices].astype(np.uint8) * 255)
    size = (shape[1], shape[0])
    return np.asarray(part.resize(size, Image.Resampling.BILINEAR)) >= 128


def resize_labels(
    labels: NDArray[np.uint8], window: Window, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut a window out of labels (H, W) uint8 and resize it, to the nearest pixel."""
    part = Image.fromarray(np.ascontiguousarray(labels[window.slices]))
    return np.asarray(part.resize((shape[1], shape[0]), Image.Resampling.NEAREST))


_PART_VALUES = 1 << 24
"""Values that are looked at together."""

_LEAST_SPREAD = 24
"""Grey values of uint8 that are stretched at least: less is noise."""


class ImageReader:
    """Reads windows of an image of any size and type as (h, w, 3) uint8.

    The image is converted window by window and never copied as a whole; large ones
    get a pyramid of reduced copies, so that a window costs the same at any size.

    Parameters
    ----------
    image : array_like
        (H, W) or (H, W, C) of bool, integer or float; C = 1 is grey, 2 red and
        green, 3 RGB, 4 RGBA (alpha is ignored), and of more the first three count.
        NaN reads as black.
    limits : tuple of float, optional
        Values shown as black and as white. Default: :func:`full_limits`.

    Raises
    ------
    ValueError
        If the array is no 2-D image, has no pixels, or is not numeric.
    """

    def __init__(
        self, image: ArrayLike, limits: tuple[float, float] | None = None
    ) -> None:
        self._source = _as_channels(image)
        self.shape: tuple[int, int] = tuple(self._source.shape[:2])
        self.limits = limits if limits is not None else full_limits(image)
        self.found_nan = False
        """Whether a pixel that was read so far was NaN."""

    @classmethod
    def of(
        cls, image: "ArrayLike | ImageReader", limits: tuple[float, float] | None = None
    ) -> "ImageReader":
        """Return a reader as it is, or the one of an image."""
        return image if isinstance(image, ImageReader) else cls(image, limits)

    def prepare(self) -> None:
        """Make the reduced copies now, so that the first window does not wait."""
        _ = self._levels

    def read(self, window: Window, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Return ``window`` resized to ``shape`` as (h, w, 3) uint8."""
        shrinks = min(window.height / shape[0], window.width / shape[1])
        # Reduced copies are not made for who looks at pixels about as they are.
        levels = self._levels if shrinks >= _LEAST_STEP else []
        small_enough = [
            (factor, level) for factor, level in levels if factor <= shrinks
        ]
        if not small_enough:
            whole = Window(0, 0, window.height, window.width)
            return resize_image(_as_rgb(self._scaled(window)), whole, shape)
        factor, level = small_enough[-1]
        width, height = level.size
        box = (
            min(window.left / factor, width),
            min(window.top / factor, height),
            min(window.right / factor, width),
            min(window.bottom / factor, height),
        )
        size = (shape[1], shape[0])
        resized = level.resize(size, Image.Resampling.BILINEAR, box=box)
        return np.asarray(resized.convert("RGB"))

    def read_whole(self) -> NDArray[np.uint8]:
        """Return the whole image at its own size as (H, W, 3) uint8."""
        return self.read(Window(0, 0, *self.shape), self.shape)

    def _scaled(self, window: Window) -> NDArray[np.uint8]:
        """Return a window at full resolution as (h, w, 1 to 3) uint8."""
        part = np.asarray(self._source[window.slices])[..., :3]
        if part.dtype != np.uint8 or self.limits != (0.0, 255.0):
            low, high = self.limits
            scaled = (part.astype(np.float32) - low) * (255.0 / (high - low))
            self.found_nan = self.found_nan or bool(np.isnan(scaled).any())
            part = np.nan_to_num(scaled, nan=0.0).clip(0, 255).astype(np.uint8)
        return part

    @cached_property
    def _levels(self) -> list[tuple[int, Image.Image]]:
        """Return reduced copies of the image, each with how much smaller it is."""
        levels: list[tuple[int, Image.Image]] = []
        factor, (height, width) = 1, self.shape
        while max(height, width) > _TOP_SIDE:
            step = _LEAST_STEP if height * width <= _HALVED_PIXELS else 4
            level = levels[-1][1].reduce(step) if levels else self._reduced(step)
            factor *= step
            levels.append((factor, level))
            width, height = level.size
        return levels

    def _reduced(self, step: int) -> Image.Image:
        """Return the image averaged to a smaller size, grey if it is grey.

        It is made strip by strip to bound the memory.
        """
        height, width = self.shape
        grey = self._source.shape[2] == 1
        size = (-(-width // step), -(-height // step))
        result = Image.new("L" if grey else "RGB", size)
        rows = 256 * step
        for top in range(0, height, rows):
            strip = self._scaled(Window(top, 0, min(top + rows, height), width))
            part = Image.fromarray(strip[..., 0] if grey else _as_rgb(strip))
            result.paste(part.reduce(step), (0, top // step))
        return result


def _as_rgb(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (h, w, 1 to 3) as (h, w, 3): grey repeated, or blue left black."""
    if part.shape[2] == 1:
        return np.repeat(part, 3, axis=2)
    if part.shape[2] == 2:
        return np.concatenate([part, np.zeros_like(part[..., :1])], axis=2)
    return part


def _as_channels(image: ArrayLike) -> Any:
    """Return the array as (H, W, C); anything sliceable, so that dask stays lazy."""
    array: Any = image if hasattr(image, "dtype") else np.asarray(image)
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"images of type {array.dtype} are not supported: convert to uint8, "
            "uint16 or float32"
        )
    if array.ndim not in (2, 3):
        raise ValueError(
            f"an image has 2 dimensions, or 3 with channels last, not {array.ndim}: "
            "choose one slice"
        )
    if 0 in array.shape:
        raise ValueError(f"the image has no pixels: its shape is {tuple(array.shape)}")
    return array[:, :, None] if array.ndim == 2 else array


def full_limits(image: ArrayLike) -> tuple[float, float]:
    """Return the values of black and white of an image that nobody has adjusted.

    They are 0 and 255 for uint8, else the lowest and the highest value, as napari has
    it for a file that it opens.

    Parameters
    ----------
    image : array_like
        Of any shape; NaN and infinities do not count.
    """
    array: Any = image if hasattr(image, "dtype") else np.asarray(image)
    if array.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.inf, -np.inf
    for part in _parts(array):
        finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0
    return (low, high) if high > low else (min(low, 0.0), max(high, 1.0))


def _parts(array: Any) -> Iterator[NDArray[Any]]:
    """Yield an array in parts, the colours without alpha, to bound the memory."""
    if array.ndim > 3:
        for part in array:
            yield from _parts(part)
        return
    rows = max(1, _PART_VALUES * array.shape[0] // max(prod(array.shape), 1))
    for top in range(0, array.shape[0], rows):
        part = np.asarray(array[top : top + rows, :])
        yield part[..., :3] if part.ndim == 3 and part.shape[2] == 4 else part


def stretched_limits(
    image: ArrayLike, limits: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return values of black and white between which nearly all pixels lie.

    Parameters
    ----------
    image : array_like
        As :class:`ImageReader` takes it.
    limits : tuple of float, optional
        What a person has chosen; returned unless they are those that nobody has
        adjusted.
    """
    if limits is not None and limits != full_limits(image):
        return limits
    source = _as_channels(image)
    low, high = _spread(source)
    # The noise of an image with nothing on it is left alone.
    return low, max(high, low + (_LEAST_SPREAD if source.dtype == np.uint8 else 0))


def _spread(source: Any) -> tuple[float, float]:
    """Return the 0.1 and 99.9 percentiles of pixels, different from each other."""
    step = max(1, int((source.shape[0] * source.shape[1] / 1e6) ** 0.5))
    sample = np.asarray(source[::step, ::step, :3]).astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (0.1, 99.9)))
    return (low, high) if high > low else (low, low + 1.0)
