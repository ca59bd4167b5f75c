"""Crops of images with a class for every pixel, rare classes more often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from napari_edgeflow.engine.data.augmentation import (
    GREY,
    exposed_again,
    recoloured,
    tilted,
)
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.recent_images import RecentImages
from napari_edgeflow.engine.raster.image import Window, resize_image, resize_labels
from napari_edgeflow.engine.training.semantic.source import SemanticSource


@dataclass(frozen=True, slots=True)
class SemanticSampleSettings:
    """How crops are drawn.

    Parameters
    ----------
    size : int
        Height and width of a crop in pixels.
    reach : tuple of float
        Least and greatest side of the part cut out, as a share of the longest side
        of its image; what lies outside of the image is void.
    stretch : float
        Greatest relative change of height against width.
    balance : float
        0 draws all classes equally often, 1 as often as they have images.
    centred : float
        Probability that a crop is sure to hold a pixel of the class it was drawn
        for.
    paste : float
        Probability that the objects of a second crop are laid over the first
        (Ghiasi et al., "Simple Copy-Paste", CVPR 2021).
    base : int or None
        Side in pixels that ``reach`` is a share of, instead of each image's longest
        side: for networks that see pixels as they are.
    microscopy : bool
        Whether no way is up, and light differs much between images.
    """

    size: int = 256
    reach: tuple[float, float] = (0.4, 1.25)
    stretch: float = 0.2
    balance: float = 0.3
    centred: float = 0.7
    paste: float = 0.25
    base: int | None = None
    microscopy: bool = False

    @classmethod
    def suited(cls, base: int | None, *, microscopy: bool) -> "SemanticSampleSettings":
        """Return settings for photographs or for images of a microscope.

        What a microscope shows has a size, so that crops stay near to the scale at
        which images are segmented; and its objects belong to their background.
        """
        if microscopy:
            return cls(base=base, reach=(0.35, 0.8), paste=0.0, microscopy=True)
        return cls(base=base)


@dataclass(frozen=True, slots=True)
class Order:
    """Which samples of the endless sequence a process draws.

    A sample is known by its number, whichever process or worker draws it.

    Parameters
    ----------
    first : int
        Number of the first sample of all.
    batch : int
        Samples that this process takes at a time.
    rank, processes : int
        Which process this is, of how many; the first takes the first batch, the
        next one the second, and so on.
    """

    first: int = 0
    batch: int = 1
    rank: int = 0
    processes: int = 1

    def numbers(self, worker: int = 0, workers: int = 1) -> Iterator[int]:
        """Yield the samples of one of this process's workers, which take turns."""
        for turn in count(worker, workers):
            start = self.first + (turn * self.processes + self.rank) * self.batch
            yield from range(start, start + self.batch)


@dataclass(frozen=True, slots=True, eq=False)
class SemanticSample:
    """One crop: (H, W, 3) uint8 and class indices (H, W) uint8, ``VOID`` ignored."""

    image: NDArray[np.uint8]
    target: NDArray[np.uint8]


@dataclass
class SemanticSamples(IterableDataset[SemanticSample]):
    """An endless stream of crops, drawn at random.

    Parameters
    ----------
    source : SemanticSource
        The images.
    presence : ndarray
        (images, classes) bool as :meth:`SemanticSource.presence` gives it.
    settings : SemanticSampleSettings
        How crops are drawn.
    seed : int
        Of the random generator.
    order : Order
        Which of the samples to draw.
    """

    source: SemanticSource
    presence: NDArray[np.bool_]
    settings: SemanticSampleSettings = field(default_factory=SemanticSampleSettings)
    seed: int = 0
    order: Order = field(default_factory=Order)

    def __post_init__(self) -> None:
        """Read nothing yet."""
        self._read = RecentImages(self.source.read)

    def __iter__(self) -> Iterator[SemanticSample]:
        """Yield samples for ever."""
        info = get_worker_info()
        turns = (info.id, info.num_workers) if info else (0, 1)
        chances = class_chances(
            self.presence, self.settings.balance, background=self.source.has_background
        )
        for number in self.order.numbers(*turns):
            yield self.draw(number, chances)

    def draw(self, number: int, chances: NDArray[np.float64]) -> SemanticSample:
        """Return one of the samples; the same for the same number and seed."""
        rng = np.random.default_rng([self.seed, number])
        # Colours are drawn from torch's generator, which others use too.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            sample = self._draw(chances, rng)
            if rng.random() < self.settings.paste and self.source.has_background:
                sample = pasted(sample, self._draw(chances, rng))
        return sample

    def _draw(
        self, chances: NDArray[np.float64], rng: np.random.Generator
    ) -> SemanticSample:
        chosen = int(rng.choice(len(chances), p=chances))
        images = np.flatnonzero(self.presence[:, chosen])
        image, target = self._read(int(rng.choice(images)))
        window = draw_window(target, chosen, self.settings, rng)
        sample = cut(image, target, window, self.settings.size)
        if rng.random() < 0.5:
            sample = SemanticSample(sample.image[:, ::-1], sample.target[:, ::-1])
        if self.settings.microscopy:
            sample = _turned(sample, int(rng.integers(4)))
            sample = SemanticSample(exposed_again(sample.image, rng), sample.target)
        else:
            sample = SemanticSample(*tilted(sample.image, sample.target))
        return SemanticSample(recoloured(sample.image), sample.target)


def _turned(sample: SemanticSample, quarters: int) -> SemanticSample:
    return SemanticSample(
        np.rot90(sample.image, quarters), np.rot90(sample.target, quarters)
    )


def class_chances(
    presence: NDArray[np.bool_], balance: float, *, background: bool = True
) -> NDArray[np.float64]:
    """Return how often to draw an image for each class.

    The background, which every image has, is drawn for only where images have
    nothing else.

    Parameters
    ----------
    presence : ndarray
        (images, classes) bool.
    balance : float
        See :class:`SemanticSampleSettings`.
    background : bool
        Whether the first class is the background.
    """
    counts = presence.sum(0).astype(np.float64)
    if background:
        counts[0] = (presence[:, 0] & ~presence[:, 1:].any(1)).sum()
    chances: NDArray[np.float64] = np.where(counts > 0, counts**balance, 0.0)
    if not chances.any():
        raise ValueError("no training image has a labelled pixel: check the labels")
    chances /= chances.sum()
    return chances


def draw_window(
    target: NDArray[np.uint8],
    chosen: int,
    settings: SemanticSampleSettings,
    rng: np.random.Generator,
) -> Window:
    """Return the part of an image to cut out; it may reach beyond the image."""
    shape = np.array(target.shape)
    side = (settings.base or shape.max()) * np.exp(rng.uniform(*np.log(settings.reach)))
    ratio = np.exp(rng.uniform(-settings.stretch, settings.stretch) / 2)
    sides = np.maximum(np.round([side * ratio, side / ratio]), 16).astype(int)
    # Where the window is larger than the image, the image lies anywhere in it.
    low, high = np.minimum(shape - sides, 0), np.maximum(shape - sides, 0)
    if rng.random() < settings.centred:
        ys, xs = np.nonzero(target == chosen)
        pixel = int(rng.integers(len(ys)))
        at = np.array([ys[pixel], xs[pixel]])
        low, high = np.maximum(low, at - sides + 1), np.minimum(high, at)
    top, left = rng.integers(low, high + 1)
    return Window(int(top), int(left), int(top + sides[0]), int(left + sides[1]))


def cut(
    image: NDArray[np.uint8], target: NDArray[np.uint8], window: Window, size: int
) -> SemanticSample:
    """Return a window as a crop of ``size`` pixels, grey and void off the image."""
    height, width = target.shape
    inside = window.intersection(Window(0, 0, height, width))
    tall, wide = size / window.height, size / window.width
    top, left = (
        int((inside.top - window.top) * tall),
        int((inside.left - window.left) * wide),
    )
    shape = (
        max(min(round(inside.height * tall), size - top), 1),
        max(min(round(inside.width * wide), size - left), 1),
    )
    place = (slice(top, top + shape[0]), slice(left, left + shape[1]))
    pixels = np.full((size, size, 3), GREY, np.uint8)
    pixels[place] = resize_image(image, inside, shape)
    classes = np.full((size, size), VOID, np.uint8)
    classes[place] = resize_labels(target, inside, shape)
    return SemanticSample(pixels, classes)


def pasted(below: SemanticSample, above: SemanticSample) -> SemanticSample:
    """Return a crop with the objects of another one laid over it."""
    objects = (above.target != 0) & (above.target != VOID)
    return SemanticSample(
        np.where(objects[..., None], above.image, below.image),
        np.where(objects, above.target, below.target),
    )


def collate(samples: Sequence[SemanticSample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch: images (N, 3, H, W) float32 in 0..1 and targets (N, H, W)."""
    images = torch.from_numpy(np.stack([s.image for s in samples]))
    targets = torch.from_numpy(np.stack([s.target for s in samples]))
    return images.permute(0, 3, 1, 2).float() / 255, targets.long()
