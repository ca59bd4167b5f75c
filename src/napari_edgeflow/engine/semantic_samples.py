"""Crops of images with a class for every pixel, rare classes more often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from napari_edgeflow.engine.augmentation import recoloured
from napari_edgeflow.engine.image import Window, resize_image, resize_labels
from napari_edgeflow.engine.pairs import VOID, LabelledImage, read_labels, read_pair

MAX_CLASSES = VOID
"""Classes are counted from 0, and ``VOID`` stands for pixels that do not count."""

_GREY = 127


@dataclass(frozen=True, slots=True)
class SemanticSource:
    """Labelled images and the classes in them.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        The images.
    class_ids : tuple of int
        Values of the labels that are classes, the background's 0 included; all
        others do not count in training.
    """

    pairs: tuple[LabelledImage, ...]
    class_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the values once."""
        if not self.pairs:
            raise ValueError("there are no training images: check the folder or list")
        if not 2 <= len(self.class_ids) <= MAX_CLASSES:
            raise ValueError(
                f"{len(self.class_ids)} classes: training needs 2 to {MAX_CLASSES}, "
                "the background included"
            )

    def indices(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return labels (H, W) as positions in ``class_ids``, or ``VOID``."""
        table = np.full(max(*self.class_ids, int(labels.max())) + 1, VOID, np.uint8)
        table[list(self.class_ids)] = np.arange(len(self.class_ids))
        indices: NDArray[np.uint8] = table[labels]
        return indices

    def presence(self) -> NDArray[np.bool_]:
        """Return which image has which class, (images, classes); reads all labels."""
        found = np.zeros((len(self.pairs), len(self.class_ids)), np.bool_)
        for row, pair in zip(found, self.pairs, strict=True):
            values = np.unique(self.indices(read_labels(pair.labels)))
            row[values[values != VOID]] = True
        return found


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
    """

    size: int = 256
    reach: tuple[float, float] = (0.4, 1.25)
    stretch: float = 0.2
    balance: float = 0.3
    centred: float = 0.7
    paste: float = 0.25


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
        Of the random generator; each worker adds its number.
    """

    source: SemanticSource
    presence: NDArray[np.bool_]
    settings: SemanticSampleSettings = field(default_factory=SemanticSampleSettings)
    seed: int = 0

    def __iter__(self) -> Iterator[SemanticSample]:
        """Yield samples for ever."""
        info = get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        torch.manual_seed(int(rng.integers(2**31)))
        chances = class_chances(self.presence, self.settings.balance)
        while True:
            sample = self._draw(chances, rng)
            if rng.random() < self.settings.paste:
                sample = pasted(sample, self._draw(chances, rng))
            yield sample

    def _draw(
        self, chances: NDArray[np.float64], rng: np.random.Generator
    ) -> SemanticSample:
        chosen = int(rng.choice(len(chances), p=chances))
        images = np.flatnonzero(self.presence[:, chosen])
        image, labels = read_pair(self.source.pairs[int(rng.choice(images))])
        target = self.source.indices(labels)
        window = draw_window(target, chosen, self.settings, rng)
        sample = cut(image, target, window, self.settings.size)
        if rng.random() < 0.5:
            sample = SemanticSample(sample.image[:, ::-1], sample.target[:, ::-1])
        return SemanticSample(recoloured(sample.image), sample.target)


def class_chances(presence: NDArray[np.bool_], balance: float) -> NDArray[np.float64]:
    """Return how often to draw an image for each class.

    The background, which every image has, is drawn for only where images have
    nothing else.
    """
    counts = presence.sum(0).astype(np.float64)
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
    side = shape.max() * np.exp(rng.uniform(*np.log(settings.reach)))
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
    inside = Window(
        max(window.top, 0),
        max(window.left, 0),
        min(window.bottom, height),
        min(window.right, width),
    )
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
    pixels = np.full((size, size, 3), _GREY, np.uint8)
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


def collate(
    samples: Sequence[SemanticSample],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch: images (N, 3, H, W) float32 in 0..1 and targets (N, H, W)."""
    images = torch.from_numpy(np.stack([s.image for s in samples]))
    targets = torch.from_numpy(np.stack([s.target for s in samples]))
    return images.permute(0, 3, 1, 2).float() / 255, targets.long()
